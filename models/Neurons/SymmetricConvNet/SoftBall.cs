using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Draws the vector of channels at each pixel into a ball, smoothly: x/√(1 + ‖x‖²/R²). As <see cref="HardBall"/> it prefers no
/// basis.</summary>
/// <remarks>Source: Liu, Shao and Bai 2023.</remarks>
public static class SoftBall
{
    /// <inheritdoc cref="HardBall.Forward"/>
    public static Tensor Forward(Tensor x, double? radius = null)
    {
        var r = HardBall.Radius(x, radius);
        using var scope = NewDisposeScope();
        return (x * (1 + x.square().sum([1], keepdim: true) / (r * r)).rsqrt()).MoveToOuterDisposeScope();
    }
}
