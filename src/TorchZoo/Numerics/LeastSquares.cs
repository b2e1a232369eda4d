using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>Linear least squares that survive rank deficiency.</summary>
public static class LeastSquares
{
    // The distance from 1 to the next number of float64.
    private const double Precision = 2.220446049250313e-16;

    /// <summary>The x of least norm among those that minimise ‖A x − b‖, by the singular value decomposition in float64. Directions whose
    /// singular values are rounding errors get nothing.</summary>
    /// <param name="a">A: (…, m, n), of any m and n.</param>
    /// <param name="b">b: (…, m, r), the same leading sizes.</param>
    /// <param name="relativeCutoff">Singular values up to this share of the largest count as zero; null: max(m, n) times float64's
    /// precision. For an A of float32 numbers that is as strict as their own precision allows.</param>
    /// <returns>(…, n, r) of b's type. There is no gradient.</returns>
    /// <exception cref="ArgumentException">The shapes don't fit, a type isn't float32 or float64, or a number isn't finite.</exception>
    public static Tensor Solve(Tensor a, Tensor b, double? relativeCutoff = null)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.dim() < 2 || b.dim() != a.dim() || !a.shape.AsSpan(0, a.shape.Length - 1).SequenceEqual(b.shape.AsSpan(0, b.shape.Length - 1)))
            throw new ArgumentException(
                $"Expected (…, m, n) and (…, m, r), got ({string.Join(", ", a.shape)}) and ({string.Join(", ", b.shape)})", nameof(b));
        if (relativeCutoff is not (null or (>= 0 and < 1)))
            throw new ArgumentOutOfRangeException(nameof(relativeCutoff), relativeCutoff, "Expected a share of the largest singular value");
        using var off = no_grad();
        using var scope = NewDisposeScope();
        Tensor wideA = Wide(a, nameof(a)), wideB = Wide(b, nameof(b));
        if (a.numel() == 0 || b.numel() == 0)
            return zeros([.. b.shape[..^2], a.shape[^1], b.shape[^1]], b.dtype, b.device).MoveToOuterDisposeScope();
        // Rows beyond n hold nothing that their R doesn't: the decomposition is then of a small matrix.
        if (a.shape[^2] > a.shape[^1])
        {
            var (q, r) = linalg.qr(wideA);
            (wideA, wideB) = (r, q.transpose(-2, -1).matmul(wideB));
        }
        var (u, s, vh) = linalg.svd(wideA, fullMatrices: false);
        var cutoff = (relativeCutoff ?? Math.Max(a.shape[^1], a.shape[^2]) * Precision) * s.amax([-1], keepdim: true);
        var inverse = where(s.gt(cutoff), s.reciprocal(), zeros_like(s)).unsqueeze(-1);
        return vh.transpose(-2, -1).matmul(inverse * u.transpose(-2, -1).matmul(wideB)).to(b.dtype).MoveToOuterDisposeScope();
    }

    private static Tensor Wide(Tensor x, string parameter)
    {
        Kernels.Expect.Type(x, parameter, ScalarType.Float32, ScalarType.Float64);
        var wide = x.to(ScalarType.Float64);
        return wide.isfinite().all().item<bool>() ? wide : throw new ArgumentException("Expected finite numbers", parameter);
    }
}
