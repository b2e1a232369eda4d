using TorchSharp.Modules;
using TorchZoo.Models.Neurons;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What <see cref="PadeNet"/> is compared with: the same connections, with ordinary convolutions and an activation, and initial
/// values of the same kind or torch's own.</summary>
internal sealed class ConvolutionalUpscaler : nn.Module<Tensor, Tensor>
{
    private readonly Func<Tensor, Tensor> _activation;
    private readonly int _scale;
    private readonly Conv2d head, tail;
    private readonly ModuleList<Conv2d> body;

    /// <param name="activation">The activation's name.</param>
    /// <param name="channels">Hidden channels.</param>
    /// <param name="blocks">Blocks of two convolutions.</param>
    /// <param name="scale">How many times as many rows and columns come out.</param>
    /// <param name="isScaled">Whether weights begin as the activation needs; if not, as torch makes them.</param>
    public ConvolutionalUpscaler(string activation, long channels, int blocks, int scale, bool isScaled)
        : base(nameof(ConvolutionalUpscaler))
    {
        (_activation, _scale) = (Activations.Named(activation, nameof(activation)), scale);
        head = Convolution(1, channels, 1);
        body = new ModuleList<Conv2d>([.. Enumerable.Range(0, 2 * blocks).Select(_ => Convolution(channels, channels, 1))]);
        tail = Convolution(channels, scale * scale, 0.1);
        RegisterComponents();

        Conv2d Convolution(long from, long to, double gain)
        {
            using var off = no_grad();
            var layer = nn.Conv2d(from, to, 3, padding: 1);
            if (!isScaled) return layer;
            // Kaiming's before ReLU.
            layer.weight.normal_(0, gain * Math.Sqrt((activation == "relu" && gain == 1 ? 2.0 : 1) / (9 * from)));
            layer.bias!.zero_();
            return layer;
        }
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var first = _activation(head.call(x));
        var h = first;
        for (var i = 0; i < body.Count; i += 2) h = h + _activation(body[i + 1].call(_activation(body[i].call(h))));
        var detail = nn.functional.pixel_shuffle(tail.call(first + h), _scale);
        return (detail + PadeNet.Enlarge(x, _scale)).MoveToOuterDisposeScope();
    }
}
