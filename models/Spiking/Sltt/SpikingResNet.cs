using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// A residual network whose blocks begin with normalisation and neurons, for images of 32×32. The first convolution sees the image itself
/// in every time step.
/// </summary>
[Model("sltt-resnet")]
public sealed class SpikingResNet : SpikingNetwork, IConfigured
{
    private const int Stages = 4;
    private readonly Conv2d conv1;
    private readonly Sequential[] _stages;
    private readonly BatchNorm2d bn1;
    private readonly SpikingNeuron sn1;
    private readonly TemporalDropout drop;
    private readonly Linear linear;

    /// <summary>A network with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public SpikingResNet(SpikingResNetConfig config)
        : base(nameof(SpikingResNet), config?.TimeSteps ?? throw new ArgumentNullException(nameof(config)))
    {
        Config = config;
        int[] blocks = config.Depth switch
        {
            18 => [2, 2, 2, 2],
            34 => [3, 4, 6, 3],
            _ => throw new ArgumentException($"expected a depth of 18 or 34, got {config.Depth}", nameof(config)),
        };
        conv1 = SpikingLayers.Convolution(config.InChannels, 64, 3, bias: false);
        var channels = 64L;
        _stages = new Sequential[Stages];
        for (var s = 0; s < Stages; s++)
        {
            var to = 64L << s;
            var parts = new List<Module<Tensor, Tensor>>();
            for (var i = 0; i < blocks[s]; i++, channels = to) parts.Add(new Block(config, channels, to, s > 0 && i == 0 ? 2 : 1));
            register_module($"layer{s + 1}", _stages[s] = Sequential(parts));
        }
        bn1 = BatchNorm2d(channels);
        sn1 = config.Neuron.Create();
        drop = new TemporalDropout(config.Dropout);
        linear = Linear(channels, config.NumClasses);
        using (no_grad()) linear.bias!.zero_();
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public SpikingResNetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    public override Tensor Step(Tensor frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        using var scope = NewDisposeScope();
        var x = conv1.call(frame);
        foreach (var stage in _stages) x = stage.call(x);
        x = nn.functional.avg_pool2d(sn1.call(bn1.call(x)), 4);
        return linear.call(drop.call(x.flatten(1))).MoveToOuterDisposeScope();
    }

    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly BatchNorm2d bn1, bn2;
        private readonly SpikingNeuron sn1, sn2;
        private readonly TemporalDropout drop;
        private readonly Conv2d conv1, conv2;
        private readonly Conv2d? shortcut;

        public Block(SpikingResNetConfig config, long from, long to, long stride) : base(nameof(Block))
        {
            bn1 = BatchNorm2d(from);
            sn1 = config.Neuron.Create();
            conv1 = SpikingLayers.Convolution(from, to, 3, stride, zeroBias: false);
            bn2 = BatchNorm2d(to);
            sn2 = config.Neuron.Create();
            drop = new TemporalDropout(config.Dropout);
            conv2 = SpikingLayers.Convolution(to, to, 3, zeroBias: false);
            if (from != to || stride != 1) shortcut = SpikingLayers.Convolution(from, to, 1, stride, zeroBias: false);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var a = sn1.call(bn1.call(x));
            var inner = conv2.call(drop.call(sn2.call(bn2.call(conv1.call(a)))));
            // Where the shape stays it is the spikes that are added, not x.
            return (inner + (shortcut?.call(a) ?? a)).MoveToOuterDisposeScope();
        }
    }
}
