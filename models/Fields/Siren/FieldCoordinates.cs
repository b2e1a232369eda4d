using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>Coordinates at which fields are sampled.</summary>
public static class FieldCoordinates
{
    /// <summary>The points of a regular grid on [−1, 1]^d, both ends included: −1 + 2i/(n − 1) along an axis (−1 where n = 1). The first axis is
    /// the first coordinate (rows of an image) and varies slowest.</summary>
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
}
