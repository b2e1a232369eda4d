using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Images;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Bundled networks of random features, trained and in closed form, against perceptrons with more weights, on small digits; and
/// how errors of the features fall with their number.</summary>
[Recipe(Name)]
public sealed class SnnkRecipe : Recipe
{
    internal const string Name = "snnk";

    private const string Linear = "linear";

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var setting = Setting.Of(context);
        using var images = setting.Load(context);
        var (train, test) = Centred(images);
        context.Output.Note("training images", train.Count);
        var contest = new Contest
        {
            Context = context,
            Train = train,
            Test = test,
            Epochs = setting.Epochs,
            BatchSize = setting.BatchSize,
            EvaluateEvery = Math.Max(1, setting.Epochs / 12),
            Seeds = setting.Seeds,
            Diverged = 0.1,
            Optimizer = p => new FusedAdam(p, 1e-2),
            Schedule = Schedules.Cosine(),
        };
        var inputs = train.Inputs.shape[1];
        var kernels = contest with { Optimizer = p => new FusedAdam(p, 5e-2) };
        var wide = contest.Run($"MLP {inputs}-{setting.Wide}-10", () => Perceptron(inputs, setting.Wide));
        var narrow = contest.Run($"MLP {inputs}-{setting.Narrow}-10", () => Perceptron(inputs, setting.Narrow));
        var linear = contest.Run(Linear, () => nn.Linear(inputs, 10));
        Contender Bundled(SnnkKind kind, long m, bool isRunsOwn = false)
        {
            var config = new SnnkConfig { InFeatures = inputs, OutFeatures = 10, Features = [m], Kind = kind };
            var name = kind == SnnkKind.Relu ? "ReLU" : kind.ToString();
            return kernels.Run($"bundled {name}, m = {m}", () => new Snnk(config), isRunsOwn: isRunsOwn);
        }
        var trig = Bundled(SnnkKind.Trig, setting.Features / 2, isRunsOwn: true);
        var relu = Bundled(SnnkKind.Relu, setting.Features);
        var small = Bundled(SnnkKind.Relu, setting.Few);
        var layer = kernels.Run($"ReLU layer {inputs}-{setting.Wide}, m = 16, then linear", () => new Snnk(
            new SnnkConfig { InFeatures = inputs, HiddenFeatures = [setting.Wide], OutFeatures = 10, Features = [16] }));
        var closed = ClosedForm(context, setting, train, test, setting.Features);
        var closedWide = ClosedForm(context, setting, train, test, setting.Many);
        contest.Show($"{images.Title}, test accuracy after {setting.Epochs} epochs",
            [wide, narrow, linear, trig, relu, small, closed, closedWide, layer]);
        Draw(context, [wide, narrow, linear, trig, relu, small, layer], [closed, closedWide]);
        return Judge(wide, linear, trig, closed);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        using var images = Setting.Of(context.WithSizeOfTraining()).Load(context);
        using var network = Zoo.Load<Snnk>(context.Checkpoint);
        network.to(context.Device);
        var trainer = new Trainer(network, context.TrainerOptions(null)) { Step = Contest.Classification };
        context.Output.Table(images.Title, ["model", "test accuracy"],
            [[context.Checkpoint.ModelName!, trainer.Evaluate(Centred(images).Test)[Contest.Accuracy]]]);
        return null;
    }

    // Centred and divided by the mean norm, both of the training set: random features want inputs of length 1.
    private static (PairDataset Train, PairDataset Test) Centred(LabelledImages images)
    {
        var (train, test) = (images.Train.Inputs.flatten(1), images.Test.Inputs.flatten(1));
        var mean = train.mean([0]);
        var norm = (train - mean).norm(1).mean();
        return (new PairDataset((train - mean) / norm, images.Train.Targets), new PairDataset((test - mean) / norm, images.Test.Targets));
    }

    private static nn.Module<Tensor, Tensor> Perceptron(long inputs, long hidden) =>
        nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, 10));

    // No gradient, no epochs: its weights count as none.
    private static Contender ClosedForm(RecipeContext context, Setting setting, PairDataset train, PairDataset test, long m)
    {
        var y = nn.functional.one_hot(train.Targets, 10).to(ScalarType.Float32).to(context.Device);
        double[] values = [.. Enumerable.Range(0, setting.Seeds).Select(i =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(context.Seed + (ulong)i);
            using var network = new FullyBundledNetwork(
                [new ReluRandomFeatures(train.Inputs.shape[1], m, generator: generator)], 10);
            network.to(context.Device);
            network.Fit(train.Inputs.to(context.Device), y);
            using var off = no_grad();
            context.Cancellation.ThrowIfCancellationRequested();
            return (double)network.call(test.Inputs.to(context.Device)).argmax(1).cpu().eq(test.Targets.cpu()).to(ScalarType.Float32).mean()
                .item<float>();
        })];
        return new Contender($"closed form, ReLU, m = {m}", 0, [], values);
    }

    private static void Draw(RecipeContext context, Contender[] trained, Contender[] closed)
    {
        long[] features = [16, 64, 256, 1024, 4096];
        context.Save("features.png", "accuracy against weights, and errors against features", path => LinePlot.SaveGrid(path,
        [
            new LinePlot
            {
                Title = "Test accuracy by trained weights",
                XLabel = "trained weights",
                YLabel = "accuracy",
                LogX = true,
                YRange = (0.9, 1),
                Series =
                [
                    .. trained.Where(c => c.Mean > 0.9).Select(c => new Series(c.Name, [c.Parameters], [c.Mean]) { Markers = true }),
                    .. closed.Select(c => new Series(c.Name, [trained.Min(t => t.Parameters), trained.Max(t => t.Parameters)],
                        [c.Mean, c.Mean])
                        { Dashed = true }),
                ],
            },
            new LinePlot
            {
                Title = "Estimates of cos(w·x + b), unit vectors",
                XLabel = "random features",
                YLabel = "root mean square error",
                LogX = true,
                LogY = true,
                Series =
                [
                    Errors(context, "independent", features, UrfSplit.Symmetric, false),
                    Errors(context, "orthogonal", features, UrfSplit.Symmetric, true),
                    Errors(context, "independent, α = 2πiξ", features, UrfSplit.Input, false),
                ],
            },
        ], columns: 2, width: 640, height: 420));
    }

    private static Series Errors(RecipeContext context, string name, long[] features, UrfSplit split, bool orthogonal)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(context.Seed);
        Tensor Unit(long count) => nn.functional.normalize(randn([count, 16], generator: generator), dim: -1);
        var (x, w, b) = (Unit(200), Unit(50), rand([50], generator: generator) * (2 * Math.PI));
        var exact = (x.matmul(w.t()) + b).cos();
        return new(name, [.. features.Select(m => (double)m)], [.. features.Select(m =>
        {
            using var inner = NewDisposeScope();
            using var map = new UniversalRandomFeatures(16, m, UrfSpectrum.Cosine, split, orthogonal, generator: generator);
            return (double)(map.Features(x).matmul(map.WeightFeatures(w, b).t()) - exact).square().mean().sqrt().item<float>();
        })])
        { Markers = true };
    }

    private static Claim Judge(Contender wide, Contender linear, Contender trig, Contender closed)
    {
        const double loss = 0.01, least = 0.965, gain = 0.02, fewer = 5;
        var factor = (double)wide.Parameters / trig.Parameters;
        Condition Above(Contender network) => new(FormattableString.Invariant(
            $"{network.Name} at least {gain} better than {linear.Name} ({network.Mean:F3}, {linear.Mean:F3})"),
                network.Mean >= linear.Mean + gain);
        return new Claim(Name, $"test accuracy of {trig.Name}, mean of the seeds", trig.Mean, wide.Mean - loss, wide.Mean,
        [
            new(FormattableString.Invariant($"at most {loss} below {wide.Name} ({trig.Mean:F3}, {wide.Mean:F3})"),
                trig.Mean >= wide.Mean - loss),
            new(FormattableString.Invariant($"with {fewer} times fewer weights ({factor:F1})"), factor >= fewer),
            new(FormattableString.Invariant($"{closed.Name} at least {least} ({closed.Mean:F3})"), closed.Mean >= least),
            Above(trig),
            Above(closed),
        ]);
    }

    private sealed record Setting(int Epochs, int Seeds, int BatchSize, long Wide, long Narrow, long Features, long Few, long Many,
        Func<RecipeContext, LabelledImages> Load)
    {
        // With --full Fashion-MNIST, and a closed form of 4096 features.
        public static Setting Of(RecipeContext context) => context.Size == RunSize.Full
            ? new(context.Epochs ?? 60, 3, 500, 1024, 200, 16_000, 2048, 4096, c => RecipeImages.FashionMnist(c, new ImageOptions()))
            : new(context.Epochs ?? context.Pick(1, 60, 0), context.Pick(1, 3, 0), 70, 256, 48, 370, 128, 1000,
                Digits.LoadFor);
    }
}
