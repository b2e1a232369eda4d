using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>How far two distributions of functions are apart.</summary>
public static class Wasserstein2
{
    /// <summary>The 2-Wasserstein distance of N(0, K₁) and N(0, K₂) on N points, √(tr(K₁ + K₂ − 2 (K₁^½ K₂ K₁^½)^½)/N), which tends to
    /// that of the processes on the unit interval. Lu et al., "DeepONet" (2019), supplement.</summary>
    /// <param name="first">K₁ (N, N)</param>
    /// <param name="second">K₂ (N, N)</param>
    /// <exception cref="ArgumentException">The matrices are not square, or of different sizes.</exception>
    public static double Distance(Tensor first, Tensor second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (first.dim() != 2 || first.shape[0] != first.shape[1] || first.shape[0] == 0)
            throw new ArgumentException($"Expected (N, N), got ({string.Join(", ", first.shape)}).", nameof(first));
        if (!second.shape.AsSpan().SequenceEqual(first.shape))
            throw new ArgumentException($"Expected ({string.Join(", ", first.shape)}), got ({string.Join(", ", second.shape)}).", nameof(second));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (k1, k2) = (first.to(ScalarType.Float64), second.to(ScalarType.Float64));
        var (values, vectors) = linalg.eigh(k1);
        var root = (vectors * values.clamp_min(0).sqrt()).matmul(vectors.t());
        var cross = linalg.eigvalsh(root.matmul(k2).matmul(root)).clamp_min(0).sqrt().sum();
        return Math.Sqrt(Math.Max(0, (k1.trace() + k2.trace() - cross * 2).item<double>() / first.shape[0]));
    }

    /// <summary>The distance of two processes on an equispaced grid over their common interval.</summary>
    /// <param name="first">A space.</param>
    /// <param name="second">Another, of the same length.</param>
    /// <param name="points">Grid points, ≥ 2.</param>
    /// <exception cref="ArgumentException">The lengths differ, or there are too few points.</exception>
    public static double Distance(GaussianProcessSpace first, GaussianProcessSpace second, long points = 100)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 2);
        if (second.Length != first.Length) throw new ArgumentException($"Expected a space of length {first.Length}, got {second.Length}.", nameof(second));
        using var scope = NewDisposeScope();
        var grid = linspace(0, first.Length, points, dtype: ScalarType.Float64);
        return Distance(first.Covariance(grid), second.Covariance(grid));
    }
}
