namespace TorchZoo.Models.Sequences;

/// <summary>How sparse attention is computed. All give the same numbers, up to rounding.</summary>
public enum AttentionKernel
{
    /// <summary>The fastest that there is for the device and type.</summary>
    Auto,

    /// <summary>The framework's block kernel (<see cref="Kernels.Attention.RangeAttention"/>): time in proportion to the pairs, memory to
    /// the sequence's length.</summary>
    Fused,

    /// <summary>Torch operations on blocks: anywhere, and differentiable any number of times.</summary>
    Composed,

    /// <summary>All scores, hidden where the pattern has none: O(n²) in time and memory, the reference of the tests.</summary>
    DenseMasked,
}
