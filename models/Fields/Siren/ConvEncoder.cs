using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>
/// An image as one latent vector: convolutions, residual blocks, and for each channel a learned sum over the pixels. Pixels that aren't
/// known are 0. (batch, channels, size, size) → (batch, features).
/// </summary>
/// <remarks>State names <c>conv_theta</c>, <c>cnn.0</c>, <c>cnn.2.convs.0</c>, …, <c>fc</c> of the reference's <c>ConvImgEncoder</c>,
/// which has these sizes: 128 and 256 channels, four blocks, 32×32 pixels. Source: Sitzmann et al. 2020, supplement 7.</remarks>
public sealed class ConvEncoder : Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv_theta")]
    private readonly Conv2d _first;
    [ComponentName(Name = "cnn")]
    private readonly Sequential _net;
    [ComponentName(Name = "fc")]
    private readonly Linear _sum;

    /// <summary>An encoder with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public ConvEncoder(ConvEncoderConfig config) : base(nameof(ConvEncoder))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _first = Conv2d(config.Channel, config.FirstFeatures, 3, padding: 1);
        var layers = new List<Module<Tensor, Tensor>> { Conv2d(config.FirstFeatures, config.Features, 3, padding: 1), ReLU() };
        for (var i = 0; i < config.Blocks; i++) layers.Add(new Block(config.Features));
        layers.Add(Conv2d(config.Features, config.Features, 1));
        _net = Sequential(layers);
        _sum = Linear(config.ImageResolution * config.ImageResolution, 1);
        RegisterComponents();
    }

    /// <summary>What the encoder is made of.</summary>
    public ConvEncoderConfig Config { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The image has other sizes than the configuration says.</exception>
    public override Tensor forward(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.dim() != 4 || !image.shape.AsSpan(1).SequenceEqual([Config.Channel, Config.ImageResolution, Config.ImageResolution]))
            throw new ArgumentException($"Expected (batch, {Config.Channel}, {Config.ImageResolution}, {Config.ImageResolution}), "
                + $"got ({Require.Text(image)})", nameof(image));
        using var scope = NewDisposeScope();
        var features = _net.forward(_first.forward(image).relu()).relu();
        return _sum.forward(features.flatten(2)).squeeze(-1).MoveToOuterDisposeScope();
    }

    private sealed class Block : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "convs")]
        private readonly Sequential _convs;

        public Block(long channels) : base(nameof(Block))
        {
            _convs = Sequential(Conv2d(channels, channels, 5, padding: 2), ReLU(), Conv2d(channels, channels, 5, padding: 2), ReLU());
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return (_convs.forward(x) + x).relu().MoveToOuterDisposeScope();
        }
    }
}
