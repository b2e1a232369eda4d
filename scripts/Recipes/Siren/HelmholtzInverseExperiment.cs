using System.Globalization;
using TorchZoo.Checkpoints;
using TorchZoo.Losses;
using TorchZoo.Models.Fields;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// A medium from waves: the network has the fields of four sources and the squared slowness as channels, and meets the equation and what
/// receivers around the medium measure. These measurements come from a direct solution by finite differences.
/// </summary>
/// <param name="context">The run.</param>
/// <param name="wavenumber">k; null: that of the run's size.</param>
internal sealed class HelmholtzInverseExperiment(RecipeContext context, double? wavenumber)
    : HelmholtzExperiment(context, SirenHelmholtzRecipe.Inverse, wavenumber)
{
    private const string Metric = "relative L2 error of the medium";

    // A smooth lens.
    private const double LensX = 0.1, LensY = -0.1, LensWidth = 0.15, LensHeight = 0.5;

    // They surround the lens; receivers are on the edge of the absorbing layers.
    private const double SourceDistance = 0.4, ReceiverDistance = 0.5;

    private const int ReceiversASide = 8;

    protected override IReadOnlyList<(double X, double Y)> Sources =>
        [(-SourceDistance, 0), (SourceDistance, 0), (0, -SourceDistance), (0, SourceDistance)];

    private long FieldChannels => 2 * Sources.Count;

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var (receivers, measured) = Measure();
        Context.Output.Note("receivers", receivers.shape[0]);
        (receivers, measured) = (receivers.to(Context.Device), measured.to(Context.Device));
        var fields = Train(FieldChannels + 1, (network, coords) => Loss(network, coords, receivers, measured), ErrorOf);
        Show(fields.Select(f => (f.Name, ErrorOf(f.Network))));
        Draw([.. fields.Select(f => (f.Name, Samples(f.Network)))]);
        DrawLearning("a medium from waves", Error, Metric, log: false, fields);
        // Set before anything was tuned. What knows nothing and says 1 everywhere has an error of 1.
        return Judge(Metric, 0.5, fields[0].Last(Error), fields[^1].Last(Error));
    }

    public override void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var network = Load(checkpoint);
        Show([(checkpoint.ModelName!, ErrorOf(network))]);
    }

    private Tensor Loss(nn.Module<Tensor, Tensor> network, Tensor points, Tensor receivers, Tensor measured)
    {
        var coords = cat([points, receivers]);
        var jet = Jet(network, coords);
        var waves = new FieldJet(jet.Value.narrow(1, 0, FieldChannels), jet.Gradient.narrow(1, 0, FieldChannels),
            jet.Second.narrow(1, 0, FieldChannels));
        var slowness = Equation.SquaredSlowness(coords, jet.Value.narrow(1, FieldChannels, 1));
        var known = cat([zeros(points.shape[0], FieldChannels, device: points.device), measured]);
        return Equation.Loss(coords, waves, SourcesAt(coords), slowness) + HelmholtzPmlLoss.DataTerm(waves.Value, known);
    }

    private static Tensor Medium(Tensor coords)
    {
        var squares = (coords.select(-1, 0) - LensX).square() + (coords.select(-1, 1) - LensY).square();
        return 1 + LensHeight * (squares * (-0.5 / (LensWidth * LensWidth))).exp();
    }

    /// <summary>The receivers (r, 2), and the fields there (r, channels).</summary>
    private (Tensor Receivers, Tensor Measured) Measure()
    {
        using var scope = NewDisposeScope();
        // Receivers are nodes of these grids.
        var n = Context.Pick(31, 127, 255);
        var axis = linspace(-1, 1, n + 2, ScalarType.Float64)[1..^1];
        var nodes = stack(meshgrid([axis, axis], "ij"), -1);
        var sources = SourcesAt(nodes).reshape(n, n, Sources.Count, 2);
        var waves = view_as_real(Equation.FiniteDifferences(Medium(nodes)).Solve(view_as_complex(sources))).flatten(2);
        double[] along = [.. Enumerable.Range(0, ReceiversASide).Select(i => ReceiverDistance * ((2 * i + 1.0) / ReceiversASide - 1))];
        (double X, double Y)[] places =
        [
            .. along.SelectMany(a => new[]
            { (-ReceiverDistance, a), (ReceiverDistance, a), (a, -ReceiverDistance), (a, ReceiverDistance) }),
        ];
        int Node(double x) => (int)Math.Round((x + 1) / 2 * (n + 1)) - 1;
        return (tensor(places.SelectMany(p => new[] { (float)p.X, (float)p.Y }).ToArray()).reshape(-1, 2).MoveToOuterDisposeScope(),
            stack(places.Select(p => waves[Node(p.X), Node(p.Y)])).to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    private Tensor Recovered(Tensor grid, Tensor samples) =>
        Equation.SquaredSlowness(grid, samples[TensorIndex.Ellipsis, TensorIndex.Slice(FieldChannels)]).squeeze(-1);

    private double ErrorOf(nn.Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        var grid = Grid().cpu().reshape(Nodes, Nodes, 2);
        var inside = grid.abs().amax([2]) <= ReceiverDistance;
        return RelativeL2.Loss((Recovered(grid, Samples(network)) - 1)[inside].unsqueeze(0), (Medium(grid) - 1)[inside].unsqueeze(0))
            .item<float>();
    }

    private void Show(IEnumerable<(string Name, double Error)> errors) => Context.Output.Table(
        string.Create(CultureInfo.InvariantCulture, $"Squared slowness between the receivers, wavenumber {Equation.Wavenumber}"),
        ["network", "relative L2 error of m − 1"], errors.Select(e => (object[])[e.Name, e.Error]));

    private void Draw(IReadOnlyList<(string Name, Tensor Values)> samples)
    {
        using var scope = NewDisposeScope();
        var grid = Grid().cpu().reshape(Nodes, Nodes, 2);
        Save("fields.png", "the medium and what was recovered, with one of the fields", new FieldPicture
        {
            Title = "squared slowness from waves",
            Rows =
            [
                [new("truth", Medium(grid)) { Scale = "medium" }],
                .. samples.Select(s => (FieldPanel[])
                [
                    new(s.Name, Recovered(grid, s.Values)) { Scale = "medium" },
                    new($"{s.Name}: a field, real part", s.Values.select(-1, 0)) { Scale = "field", Colors = ColorScale.Diverging },
                ]),
            ],
        }.Save);
    }
}
