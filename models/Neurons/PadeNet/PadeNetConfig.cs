namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="PadeNet"/> is made of.</summary>
public sealed record PadeNetConfig
{
    /// <summary>How many times as many rows and columns come out.</summary>
    public int Scale { get; init; } = 2;

    /// <summary>Hidden channels.</summary>
    public long Channels { get; init; } = 16;

    /// <summary>Blocks of two layers each, after the first layer.</summary>
    public int Blocks { get; init; } = 3;

    /// <summary>Channels of the images.</summary>
    public long InChannels { get; init; } = 1;

    /// <summary>Rows and columns of all kernels, odd.</summary>
    public long KernelSize { get; init; } = 3;

    /// <summary>K.</summary>
    public int NumeratorOrder { get; init; } = 1;

    /// <summary>L.</summary>
    public int DenominatorOrder { get; init; } = 1;

    /// <summary>How the neurons divide.</summary>
    public PadeVariant Variant { get; init; } = PadeVariant.Smoothed;

    /// <summary>Whether channels are moved by learned offsets.</summary>
    public bool LearnShift { get; init; }

    // The layers check what else there is.
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Scale, nameof(Scale));
        ArgumentOutOfRangeException.ThrowIfNegative(Blocks, nameof(Blocks));
        if (KernelSize < 1 || KernelSize % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(KernelSize), KernelSize, "must be odd and positive");
    }
}
