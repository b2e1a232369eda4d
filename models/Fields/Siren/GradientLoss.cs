using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>The loss of a field that is known by its gradient alone: the mean over points of Σ_i (∂_iΦ − g_i)². It fixes Φ up to a
/// constant.</summary>
/// <remarks>Source: Sitzmann et al. 2020, equation (5).</remarks>
public static class GradientLoss
{
    /// <summary>Weights of the paper's colour images, channel by channel (r, g, b), two coordinates each.</summary>
    public static IReadOnlyList<double> ColourWeights { get; } = [10, 10, 1, 1, 10, 10];

    /// <summary>The loss.</summary>
    /// <param name="gradient">(…, n): n = d, or n = c·d for several channels.</param>
    /// <param name="target">g, of the same shape.</param>
    /// <param name="weights">n weights of the squares; null: all 1.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public static Tensor Mse(Tensor gradient, Tensor target, IReadOnlyList<double>? weights = null)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        Require.Shape(target, gradient.shape, nameof(target));
        if (gradient.dim() == 0) throw new ArgumentException("Expected (…, n), got a scalar", nameof(gradient));
        if (weights is not null && weights.Count != gradient.shape[^1])
            throw new ArgumentException($"Expected {gradient.shape[^1]} weights, got {weights.Count}", nameof(weights));
        using var scope = NewDisposeScope();
        var squares = (gradient - target).square();
        if (weights is not null) squares = squares * tensor(weights.ToArray(), gradient.dtype, gradient.device);
        return squares.sum(-1).mean().MoveToOuterDisposeScope();
    }

    /// <summary>What Poisson editing aims at: α ∇f₁ + (1 − α) ∇f₂.</summary>
    /// <param name="first">∇f₁</param>
    /// <param name="second">∇f₂, of the same shape.</param>
    /// <param name="alpha">α in [0, 1].</param>
    /// <exception cref="ArgumentException">The shapes differ, or α is out of range.</exception>
    public static Tensor Compose(Tensor first, Tensor second, double alpha = 0.5)
    {
        ArgumentNullException.ThrowIfNull(first);
        Require.Shape(second, first.shape, nameof(second));
        if (!(alpha is >= 0 and <= 1)) throw new ArgumentException($"Expected a number in [0, 1], got {alpha}", nameof(alpha));
        using var scope = NewDisposeScope();
        return (alpha * first + (1 - alpha) * second).MoveToOuterDisposeScope();
    }
}
