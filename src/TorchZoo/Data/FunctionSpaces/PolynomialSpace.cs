using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>Polynomials on [0, L] with independent coefficients a_i ~ U(−M, M) in some basis; the features are the coefficients.</summary>
public abstract record PolynomialSpace : FunctionSpace
{
    /// <summary>Number of coefficients, ≥ 1.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long Terms
    {
        get;
        init => field = Settings.AtLeast(1, value, nameof(Terms));
    } = 100;

    /// <summary>Largest size M of a coefficient, &gt; 0.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public double Magnitude
    {
        get;
        init => field = Settings.Positive(value, nameof(Magnitude));
    } = 1;

    /// <inheritdoc/>
    /// <returns>(n, Terms)</returns>
    public sealed override Tensor Sample(long n, Generator generator) => RandomRows.Uniform(n, Terms, -Magnitude, Magnitude, generator);

    /// <inheritdoc/>
    public sealed override Tensor Evaluate(Tensor features, Tensor xs)
    {
        Check(features, Terms, xs);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return Sum(features.to(ScalarType.Float64), xs.to(ScalarType.Float64) / Length).MoveToOuterDisposeScope();
    }

    /// <summary>Σ a_i p_i(x).</summary>
    /// <param name="coefficients">a (n, Terms)</param>
    /// <param name="x">Points in [0, 1], (q) or (n, q).</param>
    /// <returns>(n, q)</returns>
    protected abstract Tensor Sum(Tensor coefficients, Tensor x);
}
