using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>One neuron that finds out which mean it is shown, and tells it of numbers it has never seen; exclusive or in two layers; with
/// <c>--full</c> pooling by learned means.</summary>
[Recipe(Name)]
public sealed class MultipletNetworkRecipe : Recipe
{
    internal const string Name = "multiplet-networks";

    private const string Error = "relative error", Neuron = "Lehmer neuron", Perceptron = "MLP 4-32-1";
    private const string One = "one layer", Two = "two layers";
    private const int Features = 4, Examples = 1000, Steps = 1500;

    // The first three: exponents to be found to 0.02.
    private static readonly MeanTarget[] Targets =
    [
        new("harmonic mean", 0, [1, 1, 1, 1], true),
        new("√(x₁ x₂)", 0.5, [1, 1, 0, 0], true),
        new("s = 2.5, weights 1 3 0 2", 2.5, [1, 3, 0, 2], true),
        new("s = 6", 6, [1, 1, 1, 1], false),
        new("s = −4", -4, [1, 1, 1, 1], false),
    ];

    private static readonly TrainingStep Regression = Training.Steps.Supervised((p, t) => (p - t).square().mean(),
        (Error, (p, t) => (p - t).norm() / t.norm()));

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        if (context.Size != RunSize.Full) context.RefuseData(Name);
        using var scope = NewDisposeScope();
        Found[] found = [.. Targets.Select((t, i) => Recover(context, t, (ulong)i))];
        context.Output.Table("Means from [0.1, 1], tested on [1, 10]: relative error, mean of the seeds",
            ["target", "s", Neuron, "s found", "weights found", Perceptron], found.Select(f => (object[])[f.Target.Name, f.Target.Exponent,
                f.Neuron.Mean, f.Exponents.Average(), string.Join(" ", f.Weights.Select(w => Invariant($"{w:F3}"))), f.Perceptron.Mean]));
        DrawMeans(context, found);
        var logic = Logic(context);
        if (context.Size == RunSize.Full)
            ClothesContest.Run(context, "pooling", ("maximum", () => PictureNetwork(_ => nn.MaxPool2d(2))),
                ("Lehmer mean, an exponent a channel", () => PictureNetwork(channels => new LehmerPool2d(channels, 2))));
        return Judge(found, logic);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<MultipletNetwork>(context.Checkpoint);
        network.to(context.Device);
        var trainer = new Trainer(network, context.TrainerOptions(null)) { Step = Regression };
        var (_, test) = Targets[0].Data(Seed.Derive(context.WithSizeAndSeedOfTraining().Seed, 0));
        context.Output.Table(Targets[0].Name, ["model", Error], [[context.Checkpoint.ModelName!, trainer.Evaluate(test)[Error]]]);
        return null;
    }

    private static Found Recover(RecipeContext context, MeanTarget target, ulong number)
    {
        var (train, test) = target.Data(Seed.Derive(context.Seed, number));
        var contest = new Contest
        {
            Context = context,
            Train = train,
            Test = test,
            // All examples at once: an epoch is a step.
            Epochs = context.Epochs ?? context.Pick(20, Steps, Steps),
            BatchSize = Examples,
            EvaluateEvery = 100,
            Seeds = context.Pick(1, 3, 3),
            Metric = Error,
            MoreIsBetter = false,
            Step = Regression,
            Optimizer = p => new FusedAdam(p, 3e-2),
            Schedule = Schedules.Factor(c => 1 - c.Step / (double)c.TotalSteps),
        };
        var exponents = new List<double>();
        var weights = new List<double[]>();
        var course = new ExponentCourse();
        var neuron = contest.Run($"{Neuron}, {target.Name}",
            () => new MultipletNetwork(new() { InFeatures = Features, Layers = [new(1, [1])] }),
            callbacks: (net, seed) => seed == 0 ? [course.Of(net)] : [],
            after: (net, _) =>
            {
                using var off = no_grad();
                exponents.Add(net.Layers[0].Exponents.item<float>());
                weights.Add([.. net.Layers[0].Weights.cpu().reshape(-1).data<float>().Select(w => (double)w)]);
            }, isRunsOwn: number == 0);
        var perceptron = contest.Run($"{Perceptron}, {target.Name}",
            () => nn.Sequential(nn.Linear(Features, 32), nn.ReLU(), nn.Linear(32, 1)));
        return new(target, neuron, perceptron, exponents, [.. Enumerable.Range(0, Features).Select(i => weights.Average(w => w[i]))],
            course.Exponents);
    }

    // The criterion: each of the four answers on the right side of ½.
    private static Contender Logic(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var bits = tensor(new float[] { 0, 0, 0, 1, 1, 0, 1, 1 }).reshape(4, 2);
        var answers = tensor(new[] { 0.05f, 0.95f, 0.95f, 0.05f }).unsqueeze(1);
        var data = new PairDataset(MultipletNetwork.LogicInputs(bits), answers);
        var contest = new Contest
        {
            Context = context,
            Train = data,
            Test = data,
            Epochs = context.Epochs ?? context.Pick(20, 2000, 2000),
            BatchSize = 4,
            EvaluateEvery = 100,
            Seeds = context.Pick(2, 10, 10),
            Step = Training.Steps.Supervised((p, t) => (p - t).square().mean(),
                (Contest.Accuracy, (p, t) => p.gt(0.5).eq(t.gt(0.5)).to(ScalarType.Float32).mean())),
            Optimizer = p => new FusedAdam(p, 5e-2),
        };
        MultipletNetwork Network(params IReadOnlyList<MultipletConfig> layers) =>
            new(new() { InFeatures = 4, Layers = layers, InitScale = 1 });
        Contender[] all =
        [
            contest.Run($"exclusive or, {Two}", () => Network(new(2, [1, -3]), new(1, [3]))),
            contest.Run($"exclusive or, {One}", () => Network(new MultipletConfig(1, [3]))),
        ];
        context.Output.Table("Exclusive or", ["network", "seeds that solve it", "largest final mean squared error"],
            all.Select(c => (object[])[c.Name, $"{Solved(c)} of {contest.Seeds}",
                c.Results.Max(r => r?.History[^1].Training["loss"] ?? double.NaN)]));
        return all[0];
    }

    private static int Solved(Contender contender) => contender.Values.Count(v => v == 1);

    private static void DrawMeans(RecipeContext context, Found[] found) =>
        context.Save("exponents.png", "how the neuron finds the mean's exponent, and losses", path => LinePlot.SaveGrid(path,
        [
            new LinePlot
            {
                Title = "The neuron's exponent, seed 0",
                XLabel = "step",
                YLabel = "s",
                Series = [.. found.Select((f, i) => new Series(f.Target.Name, f.Course) { Color = i }),
                    .. found.Select((f, i) => new Series("", [0, f.Course.Length - 1], [f.Target.Exponent, f.Target.Exponent])
                    { Color = i, Dashed = true })],
            },
            new LinePlot
            {
                Title = "Training loss: neuron, and perceptron (dashed)",
                XLabel = "step",
                YLabel = "mean squared error",
                LogY = true,
                Series = [.. found.Select((f, i) => f.Neuron.Curve(h => h.Training["loss"]) with { Name = f.Target.Name, Color = i }),
                    .. found.Select((f, i) => f.Perceptron.Curve(h => h.Training["loss"]) with { Name = "", Color = i, Dashed = true })],
            },
        ], columns: 2));

    private static nn.Module<Tensor, Tensor> PictureNetwork(Func<long, nn.Module<Tensor, Tensor>> pool) => nn.Sequential(
        nn.Conv2d(1, 32, 3, padding: 1), nn.ReLU(), pool(32), nn.Conv2d(32, 64, 3, padding: 1), nn.ReLU(), pool(64), nn.Flatten(),
        nn.Linear(64 * 7 * 7, 10));

    private static Claim Judge(Found[] found, Contender logic)
    {
        const double largest = 0.05, share = 0.2, exponent = 0.02;
        var worst = found.MaxBy(f => f.Neuron.Mean)!;
        var needed = (int)Math.Ceiling(0.9 * logic.Values.Count);
        return new Claim(Name, "relative error of the worst mean", worst.Neuron.Mean, largest, worst.Perceptron.Mean,
        [
            .. found.Select(f => new Condition(
                Invariant($"{f.Target.Name}: at most {largest} and a fifth of the MLP's ({f.Neuron.Mean:F4}, {f.Perceptron.Mean:F3})"),
                f.Neuron.Mean <= Math.Min(largest, share * f.Perceptron.Mean))),
            .. found.Where(f => f.Target.IsFound).Select(f => new Condition(
                Invariant($"{f.Target.Name}: s within {exponent} ({f.Farthest:F4} off at most)"), f.Farthest <= exponent)),
            new(Invariant($"exclusive or by two layers in {needed} seeds at least ({Solved(logic)} of {logic.Values.Count})"),
                Solved(logic) >= needed),
        ]);
    }

    private sealed record MeanTarget(string Name, double Exponent, double[] Weights, bool IsFound)
    {
        /// <summary>Small numbers to learn from and great ones to test with.</summary>
        public (PairDataset Train, PairDataset Test) Data(ulong seed)
        {
            using var generator = new Generator(seed);
            return (Of(0.1, 1), Of(1, 10));

            PairDataset Of(double low, double high)
            {
                var x = empty(Examples, Features).uniform_(low, high, generator);
                var y = LehmerMean.Evaluate(x.to(ScalarType.Float64), tensor(Weights), tensor(Exponent));
                return new PairDataset(x, y.to(ScalarType.Float32).unsqueeze(1));
            }
        }
    }

    private sealed record Found(MeanTarget Target, Contender Neuron, Contender Perceptron, IReadOnlyList<double> Exponents,
        double[] Weights, double[] Course)
    {
        public double Farthest => Exponents.Count == 0 ? double.PositiveInfinity : Exponents.Max(s => Math.Abs(s - Target.Exponent));
    }

    private sealed class ExponentCourse : TrainerCallback
    {
        private readonly List<double> _exponents = [];
        private MultipletNetwork? _network;

        public double[] Exponents => [.. _exponents];

        public override bool IsObserver => true;

        public ExponentCourse Of(MultipletNetwork network)
        {
            _network = network;
            return this;
        }

        public override void OnEpoch(Trainer trainer, EpochReport report) => _exponents.Add(_network!.Layers[0].Exponents.item<float>());
    }
}
