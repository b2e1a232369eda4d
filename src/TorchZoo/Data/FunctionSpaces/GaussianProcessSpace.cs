using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>
/// Gaussian process N(0, k) on [0, L], a Gaussian random field given by its covariance: drawn on an equispaced grid, interpolated between.
/// The features are the values on the grid. Lu et al., "DeepONet" (2019), section 3.1.
/// </summary>
/// <remarks><see cref="Pde.GaussianRandomField"/> draws fields that are given by a power of the Laplacian instead.</remarks>
public sealed record GaussianProcessSpace : FunctionSpace
{
    /// <inheritdoc/>
    public override string Name => "gaussian-process";

    /// <summary>Covariance.</summary>
    public Kernel Kernel { get; init; } = Kernel.Rbf;

    /// <summary>Length scale l of the covariance, &gt; 0.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public double LengthScale
    {
        get;
        init => field = Settings.Positive(value, nameof(LengthScale));
    } = 0.2;

    /// <summary>Grid points, both ends included, ≥ 2.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long GridPoints
    {
        get;
        init => field = Settings.AtLeast(2, value, nameof(GridPoints));
    } = 1000;

    /// <summary>What lies between the grid points; null: straight lines for <see cref="Kernel.Exponential"/>, whose functions have no
    /// derivatives, and a cubic spline for the others.</summary>
    public Interpolation? Interpolation { get; init; }

    /// <inheritdoc/>
    /// <returns>(n, GridPoints)</returns>
    public override Tensor Sample(long n, Generator generator)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var noise = RandomRows.Normal(n, GridPoints, generator);
        using var grid = linspace(0, Length, GridPoints, dtype: ScalarType.Float64);
        return noise.matmul(FunctionSpaces.Covariance.Factor(Covariance(grid)).t()).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Evaluate(Tensor features, Tensor xs)
    {
        Check(features, GridPoints, xs);
        using var functions = new EquispacedInterpolant(features, 0, Length, Interpolation ?? Default(Kernel));
        return functions.Evaluate(xs);
    }

    /// <summary>The covariance matrix of the values at some points.</summary>
    /// <param name="xs">(q)</param>
    /// <returns>(q, q)</returns>
    public Tensor Covariance(Tensor xs) => FunctionSpaces.Covariance.Matrix(Kernel, LengthScale, Length, xs);

    internal static Interpolation Default(Kernel kernel) =>
        kernel == Kernel.Exponential ? Numerics.Interpolation.Linear : Numerics.Interpolation.Cubic;
}
