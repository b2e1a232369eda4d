namespace TorchZoo.Models.Sequences;

/// <summary>Which entries of ∂h_t/∂h_{t−1} may differ from zero.</summary>
public enum JacobianStructure
{
    /// <summary>Each state depends on itself alone: (batch, time, states).</summary>
    Diagonal,

    /// <summary>States i and i + states/2 depend on each other: (batch, time, 2, 2, states/2), row before column.</summary>
    Block2x2,

    /// <summary>Each depends on all: (batch, time, states, states). A step of a scan costs states³, so it is for few states.</summary>
    Dense,
}
