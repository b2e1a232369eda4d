namespace TorchZoo.Models.Neurons;

/// <summary>What isn't linear in a <see cref="PdeBlock"/>.</summary>
public enum BlockNonlinearity
{
    /// <summary>The product of two mixtures of channels.</summary>
    Product,

    /// <summary>ReLU, after both convolutions and the sum, in place of product and ball: the network to compare with, which lacks the
    /// symmetry.</summary>
    Relu,
}
