using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A network whose neurons are generalised means: of positive numbers, without activations. (…, in) → (…, out). State names
/// <c>layers.{i}.v</c>, <c>layers.{i}.exponent</c> (and <c>exponent_d</c>), with a readout <c>output.weight</c>, <c>output.bias</c>.
/// </summary>
/// <remarks>Source: Frick 2020. A mean of ones is one: for logic give each input's complement, too (<see cref="LogicInputs"/>).</remarks>
[Paper("multiplet-networks", "An Informal Introduction to Multiplet Neural Networks", "2006.01606", 2020)]
[Model("multiplet-networks")]
public sealed class MultipletNetwork : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<MultipletLayer> _layers;
    [ComponentName(Name = "output")]
    private readonly Linear? _output;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public MultipletNetwork(MultipletNetworkConfig config, Generator? generator = null) : base(nameof(MultipletNetwork))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        long Width(int layer) => layer < 0 ? config.InFeatures : config.Layers[layer].Groups * config.Layers[layer].Exponents.Count;
        _layers = new ModuleList<MultipletLayer>([.. config.Layers.Select((l, i) => Layer(l, Width(i - 1)))]);
        if (config.Readout != MultipletReadout.None)
        {
            var width = Width(config.Layers.Count - 1);
            _output = Linear(width, config.OutFeatures);
            using var off = no_grad();
            _output.weight.uniform_(-1 / Math.Sqrt(width), 1 / Math.Sqrt(width), generator);
            _output.bias!.zero_();
        }
        RegisterComponents();

        MultipletLayer Layer(MultipletConfig l, long inputs) => l.ExponentsD is { } d
            ? new GiniMultiplet(inputs, l.Groups, l.Exponents, d, config.TrainExponents, config.Weight, config.Eps, l.AsRatio,
                config.Strict, config.InitScale, generator)
            : new LehmerMultiplet(inputs, l.Groups, l.Exponents, config.TrainExponents, config.Weight, config.Eps, config.Strict,
                config.InitScale, generator);
    }

    /// <summary>What the network is made of.</summary>
    public MultipletNetworkConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The multiplets, first to last.</summary>
    public IReadOnlyList<MultipletLayer> Layers => [.. _layers];

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs, the type doesn't fit, or a strict network got a
    /// number that isn't positive.</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in _layers) x = layer.call(x).flatten(-2);
        if (_output is null) return x.MoveToOuterDisposeScope();
        return _output.call(Config.Readout == MultipletReadout.LogLinear ? x.clamp_min(Config.Eps).log() : x).MoveToOuterDisposeScope();
    }

    /// <summary>Truth values for means: each input and its complement 1 − x, kept away from 0 and 1.</summary>
    /// <param name="x">(…, n) in [0, 1].</param>
    /// <param name="margin">Distance kept, in (0, ½).</param>
    /// <returns>(…, 2n)</returns>
    /// <exception cref="ArgumentException">The margin is out of its range, or x a scalar.</exception>
    public static Tensor LogicInputs(Tensor x, double margin = 0.05)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (margin is not (> 0 and < 0.5)) throw new ArgumentOutOfRangeException(nameof(margin), margin, "must be in (0, ½)");
        if (x.dim() == 0) throw new ArgumentException("Expected (…, n), got a scalar", nameof(x));
        using var scope = NewDisposeScope();
        return cat([x, 1 - x], -1).clamp(margin, 1 - margin).MoveToOuterDisposeScope();
    }

    /// <summary>The numbers 1, x, x², … of which a quotient of sums (<see cref="GiniMean.Ratio"/>) makes a truncated power
    /// series.</summary>
    /// <param name="x">(…), positive.</param>
    /// <param name="degree">The highest power, ≥ 0.</param>
    /// <returns>(…, degree + 1)</returns>
    /// <exception cref="ArgumentException">The degree is negative.</exception>
    public static Tensor PowerInputs(Tensor x, int degree)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentOutOfRangeException.ThrowIfNegative(degree);
        using var scope = NewDisposeScope();
        return x.unsqueeze(-1).pow(arange(degree + 1, x.dtype, x.device)).MoveToOuterDisposeScope();
    }
}
