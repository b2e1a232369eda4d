namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="MultiplicativeMlp"/> is made of.</summary>
public sealed record MultiplicativeMlpConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Width of the hidden layers.</summary>
    public long HiddenFeatures { get; init; } = 128;

    /// <summary>Hidden layers.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>Numbers out.</summary>
    public required long OutFeatures { get; init; }

    /// <summary>What is added to the products.</summary>
    public MultiplicativeSkip Skip { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(HiddenFeatures, nameof(HiddenFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Depth, nameof(Depth));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        if (!Enum.IsDefined(Skip)) throw new ArgumentOutOfRangeException(nameof(Skip), Skip, "is no kind of skip connection");
    }
}
