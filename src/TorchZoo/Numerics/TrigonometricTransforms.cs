using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// Sine and cosine transforms as matrices. On the small grids of data generation (up to a few hundred points an axis) a matrix product is
/// as fast as a fast transform, takes any size and any number of modes, and needs nothing that libtorch doesn't have.
/// </summary>
public static class TrigonometricTransforms
{
    /// <summary>
    /// The orthonormal sine transform (DST-I) of n interior points, S_ij = √(2/(n+1)) sin(π i j/(n+1)), i, j = 1…n. It is symmetric and
    /// its own inverse, and it diagonalises second differences with zero boundary values.
    /// </summary>
    /// <param name="n">Interior points.</param>
    /// <param name="dtype">Element type of the result; the entries are computed in float64.</param>
    /// <param name="device">Where the result lies.</param>
    /// <returns>(n, n)</returns>
    public static Tensor Sine(long n, ScalarType dtype = ScalarType.Float64, Device? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        using var scope = NewDisposeScope();
        var j = arange(1, n + 1, dtype: ScalarType.Int64);
        // sin has period 2(n+1) in i·j: reduced in integers, the argument is small and its sine exact to rounding.
        var angle = outer(j, j).remainder(2 * (n + 1)).to(ScalarType.Float64).mul_(Math.PI / (n + 1));
        return angle.sin_().mul_(Math.Sqrt(2.0 / (n + 1))).to(dtype, device ?? CPU).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The eigenvalues of −d²/dx² in second differences with zero boundary values, (4/h²) sin²(π i/(2(n+1))), i = 1…n, which belong to the
    /// columns of <see cref="Sine"/>.
    /// </summary>
    /// <param name="n">Interior points.</param>
    /// <param name="spacing">Grid spacing h.</param>
    /// <returns>(n), float64, ascending.</returns>
    public static Tensor SecondDifferenceEigenvalues(long n, double spacing)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        using var scope = NewDisposeScope();
        var i = arange(1, n + 1, dtype: ScalarType.Float64);
        return i.mul_(Math.PI / (2 * (n + 1))).sin_().pow_(2).mul_(4 / (spacing * spacing)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The orthonormal basis of L²(0,1) made of the Neumann Laplacian's eigenfunctions c₀ = 1, c_k = √2 cos πkx, at the nodes i/(points −
    /// 1).
    /// </summary>
    /// <param name="points">Nodes, both ends included.</param>
    /// <param name="modes">Functions, k = 0 … modes − 1.</param>
    /// <returns>(points, modes), float64</returns>
    public static Tensor CosineBasis(long points, long modes)
    {
        using var scope = NewDisposeScope();
        var basis = Angles(points, modes, first: 0).cos_().mul_(Math.Sqrt(2));
        basis.select(1, 0).fill_(1);
        return basis.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The orthonormal basis of L²(0,1) made of the Dirichlet Laplacian's eigenfunctions s_k = √2 sin πkx, at the nodes i/(points − 1).
    /// </summary>
    /// <param name="points">Nodes, both ends included (where the functions are 0).</param>
    /// <param name="modes">Functions, k = 1 … modes.</param>
    /// <returns>(points, modes), float64</returns>
    public static Tensor SineBasis(long points, long modes)
    {
        using var scope = NewDisposeScope();
        return Angles(points, modes, first: 1).sin_().mul_(Math.Sqrt(2)).MoveToOuterDisposeScope();
    }

    /// <summary>Multiplies the last axes of a tensor by one matrix each: a separable transform.</summary>
    /// <param name="x">(…, n₁, …, n_d)</param>
    /// <param name="matrices">d matrices (m_j, n_j), for the last d axes in their order.</param>
    /// <returns>(…, m₁, …, m_d)</returns>
    /// <exception cref="ArgumentException">There are more matrices than axes, or a size does not fit.</exception>
    public static Tensor Apply(Tensor x, params ReadOnlySpan<Tensor> matrices)
    {
        if (matrices.Length > x.dim())
            throw new ArgumentException($"Expected at most {x.dim()} matrices, one an axis, got {matrices.Length}.", nameof(matrices));
        for (var j = 0; j < matrices.Length; j++)
        {
            var size = x.shape[x.dim() - matrices.Length + j];
            if (matrices[j].dim() != 2 || matrices[j].shape[1] != size)
                throw new ArgumentException($"Expected a matrix (m, {size}) for axis {j - matrices.Length}, got "
                    + $"({string.Join(", ", matrices[j].shape)}).", nameof(matrices));
        }
        using var scope = NewDisposeScope();
        var y = x.alias();
        for (var j = matrices.Length - 1; j >= 0; j--)
        {
            var axis = j - matrices.Length;
            y = axis switch
            {
                -1 => matmul(y, matrices[j].t()),
                -2 => matmul(matrices[j], y),
                _ => matmul(y.movedim([axis], [-1]), matrices[j].t()).movedim([-1], [axis]),
            };
        }
        return y.MoveToOuterDisposeScope();
    }

    // π k i/(points − 1), reduced by the period in integers.
    private static Tensor Angles(long points, long modes, long first)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(modes);
        using var scope = NewDisposeScope();
        var i = arange(0, points, dtype: ScalarType.Int64);
        var k = arange(first, first + modes, dtype: ScalarType.Int64);
        return outer(i, k).remainder(2 * (points - 1)).to(ScalarType.Float64).mul_(Math.PI / (points - 1)).MoveToOuterDisposeScope();
    }
}
