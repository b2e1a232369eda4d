using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Keeps the vector of channels at each pixel within a ball: x where ‖x‖ ≤ R, R x/‖x‖ outside. It prefers no basis:
/// Q HardBall(x) = HardBall(Q x) for orthogonal Q.</summary>
/// <remarks>Source: Liu, Shao and Bai 2023.</remarks>
public static class HardBall
{
    /// <summary>The vectors within the ball.</summary>
    /// <param name="x">(batch, channels, …)</param>
    /// <param name="radius">R &gt; 0; null: √channels.</param>
    /// <returns>As x.</returns>
    /// <exception cref="ArgumentException">x has no channels, or the radius isn't positive.</exception>
    public static Tensor Forward(Tensor x, double? radius = null)
    {
        var r = Radius(x, radius);
        using var scope = NewDisposeScope();
        // Inside, the factor is 1 whatever the norm: at 0 its gradient mustn't count.
        var norm = x.square().sum([1], keepdim: true).clamp_min(r * r).sqrt();
        return (x * (r / norm)).MoveToOuterDisposeScope();
    }

    internal static double Radius(Tensor x, double? radius)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 2 || x.shape[1] < 1)
            throw new ArgumentException($"Expected (batch, channels, …), got ({string.Join(", ", x.shape)})", nameof(x));
        var r = radius ?? Math.Sqrt(x.shape[1]);
        return r > 0 && double.IsFinite(r) ? r : throw new ArgumentOutOfRangeException(nameof(radius), radius, "must be > 0");
    }
}
