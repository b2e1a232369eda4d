using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>How far examples are from being orthogonal and of one length: log of the mean eigenvalue of the Gram matrix X Xᵀ less the mean
/// of their logs.</summary>
/// <remarks>Source: Meterez et al. 2023, definition 1.</remarks>
public static class IsometryGap
{
    // The distance from 1 to the next number of float64.
    private const double Precision = 2.220446049250313e-16;

    /// <summary>The gap of a matrix's rows, in float64 on the CPU, from singular values rather than from the Gram matrix, which would
    /// square their rounding.</summary>
    /// <param name="x">(n, d), an example a row.</param>
    /// <returns>≥ 0, and 0 where all eigenvalues are equal; ∞ where the rows are linearly dependent as far as float64 can tell, as they
    /// are for n &gt; d.</returns>
    /// <exception cref="ArgumentException">x is no matrix with elements, or has numbers that aren't finite.</exception>
    public static double Of(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var wide = Matrix(x);
        if (wide.shape[0] > wide.shape[1]) return double.PositiveInfinity;
        var values = linalg.svdvals(wide);
        var (least, greatest) = (values[^1].item<double>(), values[0].item<double>());
        if (least <= greatest * wide.shape[1] * Precision) return double.PositiveInfinity;
        // The gap is the same for any multiple of X; this one's squares neither overflow nor vanish.
        var eigenvalues = (values / greatest).square();
        return Math.Max(0, (eigenvalues.mean().log() - eigenvalues.log().mean()).item<double>());
    }

    internal static Tensor Matrix(Tensor x)
    {
        if (x.dim() != 2 || x.numel() == 0)
            throw new ArgumentException($"Expected (n ≥ 1, d ≥ 1), got ({string.Join(", ", x.shape)})", nameof(x));
        var wide = x.detach().to(ScalarType.Float64).cpu();
        return wide.isfinite().all().item<bool>() ? wide : throw new ArgumentException("Expected finite numbers", nameof(x));
    }
}
