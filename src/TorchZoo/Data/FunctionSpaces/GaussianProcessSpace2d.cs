using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>
/// Gaussian process on the square [0, L]² whose covariance is the product k(x, x') k(y, y'); for <see cref="Kernel.Rbf"/> that is the
/// isotropic exp(−|x − x'|²/2l²). The features are the values on a grid, which is drawn without its N² × N² covariance matrix: it is a
/// Kronecker product, and so is its factor.
/// </summary>
public sealed record GaussianProcessSpace2d : FunctionSpace
{
    /// <inheritdoc/>
    public override string Name => "gaussian-process-2d";

    /// <inheritdoc/>
    public override int Dim => 2;

    /// <summary>Covariance along each axis.</summary>
    public Kernel Kernel { get; init; } = Kernel.Rbf;

    /// <summary>Length scale l of the covariance, &gt; 0.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public double LengthScale
    {
        get;
        init => field = Settings.Positive(value, nameof(LengthScale));
    } = 0.2;

    /// <summary>Grid points an axis, both ends included, ≥ 2.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long GridPoints
    {
        get;
        init => field = Settings.AtLeast(2, value, nameof(GridPoints));
    } = 100;

    /// <summary>What lies between the grid points, along each axis; null: as in <see cref="GaussianProcessSpace"/>.</summary>
    public Interpolation? Interpolation { get; init; }

    /// <inheritdoc/>
    /// <returns>(n, GridPoints, GridPoints), the first axis of the grid being x</returns>
    public override Tensor Sample(long n, Generator generator)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var noise = RandomRows.Normal(n, GridPoints * GridPoints, generator).reshape(n, GridPoints, GridPoints);
        var grid = linspace(0, Length, GridPoints, dtype: ScalarType.Float64);
        var factor = Covariance.Factor(Covariance.Matrix(Kernel, LengthScale, Length, grid));
        return factor.matmul(noise).matmul(factor.t()).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Evaluate(Tensor features, Tensor xs)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(xs);
        if (features.dim() != 3 || features.shape[1] != GridPoints || features.shape[2] != GridPoints)
            throw new ArgumentException($"Expected (n, {GridPoints}, {GridPoints}), got ({string.Join(", ", features.shape)}).", nameof(features));
        if (!xs.is_floating_point() || xs.dim() != 2 || xs.shape[1] != 2)
            throw new ArgumentException($"Expected real (q, 2), got {xs.dtype} ({string.Join(", ", xs.shape)}).", nameof(xs));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        // An interpolant is linear in the values: a tensor product of splines is known by the splines through unit vectors.
        using var units = new EquispacedInterpolant(eye(GridPoints, dtype: ScalarType.Float64), 0, Length,
            Interpolation ?? GaussianProcessSpace.Default(Kernel));
        var (alongX, alongY) = (units.Evaluate(xs.select(1, 0)).t(), units.Evaluate(xs.select(1, 1)).t());
        var values = empty([features.shape[0], xs.shape[0]], dtype: ScalarType.Float64);
        for (long i = 0; i < features.shape[0]; i++)
        {
            using var function = NewDisposeScope();
            values.select(0, i).copy_(alongX.matmul(features.select(0, i).to(ScalarType.Float64)).mul_(alongY).sum(1));
        }
        return values.MoveToOuterDisposeScope();
    }
}
