using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>Layers with the weights that the paper's networks begin with.</summary>
internal static class SpikingLayers
{
    /// <summary>A convolution that keeps the size of its input at stride 1: weights normal with variance 2/(out · k²), biases 0 if asked
    /// for, else the framework's.</summary>
    public static Conv2d Convolution(long from, long to, long kernel, long stride = 1, bool bias = true, bool zeroBias = true)
    {
        var conv = Conv2d(from, to, kernel, stride, kernel / 2, bias: bias);
        using var off = no_grad();
        conv.weight!.normal_(0, Math.Sqrt(2.0 / (to * kernel * kernel)));
        if (bias && zeroBias) conv.bias!.zero_();
        return conv;
    }
}
