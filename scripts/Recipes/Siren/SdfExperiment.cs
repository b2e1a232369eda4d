using System.Globalization;
using System.Text;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Formats;
using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What a field is worth as a signed distance.</summary>
/// <param name="Surface">Mean distance of its zero level from the surface; NaN where the truth isn't known, infinite where there is no zero
/// level.</param>
/// <param name="AtPoints">Mean |Φ| at the points.</param>
/// <param name="Eikonal">Mean |‖∇Φ‖ − 1| on a grid.</param>
internal sealed record SdfErrors(double Surface, double AtPoints, double Eikonal);

/// <summary>A signed distance function from points with normals.</summary>
internal sealed class SdfExperiment(RecipeContext context, SdfShape shape) : SirenExperiment(context, SirenSdfRecipe.Name)
{
    private const string Distance = "|Φ| at the points";

    // Lower than for images: a distance is smooth. With 30 the field begins with waves shorter than the shape is wide, and away from the
    // points, where only the slope of 1 is asked for, it stays folded, often with further zero levels inside the shape.
    private const double FirstOmega0 = 5;

    private bool IsFlat => shape.Dimensions == 2;

    private long Width => Context.Pick(16, 64, 256);

    // On the surface; as many are drawn elsewhere.
    private int BatchSize => (int)Math.Min(shape.Points.shape[0], Context.Pick(100, 500, 1400));

    private int Steps => Context.Epochs ?? Context.Pick(8, 3000, 10_000);

    // Nodes along an axis of the grid on which fields are looked at.
    private long Nodes => IsFlat ? Context.Pick(32, 192, 512) : Context.Pick(16, 64, 256);

    protected override IEnumerable<KeyValuePair<string, string>> Notes => [new("shape", shape.Name)];

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        Context.Output.Note("points", shape.Points.shape[0]);
        var data = new PairDataset(shape.Points, shape.Normals);
        var batches = (data.Count + BatchSize - 1) / BatchSize;
        var plan = new FieldPlan((int)Math.Max(1, Steps / batches), BatchSize, Distance, MonitorMaximum: false) { ClipNorm = 1 };
        FieldNetwork[] networks =
        [
            FieldNetwork.Sine(shape.Dimensions, Width, 1e-4, FirstOmega0),
            FieldNetwork.Other("relu", shape.Dimensions, Width, 1e-4),
        ];
        TrainedField[] fields = [.. networks.Select(n => TrainBest(n, data, new SdfStep(), plan))];

        var grid = GridPoints();
        SdfErrors[] errors = [.. fields.Select(f => Errors(f.Network, grid))];
        Show(fields.Select(f => f.Name), errors);
        WriteSurface(fields[0].Network, grid);
        Draw(fields, grid);
        DrawLearning($"{shape.Name}: distance from points with normals", Distance, "mean |Φ| at the points", log: true, fields);
        return Judge(errors[0], errors[1]);
    }

    /// <summary>The errors of a checkpoint, and its zero level as a file.</summary>
    public void Evaluate(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<nn.Module<Tensor, Tensor>>(checkpoint);
        network.to(Context.Device);
        var grid = GridPoints();
        Show([checkpoint.ModelName!], [Errors(network, grid)]);
        WriteSurface(network, grid);
    }

    private (double Low, double High)[] Axes => [.. Enumerable.Repeat((-1.0, 1.0), shape.Dimensions)];

    private long[] Sizes => [.. Enumerable.Repeat(Nodes, shape.Dimensions)];

    private Tensor GridPoints() => FieldCoordinates.Grid(Sizes, device: Context.Device);

    private SdfErrors Errors(nn.Module<Tensor, Tensor> network, Tensor grid)
    {
        using var scope = NewDisposeScope();
        var (values, slopes, _) = FieldSamples.Derivatives(network, grid, laplacian: false);
        var at = FieldSamples.Values(network, shape.Points.to(Context.Device)).abs().mean().item<float>();
        return new SdfErrors(SurfaceError(values.reshape(Sizes)), at, (slopes - 1).abs().mean().item<float>());
    }

    private double SurfaceError(Tensor values)
    {
        if (shape.Distance is null) return double.NaN;
        var found = ZeroLevel(values);
        return found.shape[0] == 0 ? double.PositiveInfinity : shape.Distance(found).abs().mean().item<double>();
    }

    // Points of the zero level: (n, d)
    private Tensor ZeroLevel(Tensor values)
    {
        if (!IsFlat) return IsoSurface.Extract(values, axes: Axes).Vertices;
        double[] points = [.. Contour.Extract(values, axes: Axes).SelectMany(l => l.Points).SelectMany(p => new[] { p.First, p.Second })];
        return tensor(points, [points.Length / 2, 2]);
    }

    private void Show(IEnumerable<string> names, IEnumerable<SdfErrors> errors) => Context.Output.Table(
        $"{shape.Name}: mean errors", ["network", "zero level", "Φ at the points", "‖∇Φ‖ − 1 on a grid"],
        names.Zip(errors, (n, e) => (object[])[n, e.Surface, e.AtPoints, e.Eikonal]));

    private void WriteSurface(nn.Module<Tensor, Tensor> network, Tensor grid)
    {
        using var scope = NewDisposeScope();
        var values = FieldSamples.Values(network, grid).reshape(Sizes);
        if (IsFlat)
        {
            var lines = Contour.Extract(values, axes: Axes);
            Context.Output.Note("closed lines", lines.Count(l => l.IsClosed));
            Save("contour.csv", "the zero level, line by line",
                path => AtomicFile.Write(path, stream => stream.Write(Encoding.ASCII.GetBytes(Csv(lines)))));
            return;
        }
        var mesh = IsoSurface.Extract(values, axes: Axes);
        Context.Output.Note("triangles", mesh.Faces.shape[0]);
        Context.Output.Note("Euler characteristic", mesh.EulerCharacteristic);
        Save("mesh.ply", "the zero level as triangles", path => MeshFile.Save(path, mesh));
    }

    private static string Csv(IReadOnlyList<ContourLine> lines)
    {
        var text = new StringBuilder("line,x,y\n");
        foreach (var (i, line) in lines.Index())
            foreach (var (x, y) in line.Points) text.Append(CultureInfo.InvariantCulture, $"{i},{x},{y}\n");
        return text.ToString();
    }

    private void Draw(TrainedField[] fields, Tensor grid)
    {
        using var scope = NewDisposeScope();
        // In space, the slice through the middle.
        var side = Nodes;
        var points = IsFlat ? grid
            : cat([FieldCoordinates.Grid([side, side], device: grid.device), zeros(side * side, 1, device: grid.device)], 1);
        var rows = new List<FieldPanel[]>();
        if (shape.Distance is not null) rows.Add([Panel("truth", shape.Distance(points.cpu()))]);
        foreach (var field in fields)
        {
            var (values, slopes, _) = FieldSamples.Derivatives(field.Network, points, laplacian: false);
            rows.Add(
            [
                Panel(field.Name, values),
                new($"{field.Name}: slope", slopes.reshape(side, side)) { Scale = "slope", Colors = ColorScale.Magnitude },
            ]);
        }
        Save("fields.png", "the signed distances with their zero levels", new FieldPicture
        { Title = $"{shape.Name}: signed distance{(IsFlat ? "" : ", slice through the middle")}", Rows = rows }.Save);

        FieldPanel Panel(string title, Tensor values) =>
            new(title, values.reshape(side, side)) { Scale = "distance", Colors = ColorScale.Diverging, Level = 0 };
    }

    private Claim Judge(SdfErrors siren, SdfErrors baseline)
    {
        // Space has more points than this network sees in the time that a run may take.
        var (distance, eikonal) = (0.02, IsFlat ? 0.1 : 0.2);
        // Without the truth, the points are what is known of the surface.
        var known = shape.Distance is not null;
        var (value, contrast) = known ? (siren.Surface, baseline.Surface) : (siren.AtPoints, baseline.AtPoints);
        return new Claim(SirenSdfRecipe.Name, $"{shape.Name} {(known ? "mean distance of the zero level" : "mean |Φ| at the points")}",
            value, distance, contrast,
        [
            new(string.Create(CultureInfo.InvariantCulture, $"zero level within {distance} ({value:G3})"), value < distance),
            new(string.Create(CultureInfo.InvariantCulture, $"|Φ| at the points within {distance} ({siren.AtPoints:G3})"),
                siren.AtPoints < distance),
            new(string.Create(CultureInfo.InvariantCulture, $"‖∇Φ‖ − 1 within {eikonal} on a grid ({siren.Eikonal:G3})"),
                siren.Eikonal < eikonal),
        ]);
    }

    private sealed class SdfStep : TrainingStep<Pairs>
    {
        private static readonly EikonalSdfLoss Sdf = new();

        protected override void Run(Pairs batch, StepContext context)
        {
            // Fresh points off the surface in every step, from the generator whose state checkpoints hold.
            var elsewhere = FieldCoordinates.Uniform(batch.Count, batch.Input.shape[1], device: context.Device);
            var coords = cat([batch.Input, elsewhere]);
            var isOn = arange(coords.shape[0], device: context.Device).unsqueeze(1) < batch.Count;
            var jet = FieldSamples.Jet((nn.Module<Tensor, Tensor>)context.Model, coords, laplacian: false);
            var loss = Sdf.Loss(jet.Value, jet.Gradient.squeeze(-2), isOn, cat([batch.Target, zeros_like(elsewhere)]));
            context.Backward(loss);
            context.Update();
            context.Log("loss", loss);
        }

        protected override void Evaluate(Pairs batch, StepContext context) =>
            context.Log(Distance, context.Predict(batch.Input).abs().mean());
    }
}
