using System.Globalization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Losses;
using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A wave that starts from a bump at rest: the network meets the equation and the beginning, never the wave.</summary>
/// <param name="context">The run.</param>
/// <param name="speed">c</param>
internal sealed class WaveExperiment(RecipeContext context, double speed) : SirenExperiment(context, SirenWaveRecipe.Name)
{
    private const string Error = ResidualStep.ErrorName;

    // Half the width of the periodic box in which the truth is computed: what goes round it doesn't reach the square in time.
    private const double HalfBox = 2;

    private const double Duration = 0.4;

    private long Width => Context.Pick(16, 128, 512);

    private int Steps => Context.Epochs ?? Context.Pick(4, 1800, 100_000);

    private double Rate => Context.Pick(5e-4, 5e-4, 2e-5);

    // Points along an axis of the grid on which solutions are compared, and times.
    private int Nodes => Context.Pick(17, 65, 257);

    private int Times => Context.Pick(3, 9, 41);

    private bool IsFull => Context.Size == RunSize.Full;

    private WavePoints Points => new()
    {
        Count = Context.Pick(300, 1000, 340 * 340),
        AtStart = Context.Pick(60, 200, 100),
        Duration = Duration,
        Variance = Context.Pick(0.01, 0.01, 5e-4),
        Seed = Context.Seed,
    };

    private FieldNetwork[] Networks =>
    [
        // The bump is 0.1 wide, four times as wide as the paper's: the first layer's waves are longer accordingly.
        new("Siren", () => new Siren(new SirenConfig { InFeatures = 3, HiddenFeatures = Width, FirstOmega0 = IsFull ? 30 : 10 }), Rate),
        new("tanh", () => new CoordinateMlp(new CoordinateMlpConfig { Type = "tanh", InFeatures = 3, HiddenFeatures = Width }),
            IsFull ? [2e-5] : [1e-3]),
    ];

    protected override IEnumerable<KeyValuePair<string, string>> Notes =>
        [new(SirenWaveRecipe.SpeedNote, speed.ToString("R", CultureInfo.InvariantCulture))];

    /// <summary>The fastest wave whose front stays within the square: beyond, the equation in the square alone doesn't determine
    /// it.</summary>
    public double LargestSpeed => (1 - 4 * Math.Sqrt(Points.Variance)) / Duration;

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var truth = Truth();
        // The paper trains at one rate.
        var plan = new FieldPlan(Steps, (int)Points.Count, Error, MonitorMaximum: false)
        { Schedule = IsFull ? Schedules.Constant() : Schedules.Cosine() };
        var step = new ResidualStep(Loss, network => Relative(Samples(network), truth));
        TrainedField[] fields = [.. Networks.Select(n => TrainBest(n, new FreshPointsDataset(Points.Count), step, plan))];

        var samples = fields.Select(f => (f.Name, Values: Samples(f.Network))).ToArray();
        Show(samples, truth);
        DrawSnapshots(samples, truth);
        DrawErrors(samples, truth);
        DrawLearning("waves from their equation", Error, Error, log: true, fields);
        return Judge(fields[0].Last(Error), fields[1].Last(Error));
    }

    /// <summary>How well a checkpoint has the wave.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<nn.Module<Tensor, Tensor>>(checkpoint);
        network.to(Context.Device);
        Show([(checkpoint.ModelName!, Samples(network))], Truth());
    }

    private Tensor Loss(nn.Module<Tensor, Tensor> network, StepContext step)
    {
        var (coords, atStart) = Points.Draw(step.Step, (step.Step + 1.0) / step.TotalUpdates);
        coords = coords.to(Context.Device);
        double[] weights = [1, -speed * speed, -speed * speed];
        var jet = network is Siren siren ? siren.Jet(coords, SecondOrder.Weighted(weights))
            : TanhJet.Compute((CoordinateMlp)network, coords, [weights]);
        return WaveLoss.Loss(jet, WaveLoss.Bump(coords, variance: Points.Variance), atStart.to(Context.Device));
    }

    private double[] Moments => [.. Enumerable.Range(0, Times).Select(i => Duration * i / (Times - 1))];

    // (times, nodes, nodes)
    private Tensor Truth()
    {
        using var scope = NewDisposeScope();
        // Every so many nodes of the box are those of the square.
        var every = (int)Math.Ceiling(2.0 / (Nodes - 1) / (Math.Sqrt(Points.Variance) / 3));
        var n = 2 * (Nodes - 1) * every;
        var axis = linspace(-HalfBox, HalfBox, n + 1, ScalarType.Float64)[..^1];
        var places = stack(meshgrid([axis, axis], "ij").Prepend(zeros(n, n, dtype: ScalarType.Float64)), -1);
        var initial = WaveLoss.Bump(places, variance: Points.Variance).squeeze(-1);
        var square = TensorIndex.Slice(n / 4, 3 * n / 4 + 1, every);
        return stack(Moments.Select(t => PeriodicWave.At(initial, t, speed, 2 * HalfBox)[square, square]))
            .to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private Tensor Samples(nn.Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        var places = FieldCoordinates.Grid([Nodes, Nodes], device: Context.Device);
        return stack(Moments.Select(t =>
            FieldSamples.Values(network, cat([full_like(places.narrow(1, 0, 1), t), places], 1)).reshape(Nodes, Nodes)))
            .MoveToOuterDisposeScope();
    }

    private static double Relative(Tensor values, Tensor truth)
    {
        using var scope = NewDisposeScope();
        return RelativeL2.Loss(values.unsqueeze(0), truth.unsqueeze(0)).item<float>();
    }

    private void Show(IReadOnlyList<(string Name, Tensor Values)> samples, Tensor truth) => Context.Output.Table(
        string.Create(CultureInfo.InvariantCulture, $"Waves of speed {speed} on {Nodes}×{Nodes} points"),
        ["network", "relative L2 error at all times", "at the end"],
        samples.Select(s => (object[])[s.Name, Relative(s.Values, truth), Relative(s.Values[^1], truth[^1])]));

    private void DrawSnapshots(IReadOnlyList<(string Name, Tensor Values)> samples, Tensor truth)
    {
        using var scope = NewDisposeScope();
        // At most five, in equal steps.
        int[] shown = [.. Enumerable.Range(0, Times).Where(i => i % Math.Max(1, (Times - 1) / 4) == 0)];
        FieldPanel[] Row(string name, Tensor values) => [.. shown.Select(i =>
            new FieldPanel(string.Create(CultureInfo.InvariantCulture, $"{name}, t = {Moments[i]:0.##}"), values[i])
            { Scale = $"time {i}", Colors = ColorScale.Diverging })];
        Save("waves.png", "the wave in time: truth and networks", new FieldPicture
        {
            Title = "u_tt = c²Δu from a bump at rest",
            Rows = [Row("truth", truth), .. samples.Select(s => Row(s.Name, s.Values))],
            PanelSize = 150,
        }.Save);
    }

    private void DrawErrors(IReadOnlyList<(string Name, Tensor Values)> samples, Tensor truth) =>
        Save("errors.png", "the error in time", path => new LinePlot
        {
            Title = "waves from their equation",
            XLabel = "time",
            YLabel = Error,
            LogY = true,
            Series = [.. samples.Select(s =>
                new Series(s.Name, Moments, [.. Enumerable.Range(0, Times).Select(i => Relative(s.Values[i], truth[i]))]))],
        }.Save(path, 640, 420));

    private static Claim Judge(double siren, double baseline)
    {
        // Set before anything was tuned.
        const double threshold = 0.1, factor = 2;
        return new Claim(SirenWaveRecipe.Name, Error, siren, threshold, baseline,
        [
            new(string.Create(CultureInfo.InvariantCulture, $"{Error} at most {threshold} ({siren:G3})"), siren <= threshold),
            new(string.Create(CultureInfo.InvariantCulture, $"at most 1/{factor} of the tanh network's ({siren / baseline:G3})"),
                siren <= baseline / factor),
        ]);
    }
}
