using TorchSharp.Utils;
using TorchZoo.Kernels;
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
    public (Tensor Output, IReadOnlyList<LayerActivations> Layers) ForwardWithActivations(Tensor coords) =>
        _net.ForwardWithActivations(coords);

    /// <summary>The field with other parameters than the network's own, such as a <see cref="SirenHyperNetwork"/> makes.</summary>
    /// <param name="coords">(…, d); (batch, points, d) or (1, points, d) if parameters have a batch axis.</param>
    /// <param name="parameters">A tensor for each name of the state dict, of the same shape, or with a batch axis in front.</param>
    /// <returns>(batch, points, c)</returns>
    /// <exception cref="ArgumentException">A name is missing or a shape doesn't fit.</exception>
    public Tensor ForwardWith(Tensor coords, IReadOnlyDictionary<string, Tensor> parameters) =>
        _net.ForwardWith(coords, parameters, "net.");

    /// <summary>
    /// Values, gradients and second-order derivatives in one forward pass, which is faster than differentiating backward twice. The result
    /// can be differentiated by the parameters and the coordinates, any number of times; once is the fast way.
    /// </summary>
    /// <param name="coords">(…, d)</param>
    /// <param name="second">Which second-order derivatives; null: the Laplacian.</param>
    /// <returns>Value (…, c), gradient (…, c, d), second-order derivatives (…, c, m): one tensor's parts.</returns>
    /// <remarks>The chain rule for second derivatives, layer by layer: see <see cref="SineJet"/>.</remarks>
    /// <exception cref="ArgumentException">The last axis isn't the number of coordinates.</exception>
    public FieldJet Jet(Tensor coords, SecondOrder? second = null)
    {
        Require.LastAxis(coords, Config.InFeatures, nameof(coords));
        using var scope = NewDisposeScope();
        var d = (int)Config.InFeatures;
        double[] omegas = [.. Layers.Select(l => l is SineLayer sine ? sine.Omega0 : 0)];
        var jet = new SineMlpJet(d, omegas, (second ?? SecondOrder.Laplacian).Matrix(d));
        var points = coords.reshape(coords.numel() / Config.InFeatures, Config.InFeatures);
        var stacked = jet.Compute(points, [.. Layers.SelectMany(l => new[] { l.Weight, l.Bias! })]);
        var lead = coords.shape[..^1];
        return new FieldJet(
            stacked[0].reshape([.. lead, Config.OutFeatures]).MoveToOuterDisposeScope(),
            Part(1, Config.InFeatures),
            Part(1 + Config.InFeatures, stacked.shape[0] - 1 - Config.InFeatures));

        Tensor Part(long from, long count) =>
            stacked.narrow(0, from, count).permute(1, 2, 0).reshape([.. lead, Config.OutFeatures, count]).MoveToOuterDisposeScope();
    }
}
