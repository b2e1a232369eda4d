using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

internal static class Pointwise
{
    /// <summary>A linear map of the channels: (batch, in, points), weight (out, in, 1) → (batch, out, points).</summary>
    public static Tensor Conv(Tensor x, Tensor weight, Tensor? bias) => functional.conv1d(x, weight, bias);
}
