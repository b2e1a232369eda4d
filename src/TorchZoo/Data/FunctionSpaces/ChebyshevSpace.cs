using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>Chebyshev series Σ a_i T_i(2x/L − 1), a_i ~ U(−M, M). Lu et al., "DeepONet" (2019), section 3.1, with 20 terms.</summary>
public sealed record ChebyshevSpace : PolynomialSpace
{
    /// <inheritdoc/>
    public override string Name => "chebyshev";

    // Clenshaw's recurrence b_i = a_i + 2z b_{i+1} − b_{i+2}; the sum is a_0 + z b_1 − b_2.
    /// <inheritdoc/>
    protected override Tensor Sum(Tensor coefficients, Tensor x)
    {
        var z = x * 2 - 1;
        var (next, afterNext) = (zeros_like(z + coefficients.narrow(1, 0, 1)), zeros_like(z + coefficients.narrow(1, 0, 1)));
        for (var i = Terms - 1; i >= 1; i--)
        {
            using var step = NewDisposeScope();
            // The older of the two is overwritten by the newest.
            afterNext.neg_().add_(z * next * 2).add_(coefficients.narrow(1, i, 1));
            (next, afterNext) = (afterNext, next);
        }
        return (z * next).sub_(afterNext).add_(coefficients.narrow(1, 0, 1));
    }
}
