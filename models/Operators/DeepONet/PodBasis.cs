using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The proper orthogonal decomposition of functions on a grid of N points: the mean function and the orthonormal modes that carry most of the
/// variance around it.
/// </summary>
/// <param name="Mean">Mean function μ, (N).</param>
/// <param name="Modes">Modes by decreasing variance, (N, p), scaled so that VᵀV = N·I: their mean square over the grid is 1.</param>
/// <remarks>Source: Lu et al. 2022 (arXiv 2111.05512), section 3.1.3.</remarks>
public sealed record PodBasis(Tensor Mean, Tensor Modes)
{
    /// <summary>Finds the modes, by a singular value decomposition in float64.</summary>
    /// <param name="outputs">Training outputs, (functions, N) — never the test's.</param>
    /// <param name="modes">Number p of modes, at most min(functions, N).</param>
    /// <returns>Mean and modes in the outputs' dtype.</returns>
    /// <exception cref="ArgumentException">Not a matrix, not finite, or not that many modes.</exception>
    public static PodBasis Fit(Tensor outputs, int modes)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        if (outputs.dim() != 2 || outputs.numel() == 0)
            throw new ArgumentException($"Expected (functions, points), got ({string.Join(", ", outputs.shape)})", nameof(outputs));
        var most = Math.Min(outputs.shape[0], outputs.shape[1]);
        if (modes < 1 || modes > most)
            throw new ArgumentException($"Expected from 1 to {most} modes of outputs ({string.Join(", ", outputs.shape)}), got {modes}", nameof(modes));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var s = outputs.to(ScalarType.Float64);
        if (!s.isfinite().all().item<bool>()) throw new ArgumentException("Expected finite outputs", nameof(outputs));
        var mean = s.mean([0]);
        // The right singular vectors of S − μ are the eigenvectors of its covariance, without squaring its condition; and no N × N matrix.
        var (_, _, vh) = linalg.svd(s - mean, fullMatrices: false);
        var v = vh.narrow(0, 0, modes).t() * Math.Sqrt(s.shape[1]);
        // A singular vector's sign is arbitrary: the largest entry is positive, on every machine.
        v *= v.gather(0, v.abs().argmax(0, keepdim: true)).sign();
        return new(mean.to(outputs.dtype, copy: true).MoveToOuterDisposeScope(), v.to(outputs.dtype).contiguous().MoveToOuterDisposeScope());
    }
}
