using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>The loss of a field that is known by its Laplacian alone: the mean of (ΔΦ − l)². It fixes Φ up to a harmonic
/// function.</summary>
/// <remarks>Source: Sitzmann et al. 2020, equation (5).</remarks>
public static class LaplaceLoss
{
    /// <summary>The loss.</summary>
    /// <param name="laplacian">ΔΦ (…, c)</param>
    /// <param name="target">l, of the same shape.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor Mse(Tensor laplacian, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(laplacian);
        Require.Shape(target, laplacian.shape, nameof(target));
        using var scope = NewDisposeScope();
        return (laplacian - target).square().mean().MoveToOuterDisposeScope();
    }
}
