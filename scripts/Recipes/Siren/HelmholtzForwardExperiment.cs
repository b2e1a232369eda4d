using System.Globalization;
using TorchZoo.Checkpoints;
using TorchZoo.Losses;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The field of a source: the network meets the equation, never the field.</summary>
/// <param name="context">The run.</param>
/// <param name="wavenumber">k; null: that of the run's size.</param>
internal sealed class HelmholtzForwardExperiment(RecipeContext context, double? wavenumber)
    : HelmholtzExperiment(context, SirenHelmholtzRecipe.Forward, wavenumber)
{
    protected override IReadOnlyList<(double X, double Y)> Sources => [(0, 0)];

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var (truth, judged) = Truth();
        var fields = Train(2, (network, coords) => Equation.Loss(coords, Jet(network, coords), SourcesAt(coords)),
            network => Relative(Samples(network), truth, judged));
        var samples = fields.Select(f => (f.Name, Values: Samples(f.Network))).ToArray();
        Show(samples, truth, judged);
        Draw(samples);
        DrawLearning("a field from its equation", Error, Error, log: true, fields);
        // Set before anything was tuned.
        return Judge(Error, 0.1, fields[0].Last(Error), fields[^1].Last(Error));
    }

    public override void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var network = Load(checkpoint);
        var (truth, judged) = Truth();
        Show([(checkpoint.ModelName!, Samples(network))], truth, judged);
    }

    // The closed form (nodes, nodes, 2), and where it holds: outside the layers and the source (nodes, nodes).
    private (Tensor Truth, Tensor Judged) Truth()
    {
        using var scope = NewDisposeScope();
        var grid = Grid().cpu();
        var judged = (grid.abs().amax([1]) <= 1 - Equation.LayerThickness) & (grid.norm(1) >= 5 * Math.Sqrt(Variance));
        return (Equation.FreeField(grid, variance: Variance).reshape(Nodes, Nodes, 2).MoveToOuterDisposeScope(),
            judged.reshape(Nodes, Nodes).MoveToOuterDisposeScope());
    }

    private static double Relative(Tensor values, Tensor truth, Tensor judged)
    {
        using var scope = NewDisposeScope();
        return RelativeL2.Loss(values[judged].unsqueeze(0), truth[judged].unsqueeze(0)).item<float>();
    }

    // The closed form is infinite in the source and knows no layers; pictures show finite differences. (nodes, nodes, 2)
    private Tensor InLayersAndSource()
    {
        using var scope = NewDisposeScope();
        var source = SourcesAt(Grid().cpu().to(ScalarType.Float64)).reshape(Nodes, Nodes, 1, 2)[1..^1, 1..^1].contiguous();
        var medium = ones(Nodes - 2, Nodes - 2, dtype: ScalarType.Float64);
        var field = view_as_real(Equation.FiniteDifferences(medium).Solve(view_as_complex(source))).squeeze(2);
        return nn.functional.pad(field, [0, 0, 1, 1, 1, 1]).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private void Show(IEnumerable<(string Name, Tensor Values)> samples, Tensor truth, Tensor judged) => Context.Output.Table(
        string.Create(CultureInfo.InvariantCulture, $"Wavenumber {Equation.Wavenumber}, outside the source and the absorbing layers"),
        ["network", Error], samples.Select(s => (object[])[s.Name, Relative(s.Values, truth, judged)]));

    private void Draw(IReadOnlyList<(string Name, Tensor Values)> samples)
    {
        using var scope = NewDisposeScope();
        var truth = InLayersAndSource();
        Save("fields.png", "real and imaginary part by finite differences and of the networks", new FieldPicture
        {
            Title = string.Create(CultureInfo.InvariantCulture, $"ΔΦ + k²Φ = f, k = {Equation.Wavenumber}, from the equation alone"),
            Rows =
            [
                Parts("truth", truth),
                .. samples.Select(s => (FieldPanel[])
                    [.. Parts(s.Name, s.Values), new($"{s.Name}: error", (s.Values - truth).norm(-1)) { Colors = ColorScale.Magnitude }]),
            ],
        }.Save);

        static FieldPanel[] Parts(string name, Tensor values) => [.. new[] { "real", "imaginary" }.Select((part, i) =>
            new FieldPanel($"{name}: {part} part", values.select(-1, i)) { Scale = "field", Colors = ColorScale.Diverging })];
    }
}
