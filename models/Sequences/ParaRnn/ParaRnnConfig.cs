namespace TorchZoo.Models.Sequences;

/// <summary>What a <see cref="ParaRnn"/> is made of. Names are those of the reference's cells.</summary>
public sealed record ParaRnnConfig
{
    /// <summary>Numbers of an input.</summary>
    public required long InputDim { get; init; }

    /// <summary>Channels of a layer.</summary>
    public required long StateDim { get; init; }

    /// <summary>Its recurrence.</summary>
    public CellKind Cell { get; init; }

    /// <summary>Heads of the input projections; divides inputs and channels.</summary>
    public long NumHeads { get; init; } = 2;

    /// <summary>Layers, one on the outputs of the other.</summary>
    public int NumLayers { get; init; } = 1;

    /// <summary>Each layer also has a recurrence backward in time; its outputs are those of both, one behind the other.</summary>
    public bool Bidirectional { get; init; }

    /// <summary>How recurrences are evaluated.</summary>
    public RecurrenceMode Mode { get; init; }

    /// <summary>How Newton's method iterates.</summary>
    public NewtonOptions Newton { get; init; } = new();

    /// <summary>Bound of the recurrent weights' entries; null: none. The paper trains with 0.5 for text, and without to track
    /// states.</summary>
    public double? MaxRecurrentNorm { get; init; }
}
