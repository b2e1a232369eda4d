using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Two quadratic 3×3 convolutions beside a shortcut without weights: relu(shortcut(x) + bn2(quad2(relu(bn1(quad1(x)))))), the sum's second
/// part times α with ReZero. (batch, in, height, width) → (batch, out, height / stride, width / stride), rounded up. State names:
/// <c>conv1.r.weight</c>, …, <c>bn1.*</c>, <c>conv2.*</c>, <c>bn2.*</c>, <c>alpha1</c>.
/// </summary>
/// <remarks>Source: Fan et al. 2021, experiments; the shortcut is option A of He et al. 2016.</remarks>
public sealed class QuadraticResidualBlock : Module<Tensor, Tensor>
{
    private readonly QuadraticConv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Parameter? alpha1;
    private readonly long _stride, _before, _after;

    /// <summary>A block with fresh weights.</summary>
    /// <param name="inChannels">Channels in.</param>
    /// <param name="outChannels">Channels out, at least as many: the shortcut gets channels of zeros, half of them in front.</param>
    /// <param name="stride">The first convolution's and the shortcut's.</param>
    /// <param name="reZero">Whether there is an α, which begins as 0.</param>
    /// <param name="kind">What the neurons compute.</param>
    /// <param name="init">How the convolutions begin.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public QuadraticResidualBlock(long inChannels, long outChannels, long stride = 1, bool reZero = false,
        QuadraticNeuronKind kind = QuadraticNeuronKind.Full, QuadraticInit init = QuadraticInit.ReLinear, Generator? generator = null)
        : base(nameof(QuadraticResidualBlock))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(outChannels, inChannels);
        (_stride, _before) = (stride, (outChannels - inChannels) / 2);
        _after = outChannels - inChannels - _before;
        conv1 = new QuadraticConv2d(inChannels, outChannels, 3, stride, 1, kind, init, generator);
        bn1 = BatchNorm2d(outChannels);
        conv2 = new QuadraticConv2d(outChannels, outChannels, 3, 1, 1, kind, init, generator);
        bn2 = BatchNorm2d(outChannels);
        if (reZero) alpha1 = new Parameter(zeros(1));
        RegisterComponents();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input has another form.</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = bn2.call(conv2.call(bn1.call(conv1.call(x)).relu()));
        if (get_parameter(nameof(alpha1)) is { } alpha) y = y * alpha;
        return (Shortcut(x) + y).relu().MoveToOuterDisposeScope();
    }

    private Tensor Shortcut(Tensor x)
    {
        if (_stride > 1) x = x[TensorIndex.Colon, TensorIndex.Colon, TensorIndex.Slice(step: _stride), TensorIndex.Slice(step: _stride)];
        return _before + _after == 0 ? x : nn.functional.pad(x, [0, 0, 0, 0, _before, _after]);
    }
}
