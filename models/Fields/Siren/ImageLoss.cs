using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>Losses of a field fitted to samples (an image, audio, video), and the priors that fill what is masked. Each returns a
/// scalar.</summary>
/// <remarks>Source: Sitzmann et al. 2020, sections 3.1 and 4.1, supplement 2. Inpainting is <c>Mse</c> with a mask plus k₁ times a prior at
/// random points (<see cref="FieldCoordinates.Uniform"/>).</remarks>
public static class ImageLoss
{
    /// <summary>The mean of (Φ − f)², times the mask.</summary>
    /// <param name="values">Φ (…, c)</param>
    /// <param name="target">f, of the same shape.</param>
    /// <param name="mask">1 where f is known, 0 elsewhere, (…, 1) or (…, c); the mean still runs over all. Null: known everywhere.</param>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public static Tensor Mse(Tensor values, Tensor target, Tensor? mask = null)
    {
        Check(values, target, mask);
        using var scope = NewDisposeScope();
        return Mean((values - target).square(), mask).MoveToOuterDisposeScope();
    }

    /// <summary>The mean of |Φ − f|, times the mask.</summary>
    /// <inheritdoc cref="Mse"/>
    public static Tensor L1(Tensor values, Tensor target, Tensor? mask = null)
    {
        Check(values, target, mask);
        using var scope = NewDisposeScope();
        return Mean((values - target).abs(), mask).MoveToOuterDisposeScope();
    }

    /// <summary>The total-variation prior: the mean of |∂_iΦ| over points and coordinates.</summary>
    /// <param name="gradient">(…, d)</param>
    public static Tensor TotalVariation(Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        using var scope = NewDisposeScope();
        return gradient.abs().mean().MoveToOuterDisposeScope();
    }

    /// <summary>The prior that wants straight level lines: the mean over points of the Hessians' Frobenius norm, all channels
    /// together.</summary>
    /// <param name="hessian">(…, c, d, d), of <see cref="Numerics.DifferentialOperators.Hessian"/>.</param>
    /// <exception cref="ArgumentException">Fewer than three axes, or the last two differ.</exception>
    public static Tensor HessianFrobenius(Tensor hessian)
    {
        ArgumentNullException.ThrowIfNull(hessian);
        if (hessian.dim() < 3 || hessian.shape[^1] != hessian.shape[^2])
            throw new ArgumentException($"Expected (…, c, d, d), got ({Require.Text(hessian)})", nameof(hessian));
        using var scope = NewDisposeScope();
        return linalg.vector_norm(hessian.flatten(-3), 2, dims: [-1]).mean().MoveToOuterDisposeScope();
    }

    private static Tensor Mean(Tensor errors, Tensor? mask) => mask is null ? errors.mean() : (mask * errors).mean();

    private static void Check(Tensor values, Tensor target, Tensor? mask)
    {
        ArgumentNullException.ThrowIfNull(values);
        Require.Shape(target, values.shape, nameof(target));
        if (mask is null || mask.shape.AsSpan().SequenceEqual(values.shape)) return;
        if (values.dim() == 0) throw new ArgumentException($"Expected a scalar, got ({Require.Text(mask)})", nameof(mask));
        Require.Shape(mask, [.. values.shape[..^1], 1], nameof(mask));
    }
}
