using TorchZoo.Data;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A peak and a pit in the plane, learned by a single hidden layer of Padé neurons or of ordinary ones; and a function with a
/// kink.</summary>
internal static class PeaksExperiment
{
    private const string Relative = "relative error";
    private const long Samples = 2000, Side = 101;

    public static Claim Run(RecipeContext context, string recipe)
    {
        using var scope = NewDisposeScope();
        var pictures = new List<FieldPanel>();
        var contest = Contest(context, Peaks);
        var relu = Ordinary(contest, "ReLU, 30 units");
        var pade = Pade(contest, "Paon-S [1/2], 13 units", 13, 1, 2);
        Contender[] all = [relu, pade, Pade(contest, "Paon-S [2/2], 10 units", 10, 2, 2),
            Pade(contest, "quadratic [2/0], 20 units", 20, 2, 0, PadeVariant.Plain)];
        contest.Show("A peak and a pit: mean squared error on 2000 other points, relative to the function's mean square", all);
        var kink = Contest(context, Kink);
        kink.Show("|x − y| + tanh 3x: the same", [Ordinary(kink, "ReLU, 30 units"), Pade(kink, "Paon-S [1/2], 13 units", 13, 1, 2)]);
        context.Save("peaks.png", "the function, and where the networks of seed 0 are off", path => new FieldPicture
        {
            Title = "A peak and a pit, and networks of some hundred parameters",
            Rows = [[new("truth", Peaks(Grid()).reshape(Side, Side)) { Colors = ColorScale.Diverging }, .. pictures]],
        }.Save(path));
        var threshold = relu.Mean / 3;
        return new Claim(recipe, "relative error of Paon-S [1/2]", pade.Mean, threshold, relu.Mean,
            [new(FormattableString.Invariant($"at most a third of ReLU's ({pade.Mean:G3}, {threshold:G3})"), pade.Mean <= threshold)]);

        Contender Ordinary(Contest contest, string name) => contest.Run(name,
            () => nn.Sequential(nn.Linear(2, 30), nn.ReLU(), nn.Linear(30, 1)),
            after: (n, seed) => Draw(contest, "error of ReLU", n, seed));

        Contender Pade(Contest contest, string name, long units, int numerator, int denominator,
            PadeVariant variant = PadeVariant.Smoothed) => contest.Run(name,
                () => nn.Sequential(new PadeLinear(2, units, numerator, denominator, variant), nn.Linear(units, 1)),
                after: (n, seed) => Draw(contest, "error of Paon-S", n, denominator == 2 && numerator == 1 ? seed : -1));

        void Draw(Contest of, string title, nn.Module<Tensor, Tensor> network, int seed)
        {
            if (seed != 0 || !ReferenceEquals(of, contest)) return;
            using var off = no_grad();
            using var inner = NewDisposeScope();
            var error = network.call(Grid().to(context.Device)).cpu() - Peaks(Grid());
            pictures.Add(new(title, error.reshape(Side, Side)) { Colors = ColorScale.Diverging, Scale = "error" });
        }
    }

    private static Contest Contest(RecipeContext context, Func<Tensor, Tensor> function)
    {
        using var generator = new Generator(context.Seed);
        var epochs = context.Epochs ?? context.Pick(10, 1200, 1200);
        return new()
        {
            Context = context,
            Train = Points(),
            Test = Points(),
            Epochs = epochs,
            BatchSize = (int)Samples,
            EvaluationBatchSize = (int)Samples,
            EvaluateEvery = epochs,
            Shuffle = false,
            ClipNorm = 1,
            Seeds = context.Pick(1, 3, 3),
            Metric = Relative,
            MoreIsBetter = false,
            Step = Steps.Supervised((p, t) => (p - t).square().mean(),
                (Relative, (p, t) => (p - t).square().mean() / t.square().mean())),
            Optimizer = p => new FusedAdam(p, 2e-2),
            Schedule = Schedules.Cosine(),
        };

        PairDataset Points()
        {
            var x = rand([Samples, 2], generator: generator) * 2 - 1;
            return new PairDataset(x, function(x));
        }
    }

    // Rows from the top down.
    private static Tensor Grid()
    {
        var axis = linspace(-1, 1, Side);
        return stack([axis.expand(Side, Side), -axis.unsqueeze(1).expand(Side, Side)], -1).reshape(-1, 2);
    }

    private static Tensor Peaks(Tensor x) => Bump(x, 0.3) - Bump(x, -0.3);

    private static Tensor Bump(Tensor x, double at) => (-8 * (x - at).square().sum(-1, keepdim: true)).exp();

    private static Tensor Kink(Tensor x)
    {
        var (first, second) = (x.narrow(-1, 0, 1), x.narrow(-1, 1, 1));
        return (first - second).abs() + (3 * first).tanh();
    }
}
