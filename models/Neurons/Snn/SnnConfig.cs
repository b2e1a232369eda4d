namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="Snn"/> is made of. The paper's study takes depths of 2 to 32, widths of 256 to 1024 and a dropout of 0 or
/// 0.05.</summary>
public sealed record SnnConfig
{
    /// <summary>Numbers in.</summary>
    public required long InFeatures { get; init; }

    /// <summary>Width of the hidden layers, of the first one if they are conic.</summary>
    public long HiddenFeatures { get; init; } = 256;

    /// <summary>Hidden layers.</summary>
    public int Depth { get; init; } = 8;

    /// <summary>Numbers out.</summary>
    public required long OutFeatures { get; init; }

    /// <summary>Chance of alpha dropout after each hidden layer, in [0, 1).</summary>
    public double AlphaDropout { get; init; }

    /// <summary>The hidden layers' widths.</summary>
    public SnnShape Shape { get; init; }

    internal long Width(int layer) => Shape == SnnShape.Rectangular ? HiddenFeatures
        : Math.Max(1, (long)Math.Round(HiddenFeatures * Math.Pow(OutFeatures / (double)HiddenFeatures, layer / (double)Depth)));

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(InFeatures, nameof(InFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(HiddenFeatures, nameof(HiddenFeatures));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Depth, nameof(Depth));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(OutFeatures, nameof(OutFeatures));
        if (!Enum.IsDefined(Shape)) throw new ArgumentOutOfRangeException(nameof(Shape), Shape, "is no shape");
    }
}
