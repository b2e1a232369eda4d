using System.Globalization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A network of addition and multiplication units, by default NAU → NMU: products of sums, whose formula can be read from the weights.
/// (…, in) →
/// (…, out), and with members (members, …, in) → (members, …, out). State names <c>layer_1.W</c>, <c>layer_2.W</c>, ….
/// </summary>
/// <remarks>Source: Madsen and Johansen 2020. Train it with <see cref="ArithmeticTraining"/>.</remarks>
[Paper("nau-nmu", "Neural Arithmetic Units", "2001.05016", 2020)]
[Model("nau-nmu")]
public sealed class NauNmu : Module<Tensor, Tensor>, IConfigured
{
    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public NauNmu(NauNmuConfig config, Generator? generator = null) : base(nameof(NauNmu))
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.Units is not { Count: > 0 }) throw new ArgumentException("Expected a layer at least", nameof(config.Units));
        Config = config;
        var last = config.Units.Count - 1;
        Layers =
        [
            .. config.Units.Select((unit, i) =>
                Layer(unit, i == 0 ? config.InFeatures : config.HiddenFeatures, i == last ? config.OutFeatures : config.HiddenFeatures)),
        ];
        foreach (var (i, layer) in Layers.Index()) register_module(string.Create(CultureInfo.InvariantCulture, $"layer_{i + 1}"), layer);

        BoundedLayer Layer(NauNmuUnit unit, long from, long to) => unit switch
        {
            NauNmuUnit.Nau => new NeuralAdditionUnit(from, to, config.OutOfBounds, config.Members, generator),
            NauNmuUnit.Nmu => new NeuralMultiplicationUnit(
                from, to, config.OutOfBounds, config.Epsilon, config.Normalized, config.Members, generator),
            _ => throw new ArgumentOutOfRangeException(nameof(config.Units), unit, "is no unit"),
        };
    }

    /// <summary>What the network is made of.</summary>
    public NauNmuConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The layers, first to last.</summary>
    public IReadOnlyList<BoundedLayer> Layers { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights, or the type.</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Layers.Aggregate(x, (h, layer) => layer.call(h)).MoveToOuterDisposeScope();
    }

    /// <summary>What the network has learned, of inputs x0, x1, …: <c>(x0+x1)*(x2-x3)</c>; of several outputs, separated by
    /// semicolons.</summary>
    /// <inheritdoc cref="BoundedLayer.Formula(double, long)"/>
    public string Formula(double tolerance = 1e-3, long member = 0)
    {
        string[] names = [.. Enumerable.Range(0, (int)Config.InFeatures).Select(i => $"x{i}")];
        return string.Join("; ", Layers.Aggregate(names, (n, layer) => layer.Formulas(n, tolerance, member)));
    }

    /// <summary>The largest distance of a weight from a whole number, of each member.</summary>
    public IReadOnlyList<double> SparsityErrors() =>
        [.. Layers.Select(l => l.SparsityErrors()).Aggregate((a, b) => [.. a.Zip(b, Math.Max)])];
}
