using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A convolution and the batch normalisation behind it as one convolution, as they are in evaluation: w′ = w γ/√(σ² + ε),
/// b′ = β + (b − μ) γ/√(σ² + ε).</summary>
public static class FusedConvBn
{
    /// <summary>The convolution that does both.</summary>
    /// <param name="conv">The convolution.</param>
    /// <param name="bn">The normalisation behind it, with running statistics, of as many channels.</param>
    /// <returns>A new convolution with bias, of the same type and on the same device.</returns>
    /// <exception cref="ArgumentException">The numbers of channels differ, or there are no running statistics.</exception>
    public static Conv2d From(Conv2d conv, BatchNorm2d bn)
    {
        ArgumentNullException.ThrowIfNull(conv);
        ArgumentNullException.ThrowIfNull(bn);
        if (bn.running_mean is null || bn.running_var is null || bn.running_mean.shape[0] != conv.weight.shape[0])
            throw new ArgumentException($"Expected running statistics of {conv.weight.shape[0]} channels", nameof(bn));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (weight, bias) = Weights(conv, bn);
        var fused = nn.Conv2d(conv.in_channels, conv.out_channels, (conv.kernel_size[0], conv.kernel_size[1]),
            (conv.stride[0], conv.stride[1]), (conv.padding![0], conv.padding[1]), (conv.dilation[0], conv.dilation[1]),
            groups: conv.groups);
        fused.to(weight.device, weight.dtype);
        fused.weight.copy_(weight);
        fused.bias!.copy_(bias);
        return fused;
    }

    internal static (Tensor Weight, Tensor Bias) Weights(Conv2d conv, BatchNorm2d? bn)
    {
        var bias = conv.bias ?? zeros_like(conv.weight.flatten(1).select(1, 0));
        if (bn is null) return (conv.weight, bias);
        var factor = (bn.running_var! + bn.eps).rsqrt();
        if (bn.weight is { } gamma) factor = factor * gamma;
        var shifted = (bias - bn.running_mean!) * factor;
        return (conv.weight * factor.reshape(-1, 1, 1, 1), bn.bias is { } beta ? shifted + beta : shifted);
    }
}
