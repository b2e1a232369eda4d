using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// A residual network without normalisation layers, for large images: standardised filters, and spikes scaled so that those of a standard
/// normal potential have variance 1 (2.74 = 1/√(p (1 − p)), p = P(N(0, 1) ≥ 1)).
/// </summary>
[Model("sltt-nf-resnet")]
public sealed class SpikingNfResNet : SpikingNetwork, IConfigured
{
    internal const double SpikeScale = 2.74;
    private const int Stages = 4;
    private readonly ScaledWeightStandardizedConv2d conv1;
    private readonly Sequential[] _stages;
    private readonly SpikingNeuron sn1;
    private readonly Linear fc;

    /// <summary>A network with fresh weights. Its residual branches and its last layer's weights are 0: it begins with its biases.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public SpikingNfResNet(SpikingNfResNetConfig config)
        : base(nameof(SpikingNfResNet), config?.TimeSteps ?? throw new ArgumentNullException(nameof(config)))
    {
        Config = config;
        var (blocks, expansion) = config.Depth switch
        {
            34 => (new[] { 3, 4, 6, 3 }, 1),
            50 => ([3, 4, 6, 3], 4),
            101 => ([3, 4, 23, 3], 4),
            _ => throw new ArgumentException($"expected a depth of 34, 50 or 101, got {config.Depth}", nameof(config)),
        };
        conv1 = new ScaledWeightStandardizedConv2d(config.InChannels, 64, 7, 2);
        var (channels, variance) = (64L, 1.0);
        _stages = new Sequential[Stages];
        for (var s = 0; s < Stages; s++)
        {
            var parts = new List<Module<Tensor, Tensor>>();
            for (var i = 0; i < blocks[s]; i++)
            {
                var block = new Block(config, channels, 64L << s, expansion, s > 0 && i == 0 ? 2 : 1, Math.Sqrt(variance));
                // A projection begins anew, with what it normalised.
                variance = (block.Projects ? 1 : variance) + config.Alpha * config.Alpha;
                channels = (64L << s) * expansion;
                parts.Add(block);
            }
            register_module($"layer{s + 1}", _stages[s] = Sequential(parts));
        }
        sn1 = config.Neuron.Create();
        fc = Linear(channels, config.NumClasses);
        using (no_grad()) fc.weight!.zero_();
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public SpikingNfResNetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    public override Tensor Step(Tensor frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        using var scope = NewDisposeScope();
        var x = nn.functional.avg_pool2d(conv1.call(frame), 3, 2, 1);
        foreach (var stage in _stages) x = stage.call(x);
        x = nn.functional.adaptive_avg_pool2d(sn1.call(x) * SpikeScale, [1, 1]);
        return fc.call(x.flatten(1)).MoveToOuterDisposeScope();
    }

    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly ScaledWeightStandardizedConv2d[] _convolutions;
        private readonly SpikingNeuron[] _neurons;
        private readonly ScaledWeightStandardizedConv2d? downsample;
        private readonly Parameter skipinit_gain;
        private readonly double _alpha, _beta;

        public Block(SpikingNfResNetConfig config, long from, long width, int expansion, long stride, double beta) : base(nameof(Block))
        {
            var to = width * expansion;
            _convolutions = expansion == 1
                ? [new(from, width, 3, stride), new(width, to, 3)]
                : [new(from, width, 1), new(width, width, 3, stride), new(width, to, 1)];
            _neurons = [.. _convolutions.Select(_ => config.Neuron.Create())];
            for (var i = 0; i < _convolutions.Length; i++)
            {
                register_module($"conv{i + 1}", _convolutions[i]);
                register_module($"sn{i + 1}", _neurons[i]);
            }
            if (from != to || stride != 1) downsample = new(from, to, 1, stride);
            skipinit_gain = new Parameter(tensor(0f));
            (_alpha, _beta) = (config.Alpha, beta);
            RegisterComponents();
        }

        public bool Projects => downsample is not null;

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var spikes = _neurons[0].call(x / _beta) * SpikeScale;
            var identity = downsample?.call(spikes) ?? x;
            var inner = _convolutions[0].call(spikes);
            for (var i = 1; i < _convolutions.Length; i++) inner = _convolutions[i].call(_neurons[i].call(inner) * SpikeScale);
            return (identity + inner * (skipinit_gain * _alpha)).MoveToOuterDisposeScope();
        }
    }
}
