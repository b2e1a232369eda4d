using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// Zeros around the grid, so that a function that isn't periodic doesn't meet its other end in the Fourier layers: a fraction p of each
/// axis, rounded to points, at both ends.
/// </summary>
/// <param name="fractions">p, one for all axes or one an axis.</param>
public sealed class DomainPadding(IReadOnlyList<double> fractions)
{
    /// <summary>Points added at each end of axes of these sizes.</summary>
    public long[] Points(ReadOnlySpan<long> sizes)
    {
        var points = new long[sizes.Length];
        for (var j = 0; j < sizes.Length; j++)
            points[j] = (long)Math.Round(fractions[fractions.Count == 1 ? 0 : j] * sizes[j]);
        return points;
    }

    /// <summary>Pads (batch, channels, d1, …, dN).</summary>
    public Tensor Pad(Tensor x) => functional.pad(x, [.. Points(x.shape.AsSpan(2)).Reverse().SelectMany(p => new[] { p, p })]);

    /// <summary>Crops the same number of points from both ends of each axis.</summary>
    public static Tensor Crop(Tensor x, ReadOnlySpan<long> points)
    {
        using var scope = NewDisposeScope();
        var y = x.alias();
        for (var j = 0; j < points.Length; j++)
            y = y.narrow(j + 2, points[j], x.shape[j + 2] - 2 * points[j]);
        return y.MoveToOuterDisposeScope();
    }

    internal static void Validate(IReadOnlyList<double>? fractions, int axes, string parameter)
    {
        if (fractions is null) return;
        if (fractions.Count != 1 && fractions.Count != axes)
            throw new ArgumentException($"Expected one number or one for each of {axes} axes, got {fractions.Count}", parameter);
        if (fractions.Any(p => !(p >= 0 && double.IsFinite(p))))
            throw new ArgumentException($"Expected fractions of the axes, got {string.Join(", ", fractions)}", parameter);
    }
}
