using TorchZoo.Data.Formats;
using TorchZoo.Models.Fields;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Points on a curve or surface within [−1, 1]^d, with outward unit normals.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Points">(n, d), float32.</param>
/// <param name="Normals">(n, d), float32.</param>
/// <param name="Distance">The true signed distance at points (m, d) → (m), negative inside; null: not known.</param>
internal sealed record SdfShape(string Name, Tensor Points, Tensor Normals, Func<Tensor, Tensor>? Distance)
{
    /// <summary>The shapes that need no file.</summary>
    public static readonly string[] Names = ["star", "torus"];

    // Space between a file's points and the end of the grid, so that the surface closes.
    private const double Margin = 0.9;

    public int Dimensions => (int)Points.shape[1];

    /// <summary>A shape by its name.</summary>
    public static SdfShape Named(string name, long points, ulong seed) => name == "torus" ? Torus(points, seed) : Star(points);

    /// <summary>The curve r = 0.72 + 0.18 cos 5θ in polar coordinates.</summary>
    private static SdfShape Star(long points)
    {
        using var scope = NewDisposeScope();
        // Fine enough that the polygon is the curve; then every so many points of equal arcs.
        var fine = StarAt(linspace(0, 2 * Math.PI, 200_001, ScalarType.Float64)[..^1]);
        var steps = (fine.roll(-1, 0) - fine).norm(1);
        var arc = cat([zeros(1, ScalarType.Float64), steps.cumsum(0)[..^1]]);
        var chosen = searchsorted(arc, linspace(0, 1, points + 1, ScalarType.Float64)[..^1] * steps.sum()).clamp_max(fine.shape[0] - 1);
        var tangents = fine.roll(-1, 0) - fine.roll(1, 0);
        var normals = stack([tangents.select(1, 1), -tangents.select(1, 0)], 1);
        normals /= normals.norm(1, keepdim: true);
        var outline = fine[TensorIndex.Slice(null, null, 50)].contiguous().MoveToOuterDisposeScope();
        return new("star", Chosen(fine, chosen), Chosen(normals, chosen), at =>
        {
            using var inner = NewDisposeScope();
            var x = at.to(ScalarType.Float64);
            var distance = cat(x.split(2048).Select(c => Nearest(c, outline)).ToList());
            var inside = x.norm(1) < StarRadius(atan2(x.select(1, 1), x.select(1, 0)));
            return where(inside, -distance, distance).MoveToOuterDisposeScope();
        });

        static Tensor Nearest(Tensor at, Tensor outline)
        {
            using var inner = NewDisposeScope();
            return cdist(at, outline).amin([1]).MoveToOuterDisposeScope();
        }

        static Tensor StarAt(Tensor angle) => stack([angle.cos(), angle.sin()], 1) * StarRadius(angle).unsqueeze(1);
        static Tensor StarRadius(Tensor angle) => 0.72 + 0.18 * (5 * angle).cos();
    }

    /// <summary>The torus of radii 0.55 and 0.25 around the third axis, uniform by area.</summary>
    private static SdfShape Torus(long points, ulong seed)
    {
        const double ring = 0.55, tube = 0.25;
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        // Area per angle around the tube grows with the distance from the axis: accept accordingly. Three times as many draws are enough.
        var around = rand([3 * points + 100], ScalarType.Float64, generator: generator) * (2 * Math.PI);
        var draws = rand([3 * points + 100], ScalarType.Float64, generator: generator) * (ring + tube);
        var accepted = around[draws < ring + tube * around.cos()][..(int)points];
        var along = rand([points], ScalarType.Float64, generator: generator) * (2 * Math.PI);
        var normals = stack([accepted.cos() * along.cos(), accepted.cos() * along.sin(), accepted.sin()], 1);
        var centres = stack([along.cos(), along.sin(), zeros_like(along)], 1) * ring;
        return new("torus", Single(centres + normals * tube), Single(normals), at =>
        {
            using var inner = NewDisposeScope();
            var x = at.to(ScalarType.Float64);
            var fromRing = x.narrow(1, 0, 2).norm(1) - ring;
            return ((fromRing.square() + x.select(1, 2).square()).sqrt() - tube).MoveToOuterDisposeScope();
        });
    }

    /// <summary>The points of a file.</summary>
    /// <exception cref="ArgumentException">They have no normals.</exception>
    public static SdfShape Load(string path)
    {
        using var scope = NewDisposeScope();
        using var cloud = PointCloudFile.Load(path);
        if (cloud.Normals is null)
            throw new ArgumentException($"{path}: expected points with normals; there are none, and no faces to take them from.",
                "--points");
        var facing = cloud.Normals.norm(1) > 0.5;
        return new(Path.GetFileName(path), Single(FieldCoordinates.Normalize(cloud.Points[facing]) * Margin), Single(cloud.Normals[facing]),
            Distance: null);
    }

    private static Tensor Chosen(Tensor rows, Tensor indices) => Single(rows.index_select(0, indices));

    private static Tensor Single(Tensor x) => x.to(ScalarType.Float32).MoveToOuterDisposeScope();
}
