namespace TorchZoo.Models.Sequences;

/// <summary>Which pair of patterns a <see cref="SparseTransformer"/> is made of.</summary>
public enum FactorizedPattern
{
    /// <summary><see cref="AttentionPatternKind.Local"/> and <see cref="AttentionPatternKind.Strided"/>: for images and sound, whose
    /// structure has a period.</summary>
    Strided,

    /// <summary><see cref="AttentionPatternKind.FixedLocal"/> and <see cref="AttentionPatternKind.FixedSummary"/>: for text.</summary>
    Fixed,

    /// <summary><see cref="AttentionPatternKind.Local"/> alone: a baseline that sees no farther than layers times the stride.</summary>
    Local,

    /// <summary>All earlier positions: the dense Transformer.</summary>
    Dense,
}
