using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Losses;

/// <summary>What the function-space losses have in common: the checks, the grid spacing and the reduction.</summary>
internal static class LossShapes
{
    public static void CheckSettings(Reduction reduction, double eps)
    {
        if (!Enum.IsDefined(reduction)) throw new ArgumentOutOfRangeException(nameof(reduction), reduction, "Expected a named reduction.");
        if (!(eps >= 0) || !double.IsFinite(eps)) throw new ArgumentOutOfRangeException(nameof(eps), eps, "Expected a number ≥ 0.");
    }

    public static double[] Measure(int d, double[]? measure)
    {
        var all = measure switch
        {
            null => Enumerable.Repeat(1.0, d).ToArray(),
            [var one] => Enumerable.Repeat(one, d).ToArray(),
            _ when measure.Length == d => [.. measure],
            _ => throw new ArgumentException($"Expected one number or {d}, one an axis, got {measure.Length}.", nameof(measure)),
        };
        foreach (var m in all)
            if (!(m > 0) || !double.IsFinite(m)) throw new ArgumentOutOfRangeException(nameof(measure), m, "Expected positive numbers.");
        return all;
    }

    public static void Check(Tensor yHat, Tensor y, int d)
    {
        ArgumentNullException.ThrowIfNull(yHat);
        ArgumentNullException.ThrowIfNull(y);
        // Broadcasting would hide a mistake: (batch) against (batch, 1) gives all pairs.
        if (!yHat.shape.AsSpan().SequenceEqual(y.shape))
            throw new ArgumentException($"Expected y's shape ({string.Join(", ", y.shape)}), got ({string.Join(", ", yHat.shape)}).",
                nameof(yHat));
        if (y.dim() < d) throw new ArgumentException($"Expected at least {d} axes, got ({string.Join(", ", y.shape)}).", nameof(y));
        foreach (var (tensor, name) in new[] { (yHat, nameof(yHat)), (y, nameof(y)) })
            if (!tensor.is_floating_point() && !tensor.is_complex())
                throw new ArgumentException($"Expected floating-point or complex numbers, got {tensor.dtype}.", name);
    }

    public static double[] Spacing(Tensor x, double[] measure) =>
        measure.Zip(x.shape.TakeLast(measure.Length), (side, points) => side / points).ToArray();

    public static Tensor Reduce(Tensor norms, Reduction reduction) => reduction switch
    {
        Reduction.Sum => norms.sum(),
        Reduction.Mean => norms.mean(),
        _ => norms,
    };
}
