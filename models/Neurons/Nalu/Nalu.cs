using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A network of arithmetic units, one after the other with nothing between. (…, in) → (…, out), and with members (members, …, in) →
/// (members, …,
/// out). State names <c>model.{i}.…</c>.
/// </summary>
/// <remarks>Source: Trask et al. 2018, section 3.</remarks>
[Paper("nalu", "Neural Arithmetic Logic Units", "1808.00508", 2018)]
[Model("nalu")]
public sealed class Nalu : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "model")]
    private readonly Sequential _model;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public Nalu(NaluConfig config, Generator? generator = null) : base(nameof(Nalu))
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.Units is not { Count: > 0 }) throw new ArgumentException("Expected a layer at least", nameof(config.Units));
        Config = config;
        var last = config.Units.Count - 1;
        _model = Sequential(config.Units.Select((unit, i) =>
            Layer(unit, i == 0 ? config.InFeatures : config.HiddenFeatures, i == last ? config.OutFeatures : config.HiddenFeatures)));
        RegisterComponents();

        Module<Tensor, Tensor> Layer(NaluUnit unit, long from, long to) => unit switch
        {
            NaluUnit.Nac => new NeuralAccumulator(from, to, config.Init, config.Members, generator),
            NaluUnit.NacMul => new MultiplicativeNeuralAccumulator(
                from, to, config.Eps, config.Mul, config.Init, config.LogClamp, config.Members, generator),
            NaluUnit.Nalu => new NeuralArithmeticLogicUnit(from, to, config.Eps, config.TwoNac, config.TwoGate, config.GateBias, config.Mul,
                config.Init, config.LogClamp, config.Members, generator),
            _ => throw new ArgumentOutOfRangeException(nameof(config.Units), unit, "is no unit"),
        };
    }

    /// <summary>What the network is made of.</summary>
    public NaluConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The layers, first to last.</summary>
    public IEnumerable<Module<Tensor, Tensor>> Layers => _model.children().Cast<Module<Tensor, Tensor>>();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights, or the type.</exception>
    public override Tensor forward(Tensor x) => _model.call(x);
}
