using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>Coordinates at which fields are sampled.</summary>
public static class FieldCoordinates
{
    /// <summary>The points of a regular grid on [−1, 1]^d, both ends included: −1 + 2i/(n − 1) along an axis (−1 where n = 1). The first
    /// axis is the first coordinate (rows of an image) and varies slowest.</summary>
    /// <param name="sizes">Points along each axis.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="device">Where the result lies; null: CPU.</param>
    /// <returns>(product of sizes, d)</returns>
    /// <exception cref="ArgumentException">No axis, or a size that isn't positive.</exception>
    public static Tensor Grid(IReadOnlyList<long> sizes, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        if (sizes.Count == 0 || sizes.Any(s => s < 1))
            throw new ArgumentException($"Expected positive sizes, got ({string.Join(", ", sizes)})", nameof(sizes));
        using var scope = NewDisposeScope();
        var axes = sizes.Select(n => linspace(-1, 1, n, dtype, device ?? CPU)).ToArray();
        return stack(meshgrid(axes, "ij").Select(a => a.flatten()), -1).MoveToOuterDisposeScope();
    }

    /// <summary>Points uniform in [−1, 1]^d.</summary>
    /// <param name="points">How many.</param>
    /// <param name="d">Coordinates.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="device">Where the result lies; null: CPU.</param>
    /// <returns>(points, d)</returns>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public static Tensor Uniform(
        long points, long d, Generator? generator = null, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        Require.Positive(points, nameof(points));
        Require.Positive(d, nameof(d));
        using var scope = NewDisposeScope();
        return (rand([points, d], dtype, device ?? CPU, generator: generator) * 2 - 1).MoveToOuterDisposeScope();
    }

    /// <summary>Points uniform by area in a disc.</summary>
    /// <param name="points">How many, ≥ 0.</param>
    /// <param name="x">Centre.</param>
    /// <param name="y">Centre.</param>
    /// <param name="radius">Radius.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <returns>(points, 2), float32, on the CPU</returns>
    /// <exception cref="ArgumentException">The number of points is negative, or the radius isn't positive.</exception>
    public static Tensor Disc(long points, double x, double y, double radius, Generator? generator = null)
    {
        Require.NotNegative(points, nameof(points));
        Require.Positive(radius, nameof(radius));
        using var scope = NewDisposeScope();
        var distance = rand([points, 1], generator: generator).sqrt() * radius;
        var angle = rand([points, 1], generator: generator) * (2 * Math.PI);
        return cat([distance * angle.cos() + x, distance * angle.sin() + y], -1).MoveToOuterDisposeScope();
    }

    /// <summary>Times of an audio signal's samples, from −range to range: with ω₀ = 30 everywhere the paper takes 100 instead of
    /// 1.</summary>
    /// <returns>(samples, 1)</returns>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public static Tensor Audio(long samples, double range = 100, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        Require.Positive(samples, nameof(samples));
        Require.Positive(range, nameof(range));
        using var scope = NewDisposeScope();
        return linspace(-range, range, samples, dtype, device ?? CPU).unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Points of a cloud, moved to mean 0 and then scaled by one minimum and maximum over all coordinates to [−1, 1], which keeps
    /// its proportions.</summary>
    /// <param name="points">(points, d)</param>
    /// <returns>(points, d)</returns>
    /// <exception cref="ArgumentException">Not a matrix, or all points are the same.</exception>
    public static Tensor Normalize(Tensor points)
    {
        ArgumentNullException.ThrowIfNull(points);
        if (points.dim() != 2 || points.numel() == 0)
            throw new ArgumentException($"Expected (points, d), got ({Require.Text(points)})", nameof(points));
        using var scope = NewDisposeScope();
        var centred = points - points.mean([0], true);
        var (low, high) = (centred.min(), centred.max());
        if (low.Equals(high)) throw new ArgumentException("Expected points that differ", nameof(points));
        return ((centred - low) / (high - low) * 2 - 1).MoveToOuterDisposeScope();
    }
}
