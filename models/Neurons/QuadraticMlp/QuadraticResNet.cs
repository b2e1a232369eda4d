using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A residual network for small images whose blocks have quadratic convolutions: an ordinary 3×3 convolution to 16 channels, three stages
/// of 16, 32 and 64 channels, the mean over the image, a linear layer. (batch, channels, height, width) → (batch, classes). State names:
/// <c>conv1.weight</c>, <c>bn1.*</c>, <c>layer{1..3}.{i}.*</c> (<see cref="QuadraticResidualBlock"/>), <c>linear.*</c>.
/// </summary>
/// <remarks>Source: Fan et al. 2021, experiments on CIFAR-10.</remarks>
[Model("quadratic-networks-resnet")]
public sealed class QuadraticResNet : Module<Tensor, Tensor>, IConfigured
{
    private const long Width = 16;
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential layer1, layer2, layer3;
    private readonly Linear linear;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public QuadraticResNet(QuadraticResNetConfig config, Generator? generator = null) : base(nameof(QuadraticResNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        conv1 = Conv2d(config.InChannels, Width, 3, padding: 1, bias: false);
        bn1 = BatchNorm2d(Width);
        layer1 = Stage(Width, Width, 1);
        layer2 = Stage(Width, 2 * Width, 2);
        layer3 = Stage(2 * Width, 4 * Width, 2);
        linear = Linear(4 * Width, config.NumClasses);
        RegisterComponents();
        using var off = no_grad();
        conv1.weight.normal_(0, Math.Sqrt(2.0 / (9 * config.InChannels)), generator);
        linear.weight.normal_(0, Math.Sqrt(2.0 / (4 * Width)), generator);
        linear.bias!.zero_();

        Sequential Stage(long from, long to, long stride) => Sequential([.. Enumerable.Range(0, (config.Depth - 2) / 6).Select(i =>
            new QuadraticResidualBlock(i == 0 ? from : to, to, i == 0 ? stride : 1, config.ReZero, config.Kind, config.Init, generator))]);
    }

    /// <summary>What the network is made of.</summary>
    public QuadraticResNetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input isn't (batch, channels, height, width) of these channels.</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 4 || x.shape[1] != Config.InChannels)
            throw new ArgumentException($"Expected (batch, {Config.InChannels}, height, width), got ({string.Join(", ", x.shape)})",
                nameof(x));
        using var scope = NewDisposeScope();
        var h = bn1.call(conv1.call(x)).relu();
        return linear.call(layer3.call(layer2.call(layer1.call(h))).mean([2, 3])).MoveToOuterDisposeScope();
    }
}
