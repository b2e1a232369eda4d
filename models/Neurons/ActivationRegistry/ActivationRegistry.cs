using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// 420 activations of the years 1990 to 2023 by name, fixed and adaptive ones, as layers. Any parameter of any of them can be trained, one
/// number for all, one a channel or one a neuron.
/// </summary>
/// <remarks>
/// Source: Kunc and Kléma 2024. ReLU-like adaptive units multiply by their slope below 0 (PReLU: PyTorch's convention); LeakyReLU,
/// VeryLeakyReLU and RReLU divide by it, as the survey does. ELU-like units multiply by a. 1 is the step's value at 0.
/// </remarks>
/// <example><code>
/// var activation = ActivationRegistry.Create("PELU", numParameters: 64);      // a and b for each of 64 channels
/// </code></example>
[Paper("activations-400", "Three Decades of Activations: A Comprehensive Survey of 400 Activation Functions for Neural Networks",
    "2402.09092", 2024)]
public static class ActivationRegistry
{
    private const int Suggestions = 3;

    private static readonly Dictionary<string, ActivationSpec> ByName =
        ActivationTable.Rows.ToDictionary(s => s.Name, StringComparer.Ordinal);

    /// <summary>All names, in the survey's order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ActivationTable.Rows.Select(s => s.Name)];

    /// <summary>What is known of an activation.</summary>
    /// <param name="name">Its name, e.g. <c>SoftRootSign</c>.</param>
    /// <exception cref="KeyNotFoundException">There is none of that name; the message has the nearest ones.</exception>
    public static ActivationSpec Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ByName.TryGetValue(name, out var spec) ? spec : throw new KeyNotFoundException(
            $"There is no activation '{name}'; the nearest names are {string.Join(", ", Spelling.Nearest(name, Names, Suggestions))}");
    }

    /// <summary>An activation as a layer.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="parameters">Values by name at the start; those left out are the defaults.</param>
    /// <param name="numParameters">How many numbers each trained parameter and statistic has: 1, or one a channel.</param>
    /// <param name="channelDim">The input's axis with the channels; negative: from the end. Softmax-like activations work along it, pairs
    /// are put there. For inputs of fewer axes it is the last one.</param>
    /// <param name="trainable">True: a fixed activation's parameters are trained. False: an adaptive one's aren't, though they stay in the
    /// state dict. Null: as the table says.</param>
    /// <param name="featureShape">One number a neuron: the shape that inputs have from <paramref name="channelDim"/> on.</param>
    /// <param name="device">Where parameters are; null: torch's default.</param>
    /// <param name="dtype">Their type; null: torch's default.</param>
    /// <param name="generator">Source of the random numbers in training, on the inputs' device; null: torch's default.</param>
    /// <returns>A <see cref="ParametricActivation"/>, <see cref="StochasticActivation"/>, <see cref="VectorActivation"/>,
    /// <see cref="MultiOutputActivation"/> or <see cref="GatedActivation"/>.</returns>
    /// <exception cref="KeyNotFoundException">There is none of that name; the message has the nearest ones.</exception>
    /// <exception cref="ArgumentException">It has no such parameter, or what can't be trained should be.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A value breaks a constraint (<see cref="ActivationSpec.Constraints"/>), or a number of
    /// parameters isn't positive.</exception>
    public static Module<Tensor, Tensor> Create(string name, IDictionary<string, double>? parameters = null, long numParameters = 1,
        int channelDim = 1, bool? trainable = null, IReadOnlyList<long>? featureShape = null, Device? device = null,
        ScalarType? dtype = null, Generator? generator = null)
    {
        var spec = Get(name);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(numParameters);
        if (featureShape is not null && numParameters != 1)
            throw new ArgumentException("Expected a number of parameters or a shape of features, got both", nameof(featureShape));
        foreach (var size in featureShape ?? []) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size, nameof(featureShape));
        if (dtype is { } type && !empty(0, type).is_floating_point())
            throw new ArgumentException($"Expected a type of floating point, got {type}", nameof(dtype));
        var setup = new ActivationSetup(spec.Values(parameters), featureShape is null ? [numParameters] : [.. featureShape], channelDim,
            trainable, device, dtype, generator);
        return spec.Kind switch
        {
            ActivationKind.Gated => new GatedActivation(spec, setup),
            ActivationKind.Vector => new VectorActivation(spec, setup),
            ActivationKind.Multi => new MultiOutputActivation(spec, setup),
            _ => spec.IsStochastic ? new StochasticActivation(spec, setup) : new ParametricActivation(spec, setup),
        };
    }
}
