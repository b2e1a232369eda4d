using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>
/// Gaussian process on [0, L] by its truncated Karhunen–Loève expansion u = Σ √λ_k ξ_k φ_k, ξ_k ~ N(0, 1). The features are the ξ_k.
/// Eigenpairs by Nyström's method with the trapezoid rule.
/// </summary>
public sealed record KarhunenLoeveSpace : FunctionSpace
{
    /// <inheritdoc/>
    public override string Name => "karhunen-loeve";

    /// <summary>Covariance.</summary>
    public Kernel Kernel { get; init; } = Kernel.Rbf;

    /// <summary>Length scale l of the covariance, &gt; 0.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public double LengthScale
    {
        get;
        init => field = Settings.Positive(value, nameof(LengthScale));
    } = 0.2;

    /// <summary>Terms of the expansion, at most <see cref="GridPoints"/>.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long Terms
    {
        get;
        init => field = Settings.AtLeast(1, value, nameof(Terms));
    } = 10;

    /// <summary>Points of the trapezoid rule, ≥ 2.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long GridPoints
    {
        get;
        init => field = Settings.AtLeast(2, value, nameof(GridPoints));
    } = 100;

    /// <inheritdoc/>
    /// <returns>(n, Terms)</returns>
    public override Tensor Sample(long n, Generator generator)
    {
        CheckTerms();
        return RandomRows.Normal(n, Terms, generator);
    }

    /// <inheritdoc/>
    public override Tensor Evaluate(Tensor features, Tensor xs)
    {
        CheckTerms();
        Check(features, Terms, xs);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (values, functions) = Eigenpairs();
        var onGrid = (features.to(ScalarType.Float64) * values.sqrt()).matmul(functions);
        using var interpolant = new EquispacedInterpolant(onGrid, 0, Length, GaussianProcessSpace.Default(Kernel));
        return interpolant.Evaluate(xs).MoveToOuterDisposeScope();
    }

    /// <summary>The largest eigenvalues of the covariance operator in decreasing order, and its eigenfunctions on the grid,
    /// orthonormal in the trapezoid rule and ≥ 0 at x = 0.</summary>
    /// <returns>λ (Terms) and φ (Terms, GridPoints)</returns>
    public (Tensor Values, Tensor Functions) Eigenpairs()
    {
        CheckTerms();
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var weights = full(GridPoints, Length / (GridPoints - 1), dtype: ScalarType.Float64);
        weights[0] *= 0.5;
        weights[-1] *= 0.5;
        var root = weights.sqrt();
        var covariance = Covariance.Matrix(Kernel, LengthScale, Length, linspace(0, Length, GridPoints, dtype: ScalarType.Float64));
        // W^½ K W^½ is symmetric and has the eigenvalues of K W.
        var (values, vectors) = linalg.eigh(covariance.mul_(root).mul_(root.unsqueeze(1)));
        values = values.flip(0).slice(0, 0, Terms, 1).clamp_min(0);
        var functions = (vectors / root.unsqueeze(1)).flip(1).slice(1, 0, Terms, 1).t();
        functions = where(functions.select(1, 0).unsqueeze(1) < 0, -functions, functions);
        return (values.MoveToOuterDisposeScope(), functions.contiguous().MoveToOuterDisposeScope());
    }

    private void CheckTerms()
    {
        if (Terms > GridPoints)
            throw new ArgumentException($"Expected at most GridPoints = {GridPoints} terms, got {Terms}.", nameof(Terms));
    }
}
