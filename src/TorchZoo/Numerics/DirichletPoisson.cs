using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// The exact inverse of −Δ in second differences (the 5-point stencil in 2-D) with zero boundary values on a box, by the sine basis that
/// diagonalises it. A direct Poisson solver, and a preconditioner for variable coefficients: the number of conjugate-gradient iterations
/// then depends on the contrast of the coefficient and not on the grid.
/// </summary>
public sealed class DirichletPoisson : IDisposable
{
    private readonly Tensor[] _sines;
    private readonly Tensor _inverse;

    /// <summary>Prepares the transforms for one grid.</summary>
    /// <param name="interior">Interior points of each axis.</param>
    /// <param name="spacing">Grid spacing of each axis.</param>
    /// <param name="dtype">Element type of the fields.</param>
    /// <param name="device">Where the fields lie.</param>
    /// <exception cref="ArgumentException">The two lists have different lengths, are empty, or hold numbers that are not
    /// positive.</exception>
    public DirichletPoisson(ReadOnlySpan<long> interior, ReadOnlySpan<double> spacing, ScalarType dtype = ScalarType.Float64,
        Device? device = null)
    {
        if (interior.Length == 0 || interior.Length != spacing.Length)
            throw new ArgumentException($"Expected one spacing for each of the {interior.Length} axes, got {spacing.Length}.",
                nameof(spacing));
        foreach (var n in interior) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n, nameof(interior));
        foreach (var h in spacing) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(h, nameof(spacing));

        using var off = no_grad();
        using var scope = NewDisposeScope();
        _sines = new Tensor[interior.Length];
        var eigenvalues = zeros(new long[interior.Length], dtype: ScalarType.Float64).sum();
        for (var j = 0; j < interior.Length; j++)
        {
            // Axes of the same size share one matrix.
            var same = interior[..j].IndexOf(interior[j]);
            _sines[j] = same >= 0 ? _sines[same] : TrigonometricTransforms.Sine(interior[j], dtype, device).DetachFromDisposeScope();
            eigenvalues = eigenvalues.unsqueeze(-1) + TrigonometricTransforms.SecondDifferenceEigenvalues(interior[j], spacing[j]);
        }
        _inverse = eigenvalues.reciprocal_().to(dtype, device ?? CPU).DetachFromDisposeScope();
    }

    /// <summary>Solves −Δu = f.</summary>
    /// <param name="f">(…, n₁, …, n_d) at the interior points.</param>
    /// <returns>u, of f's shape.</returns>
    public Tensor Solve(Tensor f)
    {
        using var scope = NewDisposeScope();
        var coefficients = TrigonometricTransforms.Apply(f, _sines).mul_(_inverse);
        return TrigonometricTransforms.Apply(coefficients, _sines).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var sine in _sines) sine.Dispose();
        _inverse.Dispose();
    }
}
