using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>Random matrices with orthonormal rows or columns.</summary>
public static class RandomOrthogonal
{
    /// <summary>A matrix drawn uniformly (Haar) among those with orthonormal rows or, where there are more rows than columns, orthonormal
    /// columns: Q of a Gaussian matrix, with R's diagonal made positive, without which Q wouldn't be uniform.</summary>
    /// <param name="rows">Rows, ≥ 1.</param>
    /// <param name="columns">Columns, ≥ 1.</param>
    /// <param name="generator">Source of the random numbers, a CPU's; null: torch's default.</param>
    /// <returns>(rows, columns), float64 on the CPU.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size isn't positive.</exception>
    /// <remarks>Source: F. Mezzadri, How to generate random matrices from the classical compact groups, 2007.</remarks>
    public static Tensor Matrix(long rows, long columns, Generator? generator = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var gaussian = randn([Math.Max(rows, columns), Math.Min(rows, columns)], ScalarType.Float64, generator: generator);
        var (q, r) = linalg.qr(gaussian);
        var signs = r.diagonal().sign();
        q = q * where(signs == 0, ones_like(signs), signs);
        return (rows < columns ? q.t() : q).contiguous().MoveToOuterDisposeScope();
    }
}
