using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>
/// The loss of a signed distance function from points with normals: Φ = 0 and ∇Φ = n on the surface, Φ ≠ 0 off it, ‖∇Φ‖ = 1 everywhere.
/// </summary>
/// <remarks>Source: Sitzmann et al. 2020, equation (6), with the weights of the reference implementation. Train with gradients clipped to
/// norm 1.</remarks>
public sealed record EikonalSdfLoss
{
    /// <summary>Weight of |Φ| on the surface.</summary>
    public double Surface { get; init; } = 3000;

    /// <summary>Weight of exp(−<see cref="Sharpness"/> |Φ|) off it.</summary>
    public double OffSurface { get; init; } = 100;

    /// <summary>Weight of 1 − cos(∇Φ, n) on the surface.</summary>
    public double Normals { get; init; } = 100;

    /// <summary>Weight of |‖∇Φ‖ − 1|.</summary>
    public double Eikonal { get; init; } = 50;

    /// <summary>How near the surface Φ counts as 0.</summary>
    public double Sharpness { get; init; } = 100;

    /// <summary>The four terms; each is a mean over all points, with 0 where it doesn't apply.</summary>
    /// <param name="values">Φ (…, 1)</param>
    /// <param name="gradient">∇Φ (…, d)</param>
    /// <param name="onSurface">True for the points on the surface (…, 1).</param>
    /// <param name="normals">Unit normals (…, d); off the surface they may be anything.</param>
    /// <returns>Scalars. The caller disposes of them.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, or the mask isn't of bools.</exception>
    public SdfLossTerms Terms(Tensor values, Tensor gradient, Tensor onSurface, Tensor normals)
    {
        Require.LastAxis(values, 1, nameof(values));
        ArgumentNullException.ThrowIfNull(gradient);
        if (gradient.dim() != values.dim())
            throw new ArgumentException($"Expected (…, d), got ({Require.Text(gradient)})", nameof(gradient));
        Require.Shape(gradient, [.. values.shape[..^1], gradient.shape[^1]], nameof(gradient));
        Require.Shape(onSurface, values.shape, nameof(onSurface));
        Require.Shape(normals, gradient.shape, nameof(normals));
        if (onSurface.dtype != ScalarType.Bool) throw new ArgumentException($"Expected bools, got {onSurface.dtype}", nameof(onSurface));
        using var scope = NewDisposeScope();
        var (on, distance) = (onSurface.to(values.dtype), values.abs());
        var angle = 1 - functional.cosine_similarity(gradient, normals, dim: -1, eps: 1e-8).unsqueeze(-1);
        return new SdfLossTerms(
            Scaled(Surface, on * distance),
            Scaled(OffSurface, (1 - on) * (-Sharpness * distance).exp()),
            Scaled(Normals, where(onSurface, angle, zeros_like(angle))),
            Scaled(Eikonal, (linalg.vector_norm(gradient, 2, dims: [-1]) - 1).abs()));

        static Tensor Scaled(double weight, Tensor errors) => (weight * errors.mean()).MoveToOuterDisposeScope();
    }

    /// <summary>The sum of the terms.</summary>
    /// <returns>A scalar.</returns>
    /// <inheritdoc cref="Terms"/>
    public Tensor Loss(Tensor values, Tensor gradient, Tensor onSurface, Tensor normals)
    {
        using var scope = NewDisposeScope();
        var terms = Terms(values, gradient, onSurface, normals);
        return (terms.Surface + terms.OffSurface + terms.Normals + terms.Eikonal).MoveToOuterDisposeScope();
    }
}
