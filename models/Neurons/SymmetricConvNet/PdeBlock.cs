using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A residual block whose nonlinearity is a product of two linear mixtures of channels, as in the quasi-linear system
/// ∂u/∂t = Σ_j A_j(u) ∂u/∂x_j: no channel is preferred. (batch, in, height, width) → (batch, out, height/stride, width/stride). State names
/// <c>conv1.conv.weight</c>, <c>conv1.bn.…</c>, <c>conv2.weight</c>, <c>bn2.…</c>, <c>conv3.…</c>, <c>skip.…</c>, <c>mix.…</c>.
/// </summary>
/// <remarks>With BN: [a, b] = conv1×1(u), q = BN(depthwise3×3(a ⊙ b)), out = conv1×1(q) + skip(u), within a ball where the skip
/// connection is a convolution. Source: Liu, Shao and Bai 2023.</remarks>
public sealed class PdeBlock : Module<Tensor, Tensor>
{
    private const long WideUpTo = 128;

    [ComponentName(Name = "conv1")]
    private readonly ConvBn _conv1;
    [ComponentName(Name = "conv2")]
    private readonly Conv2d _conv2;
    [ComponentName(Name = "mix")]
    private readonly Conv2d? _mix;
    [ComponentName(Name = "bn2")]
    private readonly BatchNorm2d _bn2;
    [ComponentName(Name = "conv3")]
    private readonly ConvBn _conv3;
    [ComponentName(Name = "skip")]
    private readonly ConvBn? _skip;
    private readonly BlockNonlinearity _nonlinearity;
    private readonly BallActivation _ball;

    /// <summary>A block with fresh weights, the framework's own.</summary>
    /// <param name="inC">Channels in.</param>
    /// <param name="outC">Channels out.</param>
    /// <param name="stride">Step of the depthwise convolution.</param>
    /// <param name="expansion">k: the product has k · in channels; null: 4 up to 128 channels, 2 beyond.</param>
    /// <param name="ball">What bounds the result where the skip connection is a convolution.</param>
    /// <param name="nonlinearity">Product, or ReLU to compare with.</param>
    /// <param name="variableCoefficients">Whether the depthwise convolution's result is multiplied by learned quadratic functions of the
    /// place.</param>
    /// <param name="zeroInitLast">Whether the last normalisation begins with 0, so that the block is its skip connection.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public PdeBlock(long inC, long outC, long stride = 1, int? expansion = null, BallActivation ball = BallActivation.Hard,
        BlockNonlinearity nonlinearity = BlockNonlinearity.Product, bool variableCoefficients = false, bool zeroInitLast = false)
        : this(inC, outC, stride, expansion, ball, nonlinearity, variableCoefficients, zeroInitLast, false, false)
    {
    }

    internal PdeBlock(long inC, long outC, long stride, int? expansion, BallActivation ball, BlockNonlinearity nonlinearity,
        bool variableCoefficients, bool zeroInitLast, bool isFused, bool hasLinearSkip) : base(nameof(PdeBlock))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inC);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outC);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stride);
        Check(expansion, ball, nonlinearity);
        var width = inC * (expansion ?? (inC <= WideUpTo ? 4 : 2));
        var isProduct = nonlinearity == BlockNonlinearity.Product;
        var changes = stride != 1 || inC != outC;
        (InChannels, OutChannels, _nonlinearity) = (inC, outC, nonlinearity);
        _ball = changes && isProduct ? ball : BallActivation.None;
        _conv1 = new ConvBn(inC, isProduct ? 2 * width : width, isFused: isFused);
        _conv2 = Conv2d(width, 2 * width, 3, stride, 1, groups: width, bias: false);
        _mix = variableCoefficients ? Conv2d(5, 2 * width, 1) : null;
        _bn2 = BatchNorm2d(2 * width);
        _conv3 = new ConvBn(2 * width, outC, isFused: isFused);
        _skip = changes || hasLinearSkip ? new ConvBn(inC, outC, 1, stride, isFused) : null;
        RegisterComponents();
        if (zeroInitLast && _conv3.Norm is { } last) init.zeros_(last.weight);
    }

    /// <summary>Channels in.</summary>
    public long InChannels { get; }

    /// <summary>Channels out.</summary>
    public long OutChannels { get; }

    /// <summary>Whether the skip connection is a convolution.</summary>
    public bool HasSkip => _skip is not null;

    internal bool HasBall => _ball != BallActivation.None;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">It isn't (batch, in, height, width).</exception>
    public override Tensor forward(Tensor u)
    {
        Check(u);
        using var scope = NewDisposeScope();
        var (isProduct, y) = (_nonlinearity == BlockNonlinearity.Product, _conv1.call(u));
        if (isProduct)
        {
            var halves = y.chunk(2, 1);
            y = halves[0] * halves[1];
        }
        else y = y.relu();
        y = _conv2.call(y);
        if (_mix is not null) y = y * _mix.call(Places(y));
        y = _bn2.call(y);
        var sum = _conv3.call(isProduct ? y : y.relu()) + Skip(u);
        return (_ball switch
        {
            BallActivation.Hard => HardBall.Forward(sum),
            BallActivation.Soft => SoftBall.Forward(sum),
            _ => isProduct ? sum : sum.relu(),
        }).MoveToOuterDisposeScope();
    }

    /// <summary>The skip connection by itself.</summary>
    /// <param name="u">(batch, in, height, width)</param>
    /// <exception cref="ArgumentException">It isn't that.</exception>
    public Tensor Skip(Tensor u)
    {
        Check(u);
        return _skip is null ? u.alias() : _skip.call(u);
    }

    internal static void Check(int? expansion, BallActivation ball, BlockNonlinearity nonlinearity)
    {
        if (expansion < 1) throw new ArgumentOutOfRangeException(nameof(expansion), expansion, "must be at least 1");
        if (!Enum.IsDefined(ball)) throw new ArgumentOutOfRangeException(nameof(ball), ball, "is no ball");
        if (!Enum.IsDefined(nonlinearity)) throw new ArgumentOutOfRangeException(nameof(nonlinearity), nonlinearity, "is no nonlinearity");
    }

    /// <summary>Takes another block's function, fused; a skip connection that is a convolution only here becomes the identity.</summary>
    internal void CopyFused(PdeBlock other)
    {
        using var off = no_grad();
        _conv1.CopyFused(other._conv1);
        _conv3.CopyFused(other._conv3);
        if (other._skip is not null) _skip!.CopyFused(other._skip);
        else _skip?.SetIdentity();
        _conv2.weight.copy_(other._conv2.weight);
        _mix?.load_state_dict(other._mix!.state_dict());
        _bn2.load_state_dict(other._bn2.state_dict());
    }

    internal void MixOutputs(Tensor q)
    {
        _conv3.MixOutputs(q);
        _skip?.MixOutputs(q);
    }

    internal void UnmixInputs(Tensor inverse)
    {
        _conv1.UnmixInputs(inverse);
        _skip?.UnmixInputs(inverse);
    }

    // x, y, x², xy, y² in [−1, 1]: (1, 5, height, width).
    private static Tensor Places(Tensor like)
    {
        var axes = meshgrid([Line(like.shape[2]), Line(like.shape[3])], "ij");
        return stack([axes[1], axes[0], axes[1].square(), axes[0] * axes[1], axes[0].square()]).unsqueeze(0);

        Tensor Line(long n) => linspace(-1, 1, n, like.dtype, like.device);
    }

    private void Check(Tensor u)
    {
        ArgumentNullException.ThrowIfNull(u);
        Kernels.Expect.Shape(u, nameof(u), -1, InChannels, -1, -1);
    }
}
