using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The weighted Gini mean G_{s,d}(x; w) = (Σ w x^s / Σ w x^d)^(1/(s−d)). With d = s − 1 it is the Lehmer mean, with d = 0 the power mean;
/// s and d may change places.
/// </summary>
/// <remarks>Source: Frick 2020.</remarks>
public static class GiniMean
{
    /// <summary>The mean along an axis. Differentiable by all of its arguments.</summary>
    /// <param name="x">Positive numbers.</param>
    /// <param name="w">Weights ≥ 0, not all 0. Broadcast with x.</param>
    /// <param name="s">One exponent: a scalar, or a shape that broadcasts with the result.</param>
    /// <param name="d">The other one. Where they are equal to 10⁻⁶ (in float32, whose quotients are worse, 10⁻²), the limit at their middle
    /// is taken.</param>
    /// <param name="dim">The axis to average over.</param>
    /// <returns>x without this axis.</returns>
    /// <exception cref="ArgumentException">There is no such axis, or the numbers are integers.</exception>
    public static Tensor Evaluate(Tensor x, Tensor w, Tensor s, Tensor d, long dim = -1)
    {
        ArgumentNullException.ThrowIfNull(s);
        ArgumentNullException.ThrowIfNull(d);
        using var scope = NewDisposeScope();
        var sums = PowerSums.Along(x, w, dim);
        var difference = s - d;
        var isLimit = difference.abs().lt(x.dtype == ScalarType.Float64 ? 1e-6 : 1e-2);
        var quotient = (sums.Log(s) - sums.Log(d)) / where(isLimit, ones_like(difference), difference);
        return where(isLimit, sums.MeanLog((s + d) / 2), quotient).exp().MoveToOuterDisposeScope();
    }

    /// <summary>The quotient Σ w x^s / Σ w x^d by itself, without the root: x^(s−d) for a single number. With numbers 1, x, x², … it is a
    /// quotient of power series.</summary>
    /// <inheritdoc cref="Evaluate"/>
    public static Tensor Ratio(Tensor x, Tensor w, Tensor s, Tensor d, long dim = -1)
    {
        ArgumentNullException.ThrowIfNull(s);
        ArgumentNullException.ThrowIfNull(d);
        using var scope = NewDisposeScope();
        var sums = PowerSums.Along(x, w, dim);
        return (sums.Log(s) - sums.Log(d)).exp().MoveToOuterDisposeScope();
    }
}
