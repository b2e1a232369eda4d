using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>VGG with spiking neurons in place of ReLU and averages in place of maxima, for frames of events.</summary>
[Model("sltt-vgg")]
public sealed class SpikingVgg : SpikingNetwork, IConfigured
{
    private readonly Sequential[] _stages;
    private readonly Sequential classifier;

    /// <summary>A network with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public SpikingVgg(SpikingVggConfig config) : base(nameof(SpikingVgg), config?.TimeSteps ?? throw new ArgumentNullException(nameof(config)))
    {
        Config = config;
        // Convolutions of each stage.
        int[] convolutions = config.Depth switch
        {
            11 => [1, 1, 2, 2, 2],
            13 => [2, 2, 2, 2, 2],
            16 => [2, 2, 3, 3, 3],
            19 => [2, 2, 4, 4, 4],
            _ => throw new ArgumentException($"expected a depth of 11, 13, 16 or 19, got {config.Depth}", nameof(config)),
        };
        var channels = config.InChannels;
        _stages = new Sequential[convolutions.Length];
        for (var s = 0; s < convolutions.Length; s++)
        {
            var to = Math.Min(64L << s, 512);
            var parts = new List<Module<Tensor, Tensor>>();
            for (var i = 0; i < convolutions[s]; i++, channels = to)
            {
                parts.Add(SpikingLayers.Convolution(channels, to, 3));
                parts.Add(BatchNorm2d(to));
                parts.Add(config.Neuron.Create());
                parts.Add(new TemporalDropout(config.Dropout));
            }
            parts.Add(AvgPool2d(2));
            register_module($"layer{s + 1}", _stages[s] = Sequential(parts));
        }
        var linear = Linear(channels * 7 * 7, config.NumClasses);
        using (no_grad())
        {
            linear.weight!.normal_(0, 0.01);
            linear.bias!.zero_();
        }
        classifier = Sequential(Flatten(), linear);
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public SpikingVggConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    public override Tensor Step(Tensor frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        using var scope = NewDisposeScope();
        var x = frame;
        foreach (var stage in _stages) x = stage.call(x);
        return classifier.call(nn.functional.adaptive_avg_pool2d(x, [7, 7])).MoveToOuterDisposeScope();
    }
}
