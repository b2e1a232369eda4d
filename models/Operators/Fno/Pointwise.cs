using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

internal static class Pointwise
{
    /// <summary>A linear map of the channels: (batch, in, points), weight (out, in, 1) → (batch, out, points).</summary>
    /// <remarks>A 1×1 convolution is a matrix product for each sample. A batch of those is as fast as libtorch's convolution, gradient
    /// included, and doesn't go through oneDNN (see <see cref="LocalConv"/>).</remarks>
    public static Tensor Conv(Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var y = bmm(weight.squeeze(2).expand(x.shape[0], -1, -1), x);
        if (bias is not null) y.add_(bias.unsqueeze(1));
        return y.MoveToOuterDisposeScope();
    }
}
