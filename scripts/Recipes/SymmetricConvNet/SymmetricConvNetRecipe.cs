using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Images;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Small digits by networks with products and with ReLU; then their hidden channels are turned.</summary>
[Recipe(Name)]
public sealed class SymmetricConvNetRecipe : Recipe
{
    internal const string Name = "continuous-symmetry-convnet";

    private const string Product = "products", Relu = "ReLU", AllStages = "rotation in all stages";
    private const int Angles = 21;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        using var images = Load(context);
        context.Output.Note("training images", images.Train.Count);
        var isFull = context.Size == RunSize.Full;
        var contest = new Contest
        {
            Context = context,
            Train = images.Train,
            Test = images.Test,
            Epochs = context.Epochs ?? context.Pick(1, 8, 30),
            BatchSize = isFull ? 128 : 64,
            Seeds = context.Pick(1, 3, 3),
            ClipNorm = 1,
            Optimizer = p => new FusedAdamW(p, 5e-3, weightDecay: 1e-2),
            Schedule = Schedules.OneCycle(),
        };
        Entry[] entries = [.. new[] { Product, Relu }.Select(name => Train(contest, name, images, isFull))];
        contest.Show($"{images.Title}, test accuracy", entries.Select(e => e.Network));
        context.Output.Table("Hidden channels turned, in float64: largest of the seeds, and the lowest accuracy",
            ["network", "matrix", "largest change of an output", "accuracy before", "accuracy after"],
            entries.SelectMany(e => e.Turns.GroupBy(t => t.What).Select(g => (object[])[e.Network.Name, g.Key, g.Max(t => t.Change),
                g.MinBy(t => t.After)!.Before, g.Min(t => t.After)])));
        Draw(context, entries);
        return Judge(entries);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        using var images = Load(context.WithSizeOfTraining());
        using var network = Zoo.Load<SymmetricConvNet>(context.Checkpoint);
        network.to(context.Device);
        var trainer = new Trainer(network, context.TrainerOptions(null)) { Step = Contest.Classification };
        context.Output.Table(images.Title, ["model", "test accuracy"],
            [[context.Checkpoint.ModelName!, trainer.Evaluate(images.Test)[Contest.Accuracy]]]);
        return null;
    }

    // All pixels by one mean and deviation; the digits' are those of the training part.
    private static LabelledImages Load(RecipeContext context) => context.Size == RunSize.Full
        ? RecipeImages.FashionMnist(context, new ImageOptions { Mean = FashionMnist.Mean, Std = FashionMnist.Std })
        : context.Data is null ? Digits.Load(new ImageOptions { Train = context.Pick(128, 1400, 0), Mean = 0.3053, Std = 0.3760 })
        : throw new ArgumentException("The digits come with the program; --data is for Fashion-MNIST, with --full.", "--data");

    private static Entry Train(Contest contest, string name, LabelledImages images, bool isFull)
    {
        var turns = new List<Turn>();
        var course = new List<double>();
        var network = contest.Run(name, () => new SymmetricConvNet(new SymmetricConvNetConfig
        {
            InChannels = 1,
            StemChannels = 16,
            BlocksPerStage = isFull ? [2, 3, 3] : [2, 3],
            Classes = 10,
            Layout = SymmetricLayout.Small,
            Expansion = 2,
            Nonlinearity = name == Product ? BlockNonlinearity.Product : BlockNonlinearity.Relu,
        }), after: (net, seed) =>
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            net.to(ScalarType.Float64);
            var count = Math.Min(1000, images.Test.Count);
            var device = contest.Context.Device;
            var x = images.Test.Inputs[..(int)count].to(ScalarType.Float64).to(device);
            var labels = images.Test.Targets[..(int)count].to(device);
            using var generator = new Generator(Seed.Derive(contest.Context.Seed, (ulong)seed));
            var all = ChannelBasisTransform.Apply(net, 1, eye(net.Config.StemChannels, dtype: ScalarType.Float64), exact: false);
            for (var stage = 1; stage <= net.Config.BlocksPerStage.Count; stage++)
            {
                var channels = net.Config.StemChannels << (stage - 1);
                var q = linalg.qr(randn([channels, channels], ScalarType.Float64, generator: generator)).Q;
                turns.Add(Look($"rotation in stage {stage}", stage, q));
                // Singular values of 10^−½ to 10^½.
                var stretched = q * (linspace(-0.5, 0.5, channels, ScalarType.Float64) * Math.Log(10)).exp();
                turns.Add(Look($"stretched in stage {stage}", stage, stretched));
                var before = all;
                all = ChannelBasisTransform.Apply(before, stage, q, exact: false);
                before.Dispose();
            }
            turns.Add(Compare(AllStages, all));
            all.Dispose();
            if (seed == 0) course.AddRange(Turned());

            Turn Look(string what, int stage, Tensor q)
            {
                using var turned = ChannelBasisTransform.Apply(net, stage, q, exact: false);
                return Compare(what, turned);
            }

            Turn Compare(string what, SymmetricConvNet turned) =>
                new(what, SymmetryProbe.MaxDeviation(net, turned, x), Accuracy(net), Accuracy(turned));

            double Accuracy(SymmetricConvNet of)
            {
                using var inner = NewDisposeScope();
                return of.call(x).argmax(1).eq(labels).to(ScalarType.Float64).mean().item<double>();
            }

            // Along a path from the identity, by Cayley's transform of a skew matrix.
            IEnumerable<double> Turned()
            {
                var a = randn([net.Config.StemChannels, net.Config.StemChannels], ScalarType.Float64, generator: generator);
                var (skew, one) = (a - a.t(), eye(net.Config.StemChannels, dtype: ScalarType.Float64));
                for (var i = 0; i < Angles; i++)
                {
                    var half = skew * (0.25 * i / (Angles - 1));
                    using var turned = ChannelBasisTransform.Apply(net, 1, linalg.inv(one - half).matmul(one + half), exact: false);
                    yield return Accuracy(turned);
                }
            }
        }, isRunsOwn: name == Product);
        return new(network, turns, [.. course]);
    }

    private static void Draw(RecipeContext context, Entry[] entries) =>
        context.Save("symmetry.png", "learning, and accuracy while the channels are turned", path => LinePlot.SaveGrid(path,
        [
            new LinePlot
            {
                Title = "Test accuracy, mean of the seeds",
                XLabel = "epoch",
                YLabel = "accuracy",
                Series = [.. entries.Select(e => e.Network.Curve(h => h.Validation[Contest.Accuracy]))],
            },
            new LinePlot
            {
                Title = "Channels of stage 1 turned, seed 0",
                XLabel = "way from the identity to a rotation",
                YLabel = "accuracy",
                YRange = (0, 1.02),
                Series = [.. entries.Select(e => new Series(e.Network.Name,
                    [.. e.Course.Select((_, i) => i / (Angles - 1.0))], e.Course))],
            },
        ], columns: 2));

    private static Claim Judge(Entry[] entries)
    {
        const double behind = 0.01, same = 1e-10, lost = 0.4;
        Entry product = entries[0], relu = entries[1];
        double accuracy = product.Network.Mean, baseline = relu.Network.Mean;
        var change = product.Turns.Where(t => t.IsRotation).Select(t => t.Change).DefaultIfEmpty(double.NaN).Max();
        var loss = relu.Turns.Where(t => t.What == AllStages).Select(t => t.Before - t.After).DefaultIfEmpty(double.NaN).Min();
        return new Claim(Name, "test accuracy of the network with products, mean of the seeds", accuracy, baseline - behind, baseline,
        [
            new(Invariant($"at most {behind} below ReLU's ({accuracy:F4}, {baseline:F4})"), accuracy >= baseline - behind),
            new(Invariant($"rotations change its outputs by at most {same:E0} ({change:E1})"), change <= same),
            new(Invariant($"those of all stages cost the ReLU network at least {lost} ({loss:F3} at least)"), loss >= lost),
        ]);
    }

    private sealed record Turn(string What, double Change, double Before, double After)
    {
        public bool IsRotation => What.StartsWith("rotation", StringComparison.Ordinal);
    }

    private sealed record Entry(Contender Network, IReadOnlyList<Turn> Turns, double[] Course);
}
