namespace TorchZoo.Models.Sequences;

/// <summary>How the two parts of a pattern come together (section 4.3).</summary>
public enum FactorizedAttentionLayout
{
    /// <summary>Each layer has one part, in turns (<see cref="SparseTransformerConfig.Parts"/>).</summary>
    Interleaved,

    /// <summary>Each head attends to the union of both, in one softmax.</summary>
    Merged,

    /// <summary>The first half of a layer's heads has one part, the second half the other.</summary>
    PerHead,
}
