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
        Draw(samples, truth, judged);
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

    private void Show(IEnumerable<(string Name, Tensor Values)> samples, Tensor truth, Tensor judged) => Context.Output.Table(
        string.Create(CultureInfo.InvariantCulture, $"Wavenumber {Equation.Wavenumber}, outside the source and the absorbing layers"),
        ["network", Error], samples.Select(s => (object[])[s.Name, Relative(s.Values, truth, judged)]));

    private void Draw(IReadOnlyList<(string Name, Tensor Values)> samples, Tensor truth, Tensor judged)
    {
        using var scope = NewDisposeScope();
        // The closed form is infinite in the source and knows no layers.
        var known = where(judged.unsqueeze(-1), truth, full_like(truth, double.NaN));
        Save("fields.png", "real and imaginary part, truth and networks", new FieldPicture
        {
            Title = string.Create(CultureInfo.InvariantCulture, $"ΔΦ + k²Φ = f, k = {Equation.Wavenumber}, from the equation alone"),
            Rows =
            [
                Parts("truth", known),
                .. samples.Select(s => (FieldPanel[])
                [
                    .. Parts(s.Name, s.Values),
                    new($"{s.Name}: error", (s.Values - known).norm(-1)) { Scale = "error", Colors = ColorScale.Magnitude },
                ]),
            ],
        }.Save);

        static FieldPanel[] Parts(string name, Tensor values) => [.. new[] { "real", "imaginary" }.Select((part, i) =>
            new FieldPanel($"{name}: {part} part", values.select(-1, i)) { Scale = "field", Colors = ColorScale.Diverging })];
    }
}
