using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The weighted Lehmer mean L_s(x; w) = Σ w x^s / Σ w x^(s−1): s → −∞ the minimum, 0 the harmonic mean, 1 the arithmetic, 2 the
/// contraharmonic, → ∞ the maximum; ½, of two numbers of equal weight, the geometric one. It rises with s.
/// </summary>
/// <remarks>Source: Frick 2020. Computed by logarithms: finite for exponents of hundreds.</remarks>
public static class LehmerMean
{
    /// <summary>The mean along an axis. Differentiable by all of its arguments.</summary>
    /// <param name="x">Positive numbers.</param>
    /// <param name="w">Weights ≥ 0, not all 0; their scale doesn't matter. Broadcast with x.</param>
    /// <param name="s">The exponent: a scalar, or a shape that broadcasts with the result.</param>
    /// <param name="dim">The axis to average over.</param>
    /// <returns>x without this axis.</returns>
    /// <exception cref="ArgumentException">There is no such axis, or the numbers are integers.</exception>
    public static Tensor Evaluate(Tensor x, Tensor w, Tensor s, long dim = -1)
    {
        ArgumentNullException.ThrowIfNull(s);
        using var scope = NewDisposeScope();
        var sums = PowerSums.Along(x, w, dim);
        return (sums.Log(s) - sums.Log(s - 1)).exp().MoveToOuterDisposeScope();
    }
}
