using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Images;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Batch-normalised networks of 100 layers on small digits, with orthogonal and Xavier weights, shaped activations and plain ones;
/// and how gradients and isometry go with depth.</summary>
[Recipe(Name)]
public sealed class BoundedGradientBatchNormRecipe : Recipe
{
    internal const string Name = "bounded-gradient-batchnorm";

    private const string Shaped = "orthogonal, tanh, e = 0.5", Plain = "orthogonal, tanh", XavierPlain = "Xavier, tanh",
        Linear = "orthogonal, linear", XavierLinear = "Xavier, linear";

    private static readonly (string Name, BatchNormMlpInit Init, string Activation, double Exponent)[] Networks =
    [
        (Shaped, BatchNormMlpInit.Orthogonal, "tanh", 0.5), (Plain, BatchNormMlpInit.Orthogonal, "tanh", 0),
        (XavierPlain, BatchNormMlpInit.XavierNormal, "tanh", 0), (Linear, BatchNormMlpInit.Orthogonal, "identity", 0),
        (XavierLinear, BatchNormMlpInit.XavierNormal, "identity", 0),
    ];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var setting = Setting.Of(context);
        using var images = setting.Load(context);
        var (train, test) = Centred(images, setting);
        context.Output.Note("training images", train.Count);
        var contest = new Contest
        {
            Context = context,
            Train = train,
            Test = test,
            Epochs = setting.Epochs,
            BatchSize = setting.Width,
            // The networks know no statistics but the batch's: it is as large in testing.
            EvaluationBatchSize = setting.Width,
            Seeds = 1,
            Diverged = 0.1,
        };
        Best[] best = [.. setting.Depths.SelectMany(depth => Networks.Select(n => Train(contest, setting, depth, n)))];
        context.Output.Table($"{images.Title}, test accuracy, the best of {setting.Rates.Length} learning rates",
            ["network", "layers", "learning rate", "accuracy", "first layer's gradient", "last layer's"],
            best.Select(b => (object[])[b.Name, b.Depth, b.Rate, b.Accuracy, b.First, b.Last]));
        DrawLearning(context, best.Where(b => b.Depth == setting.Depths[^1]));
        DrawDepth(context);
        return Judge(setting, best);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        var setting = Setting.Of(context.WithSizeOfTraining());
        using var images = setting.Load(context);
        using var network = Zoo.Load<BatchNormMlp>(context.Checkpoint);
        network.to(context.Device);
        var test = Centred(images, setting).Test;
        var trainer = new Trainer(network, context.TrainerOptions(null) with { EvaluationBatchSize = setting.Width })
        {
            Step = Contest.Classification,
        };
        context.Output.Table(images.Title, ["model", "test accuracy"],
            [[context.Checkpoint.ModelName!, trainer.Evaluate(test)[Contest.Accuracy]]]);
        return null;
    }

    // The training set's mean is taken from each pixel, all are divided by one number; whole batches only.
    private static (PairDataset Train, PairDataset Test) Centred(LabelledImages images, Setting setting)
    {
        var (train, test) = (images.Train.Inputs.flatten(1), images.Test.Inputs.flatten(1));
        var mean = train.mean([0]);
        var std = (train - mean).std();
        return (Whole((train - mean) / std, images.Train.Targets), Whole((test - mean) / std, images.Test.Targets));

        PairDataset Whole(Tensor x, Tensor y)
        {
            var count = x.shape[0] / setting.Width * setting.Width;
            return new PairDataset(x[..(int)count], y[..(int)count]);
        }
    }

    private static Best Train(Contest contest, Setting setting, int depth,
        (string Name, BatchNormMlpInit Init, string Activation, double Exponent) of)
    {
        var train = (PairDataset)contest.Train;
        var config = new BatchNormMlpConfig
        {
            InFeatures = train.Inputs.shape[1],
            HiddenFeatures = setting.Width,
            Depth = depth,
            OutFeatures = 10,
            Activation = of.Activation,
            GainExponent = of.Exponent,
            Init = of.Init,
        };
        var (accuracy, rate, network) = setting.Rates.Select(rate =>
        {
            var contender = (contest with { Optimizer = p => new FusedSgd(p, rate) }).Run(
                FormattableString.Invariant($"{of.Name}, {depth} layers, learning rate {rate}"), () => new BatchNormMlp(config),
                isRunsOwn: of.Name == Shaped && depth == setting.Depths[^1] && rate == setting.Rates[0]);
            return (contender.Mean, rate, contender);
        }).MaxBy(r => r.Mean);

        using var scope = NewDisposeScope();
        Seed.Set(contest.Context.Seed);
        using var fresh = new BatchNormMlp(config);
        var profile = GradientProfile.Measure(fresh, train.Inputs[..setting.Width], train.Targets[..setting.Width],
            (p, t) => nn.functional.cross_entropy(p, t));
        return new(of.Name, depth, rate, accuracy, network with { Name = of.Name }, profile[0].Gradient, profile[^2].Gradient);
    }

    private static void DrawLearning(RecipeContext context, IEnumerable<Best> best) =>
        context.Save("learning.png", "test accuracy of the deepest networks by epoch", path => new LinePlot
        {
            Title = $"Test accuracy at {best.First().Depth} layers",
            XLabel = "epoch",
            YLabel = "accuracy",
            Series = [.. best.Select(b => b.Network.Curve(h => h.Validation[Contest.Accuracy]))],
        }.Save(path));

    // The theory's setting: as many examples as features, 32, inputs with a common shift, random labels.
    private static void DrawDepth(RecipeContext context)
    {
        const long n = 32;
        int[] depths = [16, 64, 256];
        var (rows, gradients, gaps) = (new List<object[]>(), new List<Series>(), new List<Series>());
        foreach (var (name, init, activation, exponent) in Networks)
        {
            var byDepth = depths.Select(depth =>
            {
                using var scope = NewDisposeScope();
                using var generator = new Generator(context.Seed);
                var x = randn([n, n], ScalarType.Float64, generator: generator)
                    + 1.5 * randn([1, n], ScalarType.Float64, generator: generator);
                var labels = randint(10, [n], ScalarType.Int64, generator: generator);
                using var network = new BatchNormMlp(new BatchNormMlpConfig
                {
                    InFeatures = n,
                    HiddenFeatures = n,
                    Depth = depth,
                    OutFeatures = 10,
                    Activation = activation,
                    GainExponent = exponent,
                    Init = init,
                }, generator);
                network.to(ScalarType.Float64);
                context.Cancellation.ThrowIfCancellationRequested();
                return GradientProfile.Measure(network, x, labels, (p, t) => nn.functional.cross_entropy(p, t));
            }).ToArray();
            rows.Add([name, .. byDepth.Select(p => (object)p[0].Gradient)]);
            double[] layers = [.. Enumerable.Range(1, depths[1]).Select(l => (double)l)];
            gradients.Add(new(name, layers, [.. byDepth[1].SkipLast(1).Select(p => p.Gradient)]));
            var finite = byDepth[1].SkipLast(1).Select(p => p.NormGap!.Value).TakeWhile(double.IsFinite).ToArray();
            gaps.Add(new(name, layers[..finite.Length], finite));
        }
        context.Output.Table($"Gradient of the first of some layers, {n} random examples of {n} numbers",
            ["network", .. depths.Select(d => $"{d} layers")], rows);
        context.Save("depth.png", "gradients and isometry gap by layer, fresh weights", path => LinePlot.SaveGrid(path,
        [
            new LinePlot { Title = $"Gradients of {depths[1]} layers", XLabel = "layer", YLabel = "norm", LogY = true, Series = gradients },
            new LinePlot { Title = "Isometry gap of the examples", XLabel = "layer", YLabel = "gap", LogY = true, Series = gaps },
        ], columns: 2));
    }

    private static Claim Judge(Setting setting, Best[] all)
    {
        const double shaped = 0.88, linear = 0.9, unshaped = 0.5, bounded = 5, exploded = 500;
        var depth = setting.Depths[^1];
        Best Of(string name) => all.Single(b => b.Name == name && b.Depth == depth);
        return new Claim(Name, $"test accuracy of {Shaped} at {depth} layers", Of(Shaped).Accuracy, shaped,
            Math.Max(Of(Plain).Accuracy, Of(XavierPlain).Accuracy),
        [
            AtLeast(Shaped, shaped),
            AtLeast(Linear, linear),
            .. new[] { Plain, XavierPlain }.Select(name => new Condition(FormattableString.Invariant(
                $"{name} at most {unshaped} ({Of(name).Accuracy:F3})"), Of(name).Accuracy <= unshaped)),
            .. new[] { Shaped, Linear }.Select(name => new Condition(FormattableString.Invariant(
                $"first layer's gradient at most {bounded} times the last's, {name} ({Ratio(name):G3})"), Ratio(name) <= bounded)),
            .. new[] { Plain, XavierPlain }.Select(name => new Condition(FormattableString.Invariant(
                $"at least {exploded} times, {name} ({Ratio(name):G3})"), Ratio(name) >= exploded)),
        ]);

        double Ratio(string name) => Of(name).First / Of(name).Last;
        Condition AtLeast(string name, double accuracy) => new(FormattableString.Invariant(
            $"{name} at least {accuracy} ({Of(name).Accuracy:F3})"), Of(name).Accuracy >= accuracy);
    }

    private sealed record Best(string Name, int Depth, double Rate, double Accuracy, Contender Network, double First, double Last);

    private sealed record Setting(int Width, int[] Depths, int Epochs, double[] Rates, Func<RecipeContext, LabelledImages> Load)
    {
        // With --full Fashion-MNIST, to a depth of 1000.
        public static Setting Of(RecipeContext context) => context.Size == RunSize.Full
            ? new(100, [10, 100, 1000], context.Epochs ?? 1000, [1e-3], c => RecipeImages.FashionMnist(c, new ImageOptions()))
            : new(context.Pick(50, 100, 0), context.Pick<int[]>([4, 8], [20, 100], []), context.Epochs ?? context.Pick(1, 6, 0),
                context.Pick<double[]>([0.1], [0.1, 0.01, 0.001], []), Digits.LoadFor);
    }
}
