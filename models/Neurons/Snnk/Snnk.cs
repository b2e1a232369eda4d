using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A network of scalable neural network kernels: layers Ψ Φ(x), of fixed random features Φ and trained Ψ, whose cost is that of the number
/// of features and not of the inputs' width. (…, in) → (…, out). State names <c>layers.{i}.weights</c>, buffers
/// <c>layers.{i}.projection</c>, <c>output.weight</c> and <c>output.bias</c>.
/// </summary>
/// <remarks>Source: Sehanobish, Choromanski et al. 2023.</remarks>
[Paper("snnk", "Scalable Neural Network Kernels", "2310.13225", 2023)]
[Model("snnk")]
public sealed class Snnk : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<RandomFeatures> _layers;
    [ComponentName(Name = "output")]
    private readonly Linear? _output;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the layers' weights and projections; null: torch's default, as for a linear layer behind
    /// them.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public Snnk(SnnkConfig config, Generator? generator = null) : base(nameof(Snnk))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        long[] widths = [config.InFeatures, .. config.HiddenFeatures, config.OutFeatures];
        _layers = new ModuleList<RandomFeatures>([.. config.Features.Select((m, i) =>
            SnnkLayers.Layer(config.Kind, widths[i], widths[i + 1], m, config.Options, generator))]);
        if (config.HiddenFeatures.Count == config.Features.Count) _output = Linear(widths[^2], config.OutFeatures);
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public SnnkConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        foreach (var layer in _layers) x = layer.call(x);
        return (_output is null ? x : _output.call(x)).MoveToOuterDisposeScope();
    }
}
