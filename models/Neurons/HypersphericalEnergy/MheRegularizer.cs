using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The term that keeps the neurons of a network apart: the energies of all its linear layers and convolutions,
/// λ_h Σ_hidden E + λ_o E(output). Add it to the loss of the task.
/// </summary>
/// <remarks>Source: Liu et al. 2018, section 3.5; sum and default weights are those of the authors' code. For a GAN's convolutions
/// the paper has s = 0 and a weight of 10⁻⁶, or 10⁻⁷ with spectral normalisation.</remarks>
public sealed class MheRegularizer
{
    private readonly (string Name, Module Layer, Func<Tensor> Weight, bool IsTransposed, bool IsOutput)[] _layers;
    private readonly double _hiddenWeight, _outputWeight;
    private readonly EnergyPower _s;
    private readonly EnergySpace _hiddenSpace;
    private readonly EnergyMetric _metric;
    private readonly bool _referenceScaling;
    private readonly long? _sample;
    private readonly Generator? _generator;

    /// <summary>Collects a network's layers. Those with a single output are left out.</summary>
    /// <param name="model">The network.</param>
    /// <param name="hiddenWeight">λ_h.</param>
    /// <param name="outputWeight">λ_o.</param>
    /// <param name="s">How the energy falls with the distance.</param>
    /// <param name="hiddenSpace">Whether directions or lines repel each other in hidden layers; in the output layer directions
    /// do.</param>
    /// <param name="output">The output layer; null: the last one, if it is linear.</param>
    /// <param name="select">Which of the layers count, by name and module; null: all.</param>
    /// <param name="metric">What the distance is.</param>
    /// <param name="referenceScaling">As in the authors' code (<see cref="HypersphericalEnergy.Of"/>).</param>
    /// <param name="sample">Random rows of a layer in each call, where it has more; null: all.</param>
    /// <param name="generator">Source of random rows, on the CPU; null: torch's default.</param>
    /// <exception cref="ArgumentException">No layer is left, the output layer isn't among them, or an option is out of its
    /// range.</exception>
    public MheRegularizer(Module model, double hiddenWeight = 1, double outputWeight = 10, EnergyPower s = EnergyPower.Inverse,
        EnergySpace hiddenSpace = EnergySpace.Half, Module? output = null, Func<string, Module, bool>? select = null,
        EnergyMetric metric = EnergyMetric.Euclidean, bool referenceScaling = false, long? sample = null, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        HypersphericalEnergy.Check(s, hiddenSpace, metric, sample: sample);
        foreach (var (weight, name) in new[] { (hiddenWeight, nameof(hiddenWeight)), (outputWeight, nameof(outputWeight)) })
            if (!(weight >= 0) || !double.IsFinite(weight)) throw new ArgumentOutOfRangeException(name, weight, "must not be negative");
        var found = model.named_modules().Select(m => (m.name, m.module)).Prepend(("", model))
            .Select(m => (Name: m.Item1, Layer: m.Item2, Weight: WeightOf(m.Item2),
                IsTransposed: m.Item2 is ConvTranspose1d { } or ConvTranspose2d { } or ConvTranspose3d { }))
            .Where(l => l.Weight is not null && l.Weight().shape[l.IsTransposed ? 1 : 0] > 1 && select?.Invoke(l.Name, l.Layer) != false)
            .ToList();
        if (found.Count == 0)
            throw new ArgumentException("Expected a linear layer or a convolution of more than one output", nameof(model));
        output ??= found[^1].Layer as Linear;
        if (output is not null && found.All(l => l.Layer != output))
            throw new ArgumentException("Expected one of the selected layers", nameof(output));
        _layers = [.. found.Select(l => (l.Name, l.Layer, l.Weight!, l.IsTransposed, l.Layer == output))];
        (_hiddenWeight, _outputWeight, _s, _hiddenSpace, _metric, _referenceScaling, _sample, _generator) =
            (hiddenWeight, outputWeight, s, hiddenSpace, metric, referenceScaling, sample, generator);
    }

    /// <summary>The term of the weights as they are now: a differentiable scalar.</summary>
    public Tensor Loss()
    {
        using var scope = NewDisposeScope();
        return _layers.Select(l => Energy(l, _sample) * (l.IsOutput ? _outputWeight : _hiddenWeight)).Aggregate((a, b) => a + b)
            .MoveToOuterDisposeScope();
    }

    /// <summary>The energy of each layer as it is now, without its weight in the loss, by the layer's name.</summary>
    public IReadOnlyDictionary<string, double> Report()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        return _layers.ToDictionary(l => l.Name, l => Energy(l, null).to(ScalarType.Float64).item<double>());
    }

    private Tensor Energy((string, Module, Func<Tensor> Weight, bool IsTransposed, bool IsOutput) layer, long? sample) =>
        HypersphericalEnergy.Of(layer.Weight(), _s, layer.IsOutput ? EnergySpace.Full : _hiddenSpace, _metric,
            transposed: layer.IsTransposed, referenceScaling: _referenceScaling, sample: sample, generator: _generator);

    // Asked for at each call: a module that moves may get other parameters.
    private static Func<Tensor>? WeightOf(Module module) => module switch
    {
        Linear { } or Conv1d { } or Conv2d { } or Conv3d { } or ConvTranspose1d { } or ConvTranspose2d { } or ConvTranspose3d { } =>
            () => module.get_parameter("weight")!,
        _ => null,
    };
}
