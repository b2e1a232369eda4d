namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="QuadraticResNet"/> is made of.</summary>
public sealed record QuadraticResNetConfig
{
    /// <summary>Layers with weights on the way through, 6n + 2: the paper has 20, 32, 44, 56 and 110.</summary>
    public int Depth { get; init; } = 20;

    /// <summary>Channels of the images.</summary>
    public long InChannels { get; init; } = 3;

    /// <summary>Numbers out.</summary>
    public long NumClasses { get; init; } = 10;

    /// <summary>What the neurons compute.</summary>
    public QuadraticNeuronKind Kind { get; init; }

    /// <summary>How the layers begin.</summary>
    public QuadraticInit Init { get; init; }

    /// <summary>Whether a block adds α F(x), with a learned α that begins as 0, in place of F(x).</summary>
    public bool ReZero { get; init; }

    internal void Validate()
    {
        if (Depth < 8 || Depth % 6 != 2) throw new ArgumentOutOfRangeException(nameof(Depth), Depth, "must be 6n + 2 with n ≥ 1");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InChannels, nameof(InChannels));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(NumClasses, nameof(NumClasses));
        if (!Enum.IsDefined(Kind)) throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "is no kind of neuron");
        if (!Enum.IsDefined(Init)) throw new ArgumentOutOfRangeException(nameof(Init), Init, "is no way to begin");
    }
}
