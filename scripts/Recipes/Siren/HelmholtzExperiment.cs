using System.Globalization;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Fields;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What problems with the Helmholtz equation have in common: sizes, networks, training on points drawn in each step.</summary>
/// <param name="context">The run.</param>
/// <param name="problem">One of <see cref="SirenHelmholtzRecipe.Problems"/>.</param>
/// <param name="wavenumber">k; null: that of the run's size.</param>
internal abstract class HelmholtzExperiment(RecipeContext context, string problem, double? wavenumber)
    : SirenExperiment(context, SirenHelmholtzRecipe.Name)
{
    protected const string Error = ResidualStep.ErrorName;

    /// <summary>Centres of the sources.</summary>
    protected abstract IReadOnlyList<(double X, double Y)> Sources { get; }

    protected HelmholtzPmlLoss Equation => new() { Wavenumber = wavenumber ?? Context.Pick(10, 10, 20) };

    protected double Variance => Context.Pick(2.5e-3, 2.5e-3, 1e-4);

    // Points along an axis of the grid on which solutions are compared.
    protected int Nodes => Context.Pick(17, 129, 257);

    private HelmholtzPoints Points => new()
    {
        Count = Context.Pick(300, 1000, 230 * 230),
        NearSource = Context.Pick(20, 100, 100 * Sources.Count) / Sources.Count,
        Sources = Sources,
        Variance = Variance,
        Seed = Context.Seed,
    };

    private int Steps => Context.Epochs ?? Context.Pick(4, 2200, 50_000);

    private bool IsFull => Context.Size == RunSize.Full;

    protected override IEnumerable<KeyValuePair<string, string>> Notes =>
    [
        new(SirenHelmholtzRecipe.ProblemNote, problem),
        new(SirenHelmholtzRecipe.WavenumberNote, Equation.Wavenumber.ToString("R", CultureInfo.InvariantCulture)),
    ];

    /// <summary>How well a checkpoint solves the problem.</summary>
    public abstract void Evaluate(Checkpoint checkpoint);

    /// <summary>Trains the sine network and the one that it is compared with.</summary>
    /// <param name="channels">Of the networks.</param>
    /// <param name="loss">Of a network at a step's points.</param>
    /// <param name="error">How wrong a network is.</param>
    protected TrainedField[] Train(long channels, Func<nn.Module<Tensor, Tensor>, Tensor, Tensor> loss,
        Func<nn.Module<Tensor, Tensor>, double> error)
    {
        var width = Context.Pick(16, 128, 512);
        FieldNetwork[] networks =
        [
            // Waves twice as long as the paper's ask for half its ω₀.
            new("Siren", () => new Siren(new SirenConfig
            { OutFeatures = channels, HiddenFeatures = width, FirstOmega0 = IsFull ? 30 : 15 }), IsFull ? 2e-5 : 3e-4),
            new("tanh", () => new CoordinateMlp(new CoordinateMlpConfig { Type = "tanh", OutFeatures = channels, HiddenFeatures = width }),
                IsFull ? 2e-5 : 1e-3),
        ];
        // The paper trains at one rate.
        var plan = new FieldPlan(Steps, (int)Points.Count, Error, MonitorMaximum: false)
        { Schedule = IsFull ? Schedules.Constant() : Schedules.Cosine() };
        var step = new ResidualStep((network, s) => loss(network, Points.Draw(s.Step).to(Context.Device)), error);
        return [.. networks.Select(n => TrainBest(n, new FreshPointsDataset(Points.Count), step, plan))];
    }

    /// <summary>The sources at points, two channels each.</summary>
    protected Tensor SourcesAt(Tensor coords) =>
        cat([.. Sources.Select(s => HelmholtzPmlLoss.GaussianSource(coords, s.X, s.Y, Variance))], -1);

    protected static FieldJet Jet(nn.Module<Tensor, Tensor> network, Tensor coords) => network is Siren siren
        ? siren.Jet(coords, SecondOrder.Each) : TanhJet.Compute((CoordinateMlp)network, coords, [[1, 0], [0, 1]]);

    protected Tensor Grid() => FieldCoordinates.Grid([Nodes, Nodes], device: Context.Device);

    /// <summary>A network's channels on the grid, on the CPU. (nodes, nodes, channels)</summary>
    protected Tensor Samples(nn.Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        return FieldSamples.Values(network, Grid()).reshape(Nodes, Nodes, -1).MoveToOuterDisposeScope();
    }

    protected nn.Module<Tensor, Tensor> Load(Checkpoint checkpoint)
    {
        var network = Zoo.Load<nn.Module<Tensor, Tensor>>(checkpoint);
        network.to(Context.Device);
        return network;
    }

    protected static Claim Judge(string metric, double threshold, double siren, double baseline)
    {
        const double factor = 2;
        return new Claim(SirenHelmholtzRecipe.Name, metric, siren, threshold, baseline,
        [
            new(string.Create(CultureInfo.InvariantCulture, $"{metric} at most {threshold} ({siren:G3})"), siren <= threshold),
            new(string.Create(CultureInfo.InvariantCulture, $"at most 1/{factor} of the tanh network's ({siren / baseline:G3})"),
                siren <= baseline / factor),
        ]);
    }
}
