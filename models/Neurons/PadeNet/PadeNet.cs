using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A network of Padé neurons that enlarges images: a layer, blocks with a skip connection around all of them, a convolution to
/// scale² · channels, whose channels become pixels, and the input's bicubic enlargement added to it. (batch, channels, height, width) →
/// (batch, channels, scale · height, scale · width). Pixels are to be in about [0, 1]. State names: <c>head.*</c>, <c>body.{i}.*</c>
/// (<see cref="PadeResidualBlock"/>), <c>tail.weight</c>, <c>tail.bias</c>.
/// </summary>
/// <remarks>Source: Keleş and Tekalp 2024, section 3; the bicubic skip connection is ours.</remarks>
[Paper("paon", "PAON: A New Neuron Model using Padé Approximants", "2403.11791", 2024)]
[Model("paon")]
public sealed class PadeNet : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "head")]
    private readonly PadeConv2d _head;
    [ComponentName(Name = "body")]
    private readonly ModuleList<PadeResidualBlock> _body;
    [ComponentName(Name = "tail")]
    private readonly Conv2d _tail;

    /// <summary>A network with fresh weights: at first it gives about the bicubic enlargement.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public PadeNet(PadeNetConfig config, Generator? generator = null) : base(nameof(PadeNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        var (channels, kernel) = (config.Channels, config.KernelSize);
        _head = new PadeConv2d(config.InChannels, channels, kernel, config.NumeratorOrder, config.DenominatorOrder, config.Variant,
            learnShift: config.LearnShift, generator: generator);
        _body = new ModuleList<PadeResidualBlock>([.. Enumerable.Range(0, config.Blocks).Select(_ => new PadeResidualBlock(channels, kernel,
            config.NumeratorOrder, config.DenominatorOrder, config.Variant, config.LearnShift, generator))]);
        _tail = Conv2d(channels, config.InChannels * config.Scale * config.Scale, kernel, padding: kernel / 2);
        RegisterComponents();
        using var off = no_grad();
        _tail.weight.normal_(0, 0.1 / (kernel * Math.Sqrt(channels)), generator);
        _tail.bias!.zero_();
    }

    /// <summary>What the network is made of.</summary>
    public PadeNetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input isn't (batch, channels, height, width) of these channels.</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var first = _head.call(x);
        var h = first;
        foreach (var block in _body) h = block.call(h);
        var detail = functional.pixel_shuffle(_tail.call(_body.Count > 0 ? first + h : h), Config.Scale);
        return (detail + Enlarge(x, Config.Scale)).MoveToOuterDisposeScope();
    }

    /// <summary>Bicubic interpolation.</summary>
    /// <param name="image">(batch, channels, height, width)</param>
    /// <param name="scale">How many times as many rows and columns, positive.</param>
    /// <exception cref="ArgumentException">It isn't an image, or the scale isn't positive.</exception>
    public static Tensor Enlarge(Tensor image, int scale)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        if (image.dim() != 4)
            throw new ArgumentException($"Expected (batch, channels, height, width), got ({string.Join(", ", image.shape)})",
                nameof(image));
        return functional.interpolate(image, [scale * image.shape[2], scale * image.shape[3]], mode: InterpolationMode.Bicubic,
            align_corners: false);
    }
}
