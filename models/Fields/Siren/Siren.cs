using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>
/// A field as a network with sine activations: Φ(x) = W_n φ_{n−1}(… φ_0(x)) + b_n, φ_i(x) = sin(ω₀ (W_i x + b_i)). Coordinates (…, d) →
/// values (…, c). All its derivatives are networks of the same kind.
/// </summary>
/// <remarks>State names: <c>net.net.0.0.weight</c>, <c>net.net.0.0.bias</c>, … as in the reference's <c>SingleBVPNet</c>. Source:
/// Sitzmann et al. 2020, equation (1), section 3.2.</remarks>
[Paper("siren", "Implicit Neural Representations with Periodic Activation Functions", "2006.09661", 2020)]
[Model("siren")]
public sealed class Siren : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "net")]
    private readonly FieldMlp _net;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A width or ω₀ isn't positive, or the number of hidden layers is negative.</exception>
    public Siren(SirenConfig config, Generator? generator = null) : base(nameof(Siren))
    {
        ArgumentNullException.ThrowIfNull(config);
        Config = config;
        _net = new FieldMlp(config.InFeatures, config.OutFeatures, config.NumHiddenLayers, config.HiddenFeatures, "sine",
            config.OutermostLinear, config.FirstOmega0, config.HiddenOmega0, generator);
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public SirenConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>Its layers, first to last.</summary>
    public IReadOnlyList<FieldLayer> Layers => _net.Layers;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of coordinates.</exception>
    public override Tensor forward(Tensor coords) => _net.forward(coords);

    /// <summary>The values, and what each layer computed. The caller disposes of all.</summary>
    /// <exception cref="ArgumentException">The last axis isn't the number of coordinates.</exception>
    public (Tensor Output, IReadOnlyList<LayerActivations> Layers) ForwardWithActivations(Tensor coords) => _net.ForwardWithActivations(coords);

    /// <summary>The field with other parameters than the network's own, such as a <see cref="SirenHyperNetwork"/> makes.</summary>
    /// <param name="coords">(…, d); (batch, points, d) or (1, points, d) if parameters have a batch axis.</param>
    /// <param name="parameters">A tensor for each name of the state dict, of the same shape, or with a batch axis in front.</param>
    /// <returns>(batch, points, c)</returns>
    /// <exception cref="ArgumentException">A name is missing or a shape doesn't fit.</exception>
    public Tensor ForwardWith(Tensor coords, IReadOnlyDictionary<string, Tensor> parameters) => _net.ForwardWith(coords, parameters, "net.");
}
