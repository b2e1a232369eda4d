using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A convolution of Padé neurons: (batch, in, height, width) → (batch, out, …). All its kernels have one size, stride and padding.
/// With learned shifts (super neurons) each channel is moved before, state name <c>shift</c> (in, 2): rows and columns, in pixels. See
/// <see cref="PadeLayer"/>.</summary>
public sealed class PadeConv2d : PadeLayer
{
    private readonly long _inChannels, _stride, _padding;
    private readonly bool _learnShift;

    /// <summary>A layer with fresh weights; a_0 and shifts 0.</summary>
    /// <param name="inChannels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="kernelSize">Rows and columns of a kernel.</param>
    /// <param name="numeratorOrder">K ≥ 1.</param>
    /// <param name="denominatorOrder">L ≥ 0; ≥ 1 for the smoothed variant.</param>
    /// <param name="variant">How it divides.</param>
    /// <param name="stride">Pixels between two places of a kernel.</param>
    /// <param name="padding">Zeros around the image, at each side; null: half a kernel.</param>
    /// <param name="learnShift">Whether channels are moved by learned offsets, pixels in between interpolated.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public PadeConv2d(long inChannels, long outChannels, long kernelSize = 3, int numeratorOrder = 1, int denominatorOrder = 1,
        PadeVariant variant = PadeVariant.Smoothed, long stride = 1, long? padding = null, bool learnShift = false,
        Generator? generator = null)
        : base(nameof(PadeConv2d), Weight(inChannels, outChannels, kernelSize), numeratorOrder, denominatorOrder, variant, 0, generator)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stride);
        if (padding is < 0) throw new ArgumentOutOfRangeException(nameof(padding), padding, "must not be negative");
        (_inChannels, _stride, _padding, _learnShift) = (inChannels, stride, padding ?? kernelSize / 2, learnShift);
        if (learnShift) register_parameter("shift", new Parameter(zeros(inChannels, 2)));
    }

    private protected override int OutputAxis => -3;

    private protected override void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 4 || x.shape[1] != _inChannels)
            throw new ArgumentException($"Expected (batch, {_inChannels}, height, width), got ({string.Join(", ", x.shape)})", nameof(x));
    }

    private protected override Tensor Apply(Tensor x, Tensor weight) =>
        functional.conv2d(x, weight, strides: [_stride, _stride], padding: [_padding, _padding]);

    // Pixel (i, j) of a channel is taken from (i, j) + its offset; outside of the image are the pixels at its edge.
    private protected override Tensor Prepare(Tensor x)
    {
        if (!_learnShift) return x;
        var (height, width) = (x.shape[2], x.shape[3]);
        var shift = get_parameter("shift")!.to(x.dtype);
        var rows = Relative(height, 0).unsqueeze(2).expand(-1, -1, width);
        var columns = Relative(width, 1).unsqueeze(1).expand(-1, height, -1);
        // Samples have the grid in common, channels don't: they change places.
        return functional.grid_sample(x.transpose(0, 1), stack([columns, rows], -1), GridSampleMode.Bilinear, GridSamplePaddingMode.Border,
            align_corners: false).transpose(0, 1);

        // Centres of pixels, where −1 and 1 are the image's edges.
        Tensor Relative(long count, int axis) =>
            (2 * (arange(count, dtype: x.dtype, device: x.device) + shift.narrow(1, axis, 1)) + 1) / count - 1;
    }

    private static long[] Weight(long inChannels, long outChannels, long kernelSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inChannels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outChannels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(kernelSize);
        return [outChannels, inChannels, kernelSize, kernelSize];
    }
}
