using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>Gauss–Legendre quadrature and the polynomials it rests on.</summary>
public static class GaussLegendre
{
    /// <summary>The rule that integrates polynomials of degree ≤ 2n − 1 over [−1, 1] exactly, as the eigenvalues and first eigenvector
    /// entries of the recurrence's matrix (Golub and Welsch, Math. Comp. 23 (1969)).</summary>
    /// <param name="n">Nodes, ≥ 1.</param>
    /// <returns>Nodes in increasing order and weights, each (n), float64</returns>
    public static (Tensor Nodes, Tensor Weights) Rule(long n)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var k = arange(1, n, dtype: ScalarType.Float64);
        var jacobi = (k / (k.square() * 4 - 1).sqrt()).diag(-1);
        var (nodes, vectors) = linalg.eigh(jacobi); // reads the lower triangle
        return (nodes.MoveToOuterDisposeScope(), vectors.select(0, 0).square().mul_(2).MoveToOuterDisposeScope());
    }

    /// <summary>Legendre polynomials P₀ … P₍count−1₎ by their three-term recurrence.</summary>
    /// <param name="count">How many, ≥ 1.</param>
    /// <param name="x">Points (q) in [−1, 1].</param>
    /// <returns>(count, q), float64</returns>
    public static Tensor Polynomials(long count, Tensor x)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentNullException.ThrowIfNull(x);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        x = x.to(ScalarType.Float64);
        var p = new List<Tensor> { ones_like(x), x };
        for (var n = 1; n < count - 1; n++) p.Add((x * p[n] * (2 * n + 1) - p[n - 1] * n) / (n + 1));
        return stack(p.Take((int)count)).MoveToOuterDisposeScope();
    }
}
