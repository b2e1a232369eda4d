namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="QuadraticMlp"/> is made of.</summary>
public sealed record QuadraticMlpConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Width of the hidden layers.</summary>
    public long HiddenFeatures { get; init; } = 48;

    /// <summary>Hidden layers, quadratic ones.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>Numbers out.</summary>
    public required long OutFeatures { get; init; }

    /// <summary>What the neurons compute.</summary>
    public QuadraticNeuronKind Kind { get; init; }

    /// <summary>How the layers begin.</summary>
    public QuadraticInit Init { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(HiddenFeatures, nameof(HiddenFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Depth, nameof(Depth));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        if (!Enum.IsDefined(Kind)) throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "is no kind of neuron");
        if (!Enum.IsDefined(Init)) throw new ArgumentOutOfRangeException(nameof(Init), Init, "is no way to begin");
    }
}
