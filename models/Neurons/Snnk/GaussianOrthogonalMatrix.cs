using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Projections for random features: Gaussian rows, as they come or orthogonal within blocks.</summary>
/// <remarks>Source: Choromanski et al. 2021 (Performers), orthogonal random features.</remarks>
public static class GaussianOrthogonalMatrix
{
    /// <summary>Rows that are each N(0, I) and, in blocks of as many as there are columns, orthogonal to one another: a uniformly
    /// orthogonal matrix's rows, each with the norm of a Gaussian row of its own.</summary>
    /// <param name="rows">Rows, ≥ 1.</param>
    /// <param name="columns">Columns, ≥ 1.</param>
    /// <param name="generator">Source of the random numbers, a CPU's; null: torch's default.</param>
    /// <returns>(rows, columns), float64 on the CPU.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size isn't positive.</exception>
    public static Tensor Draw(long rows, long columns, Generator? generator = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var blocks = new List<Tensor>();
        for (var left = rows; left > 0; left -= columns)
            blocks.Add(RandomOrthogonal.Matrix(columns, columns, generator)[..(int)Math.Min(left, columns)]);
        var norms = randn([rows, columns], ScalarType.Float64, generator: generator).norm(1, keepdim: true);
        return (cat(blocks) * norms).MoveToOuterDisposeScope();
    }

    /// <summary>Rows of either kind.</summary>
    internal static Tensor Draw(long rows, long columns, bool orthogonal, Generator? generator) =>
        orthogonal ? Draw(rows, columns, generator) : randn([rows, columns], ScalarType.Float64, generator: generator);
}
