using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>Power series Σ a_i (x/L)^i, a_i ~ U(−M, M).</summary>
public sealed record PowerSeriesSpace : PolynomialSpace
{
    /// <inheritdoc/>
    public override string Name => "power-series";

    // Horner's rule.
    /// <inheritdoc/>
    protected override Tensor Sum(Tensor coefficients, Tensor x)
    {
        var sum = zeros_like(x + coefficients.narrow(1, 0, 1));
        for (var i = Terms - 1; i >= 0; i--) sum.mul_(x).add_(coefficients.narrow(1, i, 1));
        return sum;
    }
}
