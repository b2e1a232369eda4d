using System.CommandLine;
using TorchZoo.Data;
using TorchZoo.Data.Images;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A convolutional network that learns from few pictures of clothes, with and without the energy of its filters in the
/// loss.</summary>
[Recipe(Name)]
public sealed class HypersphericalEnergyRecipe : Recipe
{
    internal const string Name = "minimum-hyperspherical-energy";

    private const string None = "none", Judged = "MHE s=2, half space";

    private readonly Option<int?> _seeds = new("--seeds") { Description = "how many seeds; by default 3, with --full 1" };

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_seeds];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        var isFull = context.Size == RunSize.Full;
        using var images = Load(context, isFull);
        var (train, test) = isFull ? (images.Train, images.Test) : (Halved(images.Train), Halved(images.Test));
        context.Output.Note("training images", train.Count);
        var contest = new Contest
        {
            Context = context,
            Train = train,
            Test = test,
            // At full size the authors' 42 500 updates.
            Epochs = context.Epochs ?? context.Pick(1, 15, 91),
            BatchSize = isFull ? 128 : 50,
            Seeds = context.Get(_seeds) ?? context.Pick(1, 3, 1),
            Optimizer = p => new FusedSgd(p, isFull ? 0.1 : 0.05, 0.9, weightDecay: 5e-4),
            Schedule = isFull ? Schedules.Factor(c => Math.Pow(0.1, Math.Min(3, 4 * c.Step / Math.Max(1, c.TotalSteps))))
                : Schedules.Cosine(),
        };
        Entry[] entries = [.. Choices(isFull).Select(v => Train(contest, v, isFull))];
        contest.Show($"{images.Title}, test accuracy", entries.Select(e => e.Network));
        string[] layers = [.. entries[0].Energies[^1].Keys];
        context.Output.Table("Energy (s = 1, all directions) by layer after training, mean of the seeds", ["regulariser", .. layers],
            entries.Select(e => (object[])[e.Choice.Name, .. layers.Select(l => (object)e.Energy(l))]));
        Draw(context, entries, layers);
        return Judge(entries, layers);
    }

    private static LabelledImages Load(RecipeContext context, bool isFull)
    {
        const double mean = 0.28;
        return RecipeImages.FashionMnistOrDigits(context,
            isFull ? new ImageOptions { Mean = mean }
                : new ImageOptions { Train = context.Pick(100, 1000, 0), Test = context.Pick(100, 2000, 0), Mean = mean },
            new ImageOptions { Train = context.Pick(100, 1000, 1400), Mean = mean });
    }

    // Pictures of 28 pixels at half the resolution.
    private static PairDataset Halved(PairDataset data) => data.Inputs.shape[^1] < 28 ? data
        : new PairDataset(nn.functional.avg_pool2d(data.Inputs, 2), data.Targets);

    private static IEnumerable<Choice> Choices(bool isFull)
    {
        yield return new(None, null, default, default);
        if (!isFull)
        {
            yield return new("MHE s=0, full space", EnergyPower.Log, EnergySpace.Full, default);
            yield return new(Judged, EnergyPower.InverseSquare, EnergySpace.Half, default);
            yield break;
        }
        foreach (var metric in Enum.GetValues<EnergyMetric>())
            foreach (var s in Enum.GetValues<EnergyPower>())
                foreach (var space in Enum.GetValues<EnergySpace>())
                    yield return new($"MHE {(metric == EnergyMetric.Angular ? "angular " : "")}s={(int)s}, "
                        + (space == EnergySpace.Full ? "full space" : "half space"), s, space, metric);
    }

    private static Entry Train(Contest contest, Choice choice, bool isFull)
    {
        var energies = new List<IReadOnlyDictionary<string, double>>();
        var course = new EnergyCourse();
        var labelSmoothing = isFull ? 1e-2 : 0;
        var network = contest.Run(choice.Name, () => isFull ? Vgg() : SmallCnn(((PairDataset)contest.Train).Inputs.shape[^1]),
            step: net =>
            {
                var regularizer = choice.Power is { } s
                    ? new MheRegularizer(net, 1, 10, s, choice.Space, metric: choice.Metric, referenceScaling: isFull) : null;
                return Steps.Supervised((p, t) =>
                {
                    var loss = nn.functional.cross_entropy(p, t, label_smoothing: labelSmoothing);
                    return regularizer is null ? loss : loss + regularizer.Loss();
                }, (Contest.Accuracy, (p, t) => p.argmax(1).eq(t).to(ScalarType.Float32).mean()));
            },
            callbacks: (net, seed) => seed == 0 ? [course.Of(Diagnostic(net))] : [],
            after: (net, _) => energies.Add(Diagnostic(net).Report()));
        return new(choice, network, energies, course.Means);
    }

    // The same measure for all, whatever their loss has.
    private static MheRegularizer Diagnostic(nn.Module network) => new(network, hiddenSpace: EnergySpace.Full);

    private static TorchSharp.Modules.Sequential SmallCnn(long side)
    {
        var isSmall = side < 14;
        return nn.Sequential([.. Block("conv1", 1, 32), ("pool1", nn.MaxPool2d(2)), .. Block("conv2", 32, 32),
            ("pool2", isSmall ? nn.Identity() : nn.MaxPool2d(2)), .. Block("conv3", 32, 64), ("mean", nn.AdaptiveAvgPool2d(1)),
            ("flat", nn.Flatten()), ("output", nn.Linear(64, 10, hasBias: false))]);
    }

    private static (string, nn.Module<Tensor, Tensor>)[] Block(string name, long from, long to) =>
    [
        (name, nn.Conv2d(from, to, 3, padding: 1, bias: false)), ($"{name}_norm", nn.BatchNorm2d(to)), ($"{name}_relu", nn.ReLU()),
    ];

    // The authors' network of nine convolutions.
    private static TorchSharp.Modules.Sequential Vgg()
    {
        var layers = new List<(string, nn.Module<Tensor, Tensor>)>();
        var from = 1L;
        foreach (var (stage, width) in new[] { 64L, 128, 256 }.Index())
        {
            for (var i = 0; i < 3; i++, from = width) layers.AddRange(Block($"conv{stage + 1}_{i + 1}", from, width));
            layers.Add(($"pool{stage + 1}", nn.MaxPool2d(2, ceil_mode: true)));
        }
        return nn.Sequential([.. layers, ("flat", nn.Flatten()), ("fc", nn.Linear(256 * 4 * 4, 256)), ("output", nn.Linear(256, 10))]);
    }

    private static void Draw(RecipeContext context, Entry[] entries, string[] layers) =>
        context.Save("energy.png", "test accuracy and the layers' energies while training", path => LinePlot.SaveGrid(path,
        [
            new LinePlot
            {
                Title = "Test accuracy, mean of the seeds",
                XLabel = "epoch",
                YLabel = "accuracy",
                Series = [.. entries.Select(e => e.Network.Curve(h => h.Validation[Contest.Accuracy]))],
            },
            .. layers.Select(layer => new LinePlot
            {
                Title = $"Energy of {layer}, seed 0",
                XLabel = "epoch",
                YLabel = "mean of 1/d",
                Series = [.. entries.Select(e => new Series(e.Choice.Name, [.. e.Course.Select(c => c[layer])]))],
            }),
        ], columns: 2));

    private static Claim Judge(Entry[] entries, string[] layers)
    {
        const double gain = 0.003, loss = 0.003;
        Entry none = entries.Single(e => e.Choice.Name == None), mine = entries.Single(e => e.Choice.Name == Judged);
        double baseline = none.Network.Mean, accuracy = mine.Network.Mean;
        var worst = none.Network.Values.Zip(mine.Network.Values, (a, b) => b - a).Min();
        return new Claim(Name, "test accuracy with MHE s=2, half space, mean of the seeds", accuracy, baseline + gain, baseline,
        [
            new(Invariant($"at least {gain} above no regulariser ({accuracy - baseline:+0.0000;−0.0000})"), accuracy >= baseline + gain),
            new(Invariant($"in no seed more than {loss} below it (worst {worst:+0.0000;−0.0000})"), worst >= -loss),
            .. layers.Where(l => l.StartsWith("conv", StringComparison.Ordinal)).Select(l => new Condition(
                Invariant($"less energy in {l} ({mine.Energy(l):0.0000}, {none.Energy(l):0.0000} without)"),
                mine.Energy(l) < none.Energy(l))),
        ]);
    }

    private sealed record Choice(string Name, EnergyPower? Power, EnergySpace Space, EnergyMetric Metric);

    private sealed record Entry(Choice Choice, Contender Network, IReadOnlyList<IReadOnlyDictionary<string, double>> Energies,
        IReadOnlyList<IReadOnlyDictionary<string, double>> Course)
    {
        public double Energy(string layer) => Energies.Average(e => e[layer]);
    }

    private sealed class EnergyCourse : TrainerCallback
    {
        private readonly List<IReadOnlyDictionary<string, double>> _means = [];
        private MheRegularizer? _diagnostic;

        public IReadOnlyList<IReadOnlyDictionary<string, double>> Means => _means;

        public override bool IsObserver => true;

        public EnergyCourse Of(MheRegularizer diagnostic)
        {
            _diagnostic = diagnostic;
            _means.Add(diagnostic.Report());
            return this;
        }

        public override void OnEpoch(Trainer trainer, EpochReport report) => _means.Add(_diagnostic!.Report());
    }
}
