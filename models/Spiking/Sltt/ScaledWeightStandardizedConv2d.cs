using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// A convolution whose filters are standardised: Ŵ = gain (W − μ)/√(σ² n + ε), with a filter's mean μ and unbiased variance σ², and n weights
/// in it (Brock et al. 2021, arXiv 2101.08692). Networks of them need no normalisation of activations.
/// </summary>
public sealed class ScaledWeightStandardizedConv2d : Module<Tensor, Tensor>
{
    private readonly Parameter weight, bias, gain;
    private readonly long _stride, _padding;
    private readonly double _epsilon;

    /// <summary>Weights normal with variance 2/(out · k²), biases 0, gains 1.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">k</param>
    /// <param name="stride">From one position to the next.</param>
    /// <param name="padding">Zeros at each edge; null: ⌊k/2⌋.</param>
    /// <param name="epsilon">ε</param>
    /// <exception cref="ArgumentException">A size is below 1.</exception>
    public ScaledWeightStandardizedConv2d(long inChannels, long outChannels, long kernelSize, long stride = 1, long? padding = null,
        double epsilon = 1e-4) : base(nameof(ScaledWeightStandardizedConv2d))
    {
        foreach (var (size, name) in new[] { (inChannels, nameof(inChannels)), (outChannels, nameof(outChannels)), (kernelSize, nameof(kernelSize)), (stride, nameof(stride)) })
            ArgumentOutOfRangeException.ThrowIfLessThan(size, 1, name);
        if (inChannels * kernelSize * kernelSize < 2)
            throw new ArgumentException("a filter of one weight has no variance", nameof(kernelSize));
        (_stride, _padding, _epsilon) = (stride, padding ?? kernelSize / 2, epsilon);
        using var off = no_grad();
        weight = new Parameter(randn(outChannels, inChannels, kernelSize, kernelSize) * Math.Sqrt(2.0 / (outChannels * kernelSize * kernelSize)));
        bias = new Parameter(zeros(outChannels));
        gain = new Parameter(ones(outChannels, 1, 1, 1));
        RegisterComponents();
    }

    /// <summary>Ŵ, (out, in, k, k).</summary>
    public Tensor StandardizedWeight()
    {
        using var scope = NewDisposeScope();
        long[] axes = [1, 2, 3];
        var count = weight.numel() / weight.shape[0];
        var centred = weight - weight.mean(axes, keepdim: true);
        var variance = centred.square().sum(axes, keepdim: true) / (count - 1);
        return (centred * ((variance * count + _epsilon).rsqrt() * gain)).MoveToOuterDisposeScope();
    }

    /// <summary>(batch, in, height, width) → (batch, out, …).</summary>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var scope = NewDisposeScope();
        return functional.conv2d(input, StandardizedWeight(), bias, [_stride, _stride], [_padding, _padding]).MoveToOuterDisposeScope();
    }
}
