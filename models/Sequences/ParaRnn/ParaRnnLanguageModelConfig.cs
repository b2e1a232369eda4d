using TorchZoo.Layers;

namespace TorchZoo.Models.Sequences;

/// <summary>What a <see cref="ParaRnnLanguageModel"/> is made of.</summary>
public sealed record ParaRnnLanguageModelConfig
{
    /// <summary>Different tokens.</summary>
    public required long Vocabulary { get; init; }

    /// <summary>Width of the blocks.</summary>
    public required long Dim { get; init; }

    /// <summary>Blocks.</summary>
    public int NumLayers { get; init; } = 2;

    /// <summary>Recurrence of the blocks.</summary>
    public CellKind Cell { get; init; }

    /// <summary>Heads of the recurrences' input projections; divides <see cref="Dim"/>.</summary>
    public long NumHeads { get; init; } = 2;

    /// <summary>Steps that the short convolution before each recurrence sees.</summary>
    public long ConvolutionSize { get; init; } = 4;

    /// <summary>Products in the perceptrons; null: 8/3 of <see cref="Dim"/>, rounded up to a multiple of 256.</summary>
    public long? MlpDim { get; init; }

    /// <summary>What a block's input is multiplied with before its mixer's output is added.</summary>
    public double ResidualScale { get; init; } = 1;

    /// <summary>How recurrences are evaluated.</summary>
    public RecurrenceMode Mode { get; init; }

    /// <summary>How Newton's method iterates.</summary>
    public NewtonOptions Newton { get; init; } = new();

    /// <summary>Bound of the recurrent weights' entries; null: none. The paper trains its language models with 0.5.</summary>
    public double? MaxRecurrentNorm { get; init; }

    internal long MlpWidth => MlpDim ?? SwiGlu.UsualHidden(Dim);
}
