namespace TorchZoo.Kernels.Cuda;

/// <summary>Functions of one number. The names are those in <c>elementwise.cu</c>.</summary>
public enum ElementwiseFunction
{
    /// <summary>1 / (1 + e⁻ˣ)</summary>
    Sigmoid,

    /// <summary>tanh x</summary>
    Tanh,

    /// <summary>x / (1 + e⁻ˣ)</summary>
    Silu,

    /// <summary>x Φ(x), Φ the distribution function of the normal distribution.</summary>
    Gelu,

    /// <summary>x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2</summary>
    GeluTanh,

    /// <summary>log(1 + eˣ)</summary>
    Softplus,

    /// <summary>x tanh(log(1 + eˣ))</summary>
    Mish,

    /// <summary>eˣ</summary>
    Exp,

    /// <summary>log x</summary>
    Log,
}
