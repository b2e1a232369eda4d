using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>An activation Σ_k c_k z^k, with which a network is a polynomial. Of any shape; no parameters.</summary>
/// <remarks>Source: Cheng et al. 2018, section 3.</remarks>
public sealed class PolynomialActivation : Module<Tensor, Tensor>
{
    /// <summary>An activation.</summary>
    /// <param name="coefficients">c, of the powers from 0 on; 0, 0, 1 is the square.</param>
    /// <exception cref="ArgumentException">There is none, or one isn't finite.</exception>
    public PolynomialActivation(params double[] coefficients) : base(nameof(PolynomialActivation))
    {
        ArgumentNullException.ThrowIfNull(coefficients);
        if (coefficients.Length == 0 || coefficients.Any(c => !double.IsFinite(c)))
            throw new ArgumentException("Expected a coefficient at least, all of them finite", nameof(coefficients));
        Coefficients = [.. coefficients];
    }

    /// <summary>c.</summary>
    public IReadOnlyList<double> Coefficients { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        var y = full_like(x, Coefficients[^1]);
        foreach (var c in Coefficients.Reverse().Skip(1)) y = y * x + c;
        return y.MoveToOuterDisposeScope();
    }
}
