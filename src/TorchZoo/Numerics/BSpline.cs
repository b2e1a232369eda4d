using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>B-splines of many features at once, each with knots of its own (<see cref="SplineGrid"/>).</summary>
public static class BSpline
{
    /// <summary>All basis functions by the recursion of Cox and de Boor, in torch operations: differentiable by x any number of times.</summary>
    /// <param name="x">(…, features)</param>
    /// <param name="grid">Knots that don't decrease, extended: (features, G + 2k + 1).</param>
    /// <param name="order">k ≥ 0, the degree.</param>
    /// <returns>(…, features, G + k). The functions sum to 1 between the inner grid's ends, also where knots coincide, and fall to 0 in k
    /// mean intervals beyond.</returns>
    /// <exception cref="ArgumentException">The shapes or types don't fit.</exception>
    public static Tensor Basis(Tensor x, Tensor grid, int order)
    {
        Check(x, grid, order);
        using var scope = NewDisposeScope();
        var at = x.unsqueeze(-1);
        var knots = grid.shape[1];
        var basis = (Knots(0, knots - 1).le(at) & Knots(1, knots - 1).gt(at)).to(x.dtype);
        for (var d = 1; d <= order; d++)
        {
            var n = knots - d - 1;
            basis = Quotient(at - Knots(0, n), Knots(0, n), Knots(d, n)) * basis.narrow(-1, 0, n)
                + Quotient(Knots(d + 1, n) - at, Knots(1, n), Knots(d + 1, n)) * basis.narrow(-1, 1, n);
        }
        return basis.MoveToOuterDisposeScope();

        Tensor Knots(long first, long count) => grid.narrow(1, first, count);
    }

    /// <summary>Σ_m c_m B_m(x) of each feature by each of its curves.</summary>
    /// <param name="x">(…, features)</param>
    /// <param name="grid">(features, G + 2k + 1)</param>
    /// <param name="coefficients">c: (features, curves, G + k).</param>
    /// <param name="order">k</param>
    /// <returns>(…, features, curves)</returns>
    /// <exception cref="ArgumentException">The shapes or types don't fit.</exception>
    public static Tensor Curves(Tensor x, Tensor grid, Tensor coefficients, int order)
    {
        Check(x, grid, order);
        ArgumentNullException.ThrowIfNull(coefficients);
        Expect.Shape(coefficients, nameof(coefficients), grid.shape[0], -1, grid.shape[1] - order - 1);
        Expect.Like(coefficients, x, nameof(coefficients));
        using var scope = NewDisposeScope();
        return Basis(x, grid, order).unsqueeze(-2).matmul(coefficients.transpose(1, 2)).squeeze(-2).MoveToOuterDisposeScope();
    }

    /// <summary>Coefficients of the curves that are nearest to samples, in the mean of squares; where the samples leave coefficients open,
    /// those of least norm.</summary>
    /// <param name="x">(N, features)</param>
    /// <param name="y">What the curves should be there: (N, features, curves).</param>
    /// <param name="grid">(features, G + 2k + 1)</param>
    /// <param name="order">k</param>
    /// <returns>(features, curves, G + k), without a gradient</returns>
    /// <exception cref="ArgumentException">The shapes or types don't fit, or a number isn't finite.</exception>
    public static Tensor FitCoefficients(Tensor x, Tensor y, Tensor grid, int order)
    {
        Check(x, grid, order);
        ArgumentNullException.ThrowIfNull(y);
        Expect.Shape(x, nameof(x), -1, grid.shape[0]);
        Expect.Shape(y, nameof(y), x.shape[0], x.shape[1], -1);
        Expect.Like(y, x, nameof(y));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var a = Basis(x.to(ScalarType.Float64), grid.to(ScalarType.Float64), order).permute(1, 0, 2);
        return LeastSquares.Solve(a, y.permute(1, 0, 2).to(ScalarType.Float64)).transpose(1, 2).contiguous().to(y.dtype)
            .MoveToOuterDisposeScope();
    }

    // (numerator / (high − low)), 0 where knots coincide. The denominator is guarded before the division: a NaN that is masked afterwards
    // would still be in the gradient.
    private static Tensor Quotient(Tensor numerator, Tensor low, Tensor high)
    {
        var width = high - low;
        var empty = width.le(0);
        return numerator * where(empty, zeros_like(width), where(empty, ones_like(width), width).reciprocal());
    }

    private static void Check(Tensor x, Tensor grid, int order)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(grid);
        _ = SplineGrid.Intervals(grid, order);
        if (x.dim() < 1 || x.shape[^1] != grid.shape[0])
            throw new ArgumentException($"Expected (…, {grid.shape[0]} features), got ({string.Join(", ", x.shape)})", nameof(x));
        Expect.Like(grid, x, nameof(grid));
    }
}
