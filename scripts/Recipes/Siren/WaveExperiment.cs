using System.Globalization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A wave that starts from a bump at rest, from its equation alone.</summary>
/// <param name="context">The run.</param>
/// <param name="speed">c</param>
internal sealed class WaveExperiment(RecipeContext context, double speed) : SirenExperiment(context, SirenWaveRecipe.Name)
{
    private const string Error = "relative L2 error";

    private static double Tune(string n, double d) => Environment.GetEnvironmentVariable(n) is { } s ? double.Parse(s, CultureInfo.InvariantCulture) : d;

    public const double Duration = 0.4;

    private long Width => Context.Pick(16, (long)Tune("WIDTH", 128), 512);

    private int Steps => Context.Epochs ?? Context.Pick(4, (int)Tune("STEPS", 1500), 100_000);

    private long Points => Context.Pick(300, (long)Tune("POINTS", 2000), 340 * 340);

    private double Variance => Context.Pick(5e-3, Tune("VAR", 5e-3), 5e-4);

    private double Rate => Context.Pick(1e-4, Tune("LR", 1e-4), 2e-5);

    // Points along an axis of the grid on which solutions are compared, and times.
    private int Nodes => Context.Pick(17, 65, 257);

    private int Times => Context.Pick(3, 9, 41);

    private WavePoints Sampler => new()
    {
        Count = Points,
        AtStart = Context.Pick(20, (long)Tune("START", 100), 100),
        Duration = Duration,
        Variance = Variance,
        Seed = Context.Seed,
    };

    protected override IEnumerable<KeyValuePair<string, string>> Notes => [new("speed", speed.ToString("R", CultureInfo.InvariantCulture))];

    private FieldNetwork[] Networks =>
    [
        new("Siren", () => new Siren(new SirenConfig { InFeatures = 3, HiddenFeatures = Width, FirstOmega0 = Tune("OMEGA", 30) }), Rate),
        .. Tune("BASE", 1) > 0 ? [new FieldNetwork("tanh", () => new CoordinateMlp(new CoordinateMlpConfig { Type = "tanh", InFeatures = 3, HiddenFeatures = Width }), Tune("TLR", 1e-3))] : Array.Empty<FieldNetwork>(),
    ];

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var truth = Truth();
        var plan = new FieldPlan(Steps, (int)Points, Error, MonitorMaximum: false) { Schedule = Tune("COS", 0) > 0 ? Schedules.Cosine(Tune("FINAL", 0)) : Schedules.Constant(), ClipNorm = Tune("CLIP", 0) > 0 ? Tune("CLIP", 0) : null };
        var step = new ResidualStep(Loss, network => [(Error, Relative(Samples(network), truth))]);
        TrainedField[] fields = [.. Networks.Select(n => TrainBest(n, new FreshPointsDataset(Points), step, plan))];
        foreach (var f in fields) Context.Output.Note(f.Name, string.Join(' ', f.Result.History.Where(h => h.Validation.Count > 0).Select(h => h.Validation[Error].ToString("G3")).TakeLast(12)) + " loss " + f.Result.History[^1].Training["loss"]);
        foreach (var f in fields) Context.Output.Note(f.Name, string.Join(' ', Enumerable.Range(0, Times).Select(t => Relative(Samples(f.Network)[t], truth[t]).ToString("G3"))));
        return new Claim(SirenWaveRecipe.Name, Error, fields[0].Last(Error), 0.1, fields[^1].Last(Error), true);
    }

    private Tensor Loss(nn.Module<Tensor, Tensor> network, StepContext step)
    {
        var share = Math.Min(1, (step.Step + 1.0) / step.TotalUpdates / Tune("GROW", 1));
        var (coords, atStart) = Sampler.Draw(step.Step, share);
        coords = coords.to(Context.Device);
        double[] weights = [1, -speed * speed, -speed * speed];
        var jet = network is Siren siren ? siren.Jet(coords, SecondOrder.Weighted(weights))
            : TanhJet.Compute((CoordinateMlp)network, coords, [weights]);
        return WaveLoss.Loss(jet, WaveLoss.Bump(coords, variance: Variance), atStart.to(Context.Device));
    }

    // (times, nodes, nodes)
    private Tensor Truth()
    {
        using var scope = NewDisposeScope();
        // A box four wide, on whose nodes those of the square are every so many.
        var every = (int)Math.Ceiling(2.0 / (Nodes - 1) / (Math.Sqrt(Variance) / 2));
        var n = 2 * (Nodes - 1) * every;
        var axis = linspace(-2, 2, n + 1, ScalarType.Float64)[..^1];
        var initial = (-(axis.square().unsqueeze(1) + axis.square()) / (2 * Variance)).exp() / 50;
        var inner = TensorIndex.Slice(n / 4, 3 * n / 4 + 1, every);
        return stack(TimesOf().Select(t => PeriodicWave.At(initial, t, speed, length: 4)[inner, inner]))
            .to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private IEnumerable<double> TimesOf() => Enumerable.Range(0, Times).Select(i => Duration * i / (Times - 1));

    private Tensor Samples(nn.Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        var places = FieldCoordinates.Grid([Nodes, Nodes], device: Context.Device);
        return stack(TimesOf().Select(t => FieldSamples.Values(network, cat([full_like(places.narrow(1, 0, 1), t), places], 1)).reshape(Nodes, Nodes)))
            .MoveToOuterDisposeScope();
    }

    private static double Relative(Tensor values, Tensor truth)
    {
        using var scope = NewDisposeScope();
        return ((values - truth).norm() / truth.norm()).item<float>();
    }
}
