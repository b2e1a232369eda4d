using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>The dense network inside the field models: a first layer, hidden layers, a last layer. (…, in) → (…, out).</summary>
/// <remarks>State names: <c>net.0.0.weight</c>, <c>net.0.0.bias</c>, … as in the reference's <c>FCBlock</c>.</remarks>
public sealed class FieldMlp : Module<Tensor, Tensor>
{
    [ComponentName(Name = "net")]
    private readonly ModuleList<FieldLayer> _layers = [];

    /// <summary>A network with fresh weights.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="hiddenLayers">Layers hidden → hidden, ≥ 0; one more layer comes before them and one after.</param>
    /// <param name="hiddenFeatures">Width.</param>
    /// <param name="activation">One of <see cref="Activations"/>.</param>
    /// <param name="outermostLinear">The last layer has no activation.</param>
    /// <param name="firstOmega0">ω₀ of the first sine layer.</param>
    /// <param name="hiddenOmega0">ω₀ of the others.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A number is out of range, or the activation isn't known.</exception>
    public FieldMlp(
        long inFeatures, long outFeatures, int hiddenLayers, long hiddenFeatures, string activation = "relu", bool outermostLinear = true,
        double firstOmega0 = 30, double hiddenOmega0 = 30, Generator? generator = null) : base(nameof(FieldMlp))
    {
        Require.Positive(inFeatures, nameof(inFeatures));
        Require.Positive(outFeatures, nameof(outFeatures));
        Require.NotNegative(hiddenLayers, nameof(hiddenLayers));
        Require.Positive(hiddenFeatures, nameof(hiddenFeatures));
        Require.OneOf(activation, ActivationNames, nameof(activation));
        Require.Positive(firstOmega0, nameof(firstOmega0));
        Require.Positive(hiddenOmega0, nameof(hiddenOmega0));
        OutermostLinear = outermostLinear;
        _layers.Add(Layer(inFeatures, hiddenFeatures, isFirst: true));
        for (var i = 0; i < hiddenLayers; i++) _layers.Add(Layer(hiddenFeatures, hiddenFeatures));
        _layers.Add(outermostLinear ? LastLinear() : Layer(hiddenFeatures, outFeatures));
        Layers = [.. _layers];
        RegisterComponents();

        FieldLayer Layer(long from, long to, bool isFirst = false)
        {
            if (activation == "sine") return new SineLayer(from, to, isFirst, isFirst ? firstOmega0 : hiddenOmega0, generator: generator);
            var layer = new ActivationLayer(from, to, activation);
            FieldInitialization.ForActivation(layer, activation, generator);
            return layer;
        }

        FieldLayer LastLinear()
        {
            var layer = new ActivationLayer(hiddenFeatures, outFeatures, "identity");
            FieldInitialization.ForActivation(layer, activation, generator);
            if (activation == "sine")
                FieldInitialization.Uniform(layer.Weight, FieldInitialization.SineBound(hiddenFeatures, hiddenOmega0), generator);
            return layer;
        }
    }

    /// <summary>The activations there are.</summary>
    public static IReadOnlyList<string> ActivationNames { get; } = ["sine", "relu", "sigmoid", "tanh", "selu", "softplus", "elu"];

    /// <summary>The layers, first to last.</summary>
    public IReadOnlyList<FieldLayer> Layers { get; }

    /// <summary>The last layer has no activation.</summary>
    public bool OutermostLinear { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor x)
    {
        Require.LastAxis(x, _layers[0].InFeatures, nameof(x));
        using var scope = NewDisposeScope();
        return _layers.Aggregate(x, (h, layer) => layer.forward(h)).MoveToOuterDisposeScope();
    }

    /// <summary>The network with other parameters than its own.</summary>
    /// <param name="x">(…, in), or (batch, points, in) if parameters have a batch axis.</param>
    /// <param name="parameters">One tensor for each name of the state dict, of the same shape or with a batch axis in front.</param>
    /// <param name="prefix">What comes before this module's names in the keys of <paramref name="parameters"/>.</param>
    /// <exception cref="ArgumentException">A name is missing or a shape doesn't fit.</exception>
    public Tensor ForwardWith(Tensor x, IReadOnlyDictionary<string, Tensor> parameters, string prefix = "")
    {
        Require.LastAxis(x, _layers[0].InFeatures, nameof(x));
        using var scope = NewDisposeScope();
        return _layers.Select((layer, i) => (layer, i)).Aggregate(x, (h, l) =>
            l.layer.ForwardWith(h, Of(l.i, "weight"), l.layer.Bias is null ? null : Of(l.i, "bias"))).MoveToOuterDisposeScope();

        Tensor Of(int layer, string name) => parameters.TryGetValue($"{prefix}net.{layer}.0.{name}", out var tensor)
            ? tensor
            : throw new ArgumentException($"Expected a tensor named {prefix}net.{layer}.0.{name}", nameof(parameters));
    }

    /// <summary>Output and what the layers computed on the way.</summary>
    internal (Tensor Output, IReadOnlyList<LayerActivations> Layers) ForwardWithActivations(Tensor x)
    {
        Require.LastAxis(x, _layers[0].InFeatures, nameof(x));
        var activations = new List<LayerActivations>();
        foreach (var layer in _layers)
        {
            var before = layer.PreActivation(x);
            x = layer.Activate(before);
            activations.Add(new LayerActivations(before, x));
        }
        return (x, activations);
    }
}
