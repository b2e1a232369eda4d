using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A convolution of quadratic neurons: (batch, in, height, width) → (batch, out, …). In place of <c>Conv2d</c>. See
/// <see cref="QuadraticLayer"/>.</summary>
public sealed class QuadraticConv2d : QuadraticLayer
{
    private readonly long _inChannels;

    /// <summary>A layer with fresh weights.</summary>
    /// <param name="inChannels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="kernelSize">Rows and columns of a kernel.</param>
    /// <param name="stride">Pixels between two places of a kernel.</param>
    /// <param name="padding">Zeros around the image, at each side.</param>
    /// <param name="kind">What its neurons compute.</param>
    /// <param name="init">How it begins.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public QuadraticConv2d(long inChannels, long outChannels, long kernelSize, long stride = 1, long padding = 0,
        QuadraticNeuronKind kind = QuadraticNeuronKind.Full, QuadraticInit init = QuadraticInit.ReLinear, Generator? generator = null)
        : base(nameof(QuadraticConv2d), kind, init, generator, () =>
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inChannels);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outChannels);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(kernelSize);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stride);
            ArgumentOutOfRangeException.ThrowIfNegative(padding);
            return Conv2d(inChannels, outChannels, kernelSize, stride, padding);
        }) => _inChannels = inChannels;

    private protected override void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 4 || x.shape[1] != _inChannels)
            throw new ArgumentException($"Expected (batch, {_inChannels}, height, width), got ({string.Join(", ", x.shape)})", nameof(x));
    }
}
