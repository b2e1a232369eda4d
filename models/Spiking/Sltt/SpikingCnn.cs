using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>A small network: convolution, batch normalisation, neurons, average; that several times; a linear layer.</summary>
[Model("sltt-cnn")]
public sealed class SpikingCnn : SpikingNetwork, IConfigured
{
    private readonly Module<Tensor, Tensor>[] _layers;
    private readonly Module<Tensor, Tensor> linear;

    /// <summary>A network with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public SpikingCnn(SpikingCnnConfig config) : base(nameof(SpikingCnn), config?.TimeSteps ?? throw new ArgumentNullException(nameof(config)))
    {
        Config = config;
        if (config.Channels.Count == 0 || config.Channels.Count != config.Pool.Count)
            throw new ArgumentException($"expected as many averages as convolutions, at least one, got {config.Pool.Count} and "
                + $"{config.Channels.Count}", nameof(config));
        if (config.InSize.Count != 2) throw new ArgumentException($"expected rows and columns, got {config.InSize.Count} sizes", nameof(config));
        if (config.KernelSize % 2 != 1) throw new ArgumentException($"expected an odd size of kernels, got {config.KernelSize}", nameof(config));
        var layers = new List<Module<Tensor, Tensor>>();
        var (channels, height, width) = (config.InChannels, config.InSize[0], config.InSize[1]);
        for (var i = 0; i < config.Channels.Count; i++)
        {
            var (to, pool) = (config.Channels[i], config.Pool[i]);
            Add($"conv{i + 1}", Conv2d(channels, to, config.KernelSize, padding: config.KernelSize / 2));
            if (config.BatchNorm) Add($"bn{i + 1}", BatchNorm2d(to));
            Add($"lif{i + 1}", config.Neuron.Create());
            Add($"pool{i + 1}", AvgPool2d(pool, 2));
            (channels, height, width) = (to, (height - pool) / 2 + 1, (width - pool) / 2 + 1);
            if (height < 1 || width < 1)
                throw new ArgumentException($"frames of {config.InSize[0]}×{config.InSize[1]} are too small for {config.Channels.Count} averages",
                    nameof(config));
        }
        _layers = [.. layers];
        linear = Linear(channels * height * width, config.NumClasses);
        RegisterComponents();

        void Add(string name, Module<Tensor, Tensor> layer)
        {
            register_module(name, layer);
            layers.Add(layer);
        }
    }

    /// <summary>What the network is made of.</summary>
    public SpikingCnnConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    public override Tensor Step(Tensor frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        using var scope = NewDisposeScope();
        var x = frame;
        foreach (var layer in _layers) x = layer.call(x);
        return linear.call(x.flatten(1)).MoveToOuterDisposeScope();
    }
}
