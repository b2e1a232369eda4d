namespace TorchZoo.Kernels;

/// <summary>Activations that <see cref="PointwiseActivation"/> has kernels for. Each is what PyTorch's function of that name is, with its
/// defaults.</summary>
public enum Activation
{
    /// <summary>z: the sum alone.</summary>
    Identity,

    /// <summary>max(z, 0)</summary>
    Relu,

    /// <summary>1 / (1 + e⁻ᶻ)</summary>
    Sigmoid,

    /// <summary>tanh z</summary>
    Tanh,

    /// <summary>z σ(z), also called swish.</summary>
    Silu,

    /// <summary>z Φ(z), with the normal distribution Φ.</summary>
    Gelu,

    /// <summary>GELU's approximation with tanh.</summary>
    GeluTanh,

    /// <summary>ln(1 + eᶻ); z itself above 20.</summary>
    Softplus,

    /// <summary>z tanh(ln(1 + eᶻ))</summary>
    Mish,

    /// <summary>sin z</summary>
    Sin,
}
