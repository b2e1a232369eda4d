namespace TorchZoo.Kernels;

/// <summary>What <see cref="SelfGate"/> multiplies its input by.</summary>
public enum GateFunction
{
    /// <summary>σ(u) = 1 / (1 + e⁻ᵘ): that of swish.</summary>
    Logistic,

    /// <summary>Φ(u), the normal distribution function: that of GELU.</summary>
    Normal,

    /// <summary>tanh(ln(1 + eᵘ)): that of Mish.</summary>
    Mish,
}
