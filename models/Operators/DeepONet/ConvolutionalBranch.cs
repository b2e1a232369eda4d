using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// A branch net for input functions on a plane grid: strided convolutions without padding, then linear layers, an activation after all but
/// the last. (batch, channels, height, width), or the same flattened, → (batch, features).
/// </summary>
[Model("deeponet-convolutional-branch")]
public sealed class ConvolutionalBranch : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "convolutions")]
    private readonly ModuleList<Conv2d> _convolutions = [];
    [ComponentName(Name = "head")]
    private readonly FullyConnectedNet _head;
    private readonly Func<Tensor, Tensor> _activation;

    /// <summary>A network with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid, or the convolutions leave nothing of the input.</exception>
    public ConvolutionalBranch(ConvolutionalBranchConfig config) : base(nameof(ConvolutionalBranch))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _activation = Activations.Named(config.Activation, nameof(config.Activation));
        var channels = config.InputShape[0];
        foreach (var next in config.Channels)
        {
            var convolution = Conv2d(channels, next, config.KernelSize, config.Stride);
            using (var matrix = convolution.weight.detach().flatten(1))
                Initializers.Apply(
                    config.KernelInitializer, matrix, channels * config.KernelSize * config.KernelSize, next * config.KernelSize * config.KernelSize);
            init.zeros_(convolution.bias);
            _convolutions.Add(convolution);
            channels = next;
        }
        _head = new FullyConnectedNet(new()
        {
            LayerSizes = [config.Flattened, .. config.LayerSizes],
            Activation = config.Activation,
            KernelInitializer = config.KernelInitializer,
        });
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public ConvolutionalBranchConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Another shape than the configuration's.</exception>
    public override Tensor forward(Tensor input)
    {
        long[] shape = [.. Config.InputShape];
        if (input.dim() is not (2 or 4) || input.numel() != input.shape[0] * shape.Aggregate((a, b) => a * b)
            || (input.dim() == 4 && !input.shape[1..].SequenceEqual(shape)))
            throw new ArgumentException(
                $"Branch: expected (batch, {string.Join(", ", shape)}) or the same flattened, got ({string.Join(", ", input.shape)})", nameof(input));
        using var scope = NewDisposeScope();
        var x = input.reshape([input.shape[0], .. shape]);
        foreach (var convolution in _convolutions) x = _activation(convolution.forward(x));
        return _head.forward(x.flatten(1)).MoveToOuterDisposeScope();
    }
}
