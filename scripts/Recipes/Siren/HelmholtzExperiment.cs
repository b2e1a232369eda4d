using System.Globalization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Fields;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The field of a source from the Helmholtz equation alone.</summary>
/// <param name="context">The run.</param>
/// <param name="wavenumber">k; null: that of the run's size.</param>
internal sealed class HelmholtzExperiment(RecipeContext context, double? wavenumber) : SirenExperiment(context, SirenHelmholtzRecipe.Name)
{
    private const string Error = "relative L2 error";

    private static double Tune(string n, double d) => Environment.GetEnvironmentVariable(n) is { } s ? double.Parse(s, CultureInfo.InvariantCulture) : d;

    private long Width => Context.Pick(16, (long)Tune("WIDTH", 128), 512);

    private int Steps => Context.Epochs ?? Context.Pick(4, (int)Tune("STEPS", 600), 50_000);

    private long Points => Context.Pick(300, (long)Tune("POINTS", 2000), 230 * 230);

    private double Wavenumber => wavenumber ?? Context.Pick(10.0, Tune("K", 10), 20);

    private double Variance => Context.Pick(1e-3, Tune("VAR", 1e-3), 1e-4);

    private double Rate => Context.Pick(1e-4, Tune("LR", 1e-4), 2e-5);

    private int Nodes => Context.Pick(17, 129, 257);

    private HelmholtzPmlLoss Equation => new() { Wavenumber = Wavenumber };

    private HelmholtzPoints Sampler => new()
    {
        Count = Points,
        NearSource = Context.Pick(20, (long)Tune("NEAR", 100), 100),
        Variance = Variance,
        Seed = Context.Seed,
    };

    private FieldNetwork[] Networks =>
    [
        new("Siren", () => new Siren(new SirenConfig { OutFeatures = 2, HiddenFeatures = Width, FirstOmega0 = Tune("OMEGA", 30) }), Rate),
        .. Tune("BASE", 1) > 0 ? [new FieldNetwork("tanh", () => new CoordinateMlp(new CoordinateMlpConfig { Type = "tanh", OutFeatures = 2, HiddenFeatures = Width }), Tune("TLR", 1e-3))] : Array.Empty<FieldNetwork>(),
    ];

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var grid = FieldCoordinates.Grid([Nodes, Nodes], device: Context.Device);
        var inner = grid.abs().amax([1], false) <= 0.5 & grid.norm(1) >= 5 * Math.Sqrt(Variance);
        var points = grid[inner];
        var truth = Equation.FreeField(points, variance: Variance).cpu();
        var plan = new FieldPlan(Steps, (int)Points, Error, MonitorMaximum: false) { Schedule = Tune("COS", 0) > 0 ? Schedules.Cosine(Tune("FINAL", 0)) : Schedules.Constant(), ClipNorm = Tune("CLIP", 0) > 0 ? Tune("CLIP", 0) : null };
        var step = new ResidualStep(Loss, network => Relative(FieldSamples.Values(network, points), truth));
        TrainedField[] fields = [.. Networks.Select(n => TrainBest(n, new FreshPointsDataset(Points), step, plan))];
        foreach (var f in fields) Context.Output.Note(f.Name, string.Join(' ', f.Result.History.Where(h => h.Validation.Count > 0).Select(h => h.Validation[Error].ToString("G3")).TakeLast(12)) + " loss " + f.Result.History[^1].Training["loss"]);
        return new Claim(SirenHelmholtzRecipe.Name, Error, fields[0].Last(Error), 0.1, fields[^1].Last(Error), true);
    }

    private Tensor Loss(nn.Module<Tensor, Tensor> network, StepContext step)
    {
        var coords = Sampler.Draw(step.Step).to(Context.Device);
        var jet = network is Siren siren ? siren.Jet(coords, SecondOrder.Each)
            : TanhJet.Compute((CoordinateMlp)network, coords, [[1, 0], [0, 1]]);
        return Equation.Loss(coords, jet, HelmholtzPmlLoss.GaussianSource(coords, variance: Variance));
    }

    private static double Relative(Tensor values, Tensor truth)
    {
        using var scope = NewDisposeScope();
        return ((values - truth).norm() / truth.norm()).item<float>();
    }
}
