namespace TorchZoo.Models.Sequences;

/// <summary>What a gate or a candidate is made with; all that the reference knows, with PyTorch's defaults.</summary>
public enum Nonlinearity
{
    /// <summary>x</summary>
    Identity,

    /// <summary>max(x, 0)</summary>
    Relu,

    /// <summary>x, or 0.01 x where it is negative.</summary>
    LeakyRelu,

    /// <summary>x σ(x)</summary>
    Silu,

    /// <summary>GELU's approximation with tanh.</summary>
    Gelu,

    /// <summary>SELU (Klambauer et al. 2017).</summary>
    Selu,

    /// <summary>tanh x</summary>
    Tanh,

    /// <summary>σ(x) = 1 / (1 + e⁻ˣ)</summary>
    Sigmoid,

    /// <summary>σ(x) / 2</summary>
    HalfSigmoid,

    /// <summary>eˣ</summary>
    Exp,

    /// <summary>ln(1 + eˣ)</summary>
    Softplus,

    /// <summary>x, or eˣ − 1 where it is negative.</summary>
    Elu,
}
