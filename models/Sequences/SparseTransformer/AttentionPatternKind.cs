namespace TorchZoo.Models.Sequences;

/// <summary>Which earlier positions j a position i attends to, with the stride l and c summary columns.</summary>
public enum AttentionPatternKind
{
    /// <summary>All: j ≤ i.</summary>
    Causal,

    /// <summary>The last l, itself counted: i − l &lt; j ≤ i.</summary>
    Local,

    /// <summary>Every l-th: (i − j) mod l = 0.</summary>
    Strided,

    /// <summary>Those of its own chunk: ⌊j / l⌋ = ⌊i / l⌋.</summary>
    FixedLocal,

    /// <summary>The summary columns, the last c of each chunk: j mod l ≥ l − c. The first positions of a sequence see none.</summary>
    FixedSummary,

    /// <summary><see cref="FixedLocal"/> and <see cref="FixedSummary"/> in one softmax.</summary>
    Fixed,

    /// <summary><see cref="Local"/> and <see cref="Strided"/> in one softmax.</summary>
    StridedMerged,
}
