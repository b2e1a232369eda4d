namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="Snnk"/> network is made of.</summary>
public sealed record SnnkConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Numbers between layers. One less than there are <see cref="Features"/>: the last layer gives the outputs, the linear layer
    /// behind it being bundled with it; as many: a linear layer follows.</summary>
    public IReadOnlyList<long> HiddenFeatures { get; init; } = [];

    /// <summary>Numbers out.</summary>
    public required long OutFeatures { get; init; }

    /// <summary>m of each layer.</summary>
    public IReadOnlyList<long> Features { get; init; } = [256];

    /// <summary>The layers' kernel.</summary>
    public SnnkKind Kind { get; init; }

    /// <summary>The layers' options.</summary>
    public SnnkOptions Options { get; init; } = new();

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        ArgumentNullException.ThrowIfNull(Options, nameof(Options));
        if (Features is not { Count: > 0 } || Features.Any(m => m < 1))
            throw new ArgumentOutOfRangeException(nameof(Features), "Expected a layer at least, and a feature at least in each");
        if (HiddenFeatures is null || HiddenFeatures.Count != Features.Count && HiddenFeatures.Count != Features.Count - 1)
            throw new ArgumentException($"Expected {Features.Count - 1} or {Features.Count} widths, got {HiddenFeatures?.Count}",
                nameof(HiddenFeatures));
        foreach (var width in HiddenFeatures) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width, nameof(HiddenFeatures));
        if (!Enum.IsDefined(Kind)) throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "is no kind");
    }
}
