namespace TorchZoo.Models.Neurons;

/// <summary>What an activation maps to what.</summary>
public enum ActivationKind
{
    /// <summary>Each number to a number.</summary>
    Pointwise,

    /// <summary>Two numbers to one, mostly an input and a gate.</summary>
    Gated,

    /// <summary>A vector to a vector of its size.</summary>
    Vector,

    /// <summary>Each number, or pair of numbers, to a pair.</summary>
    Multi,
}
