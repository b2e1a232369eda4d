namespace TorchZoo.Models.Neurons;

/// <summary>What a quadratic neuron computes of its inputs.</summary>
public enum QuadraticNeuronKind
{
    /// <summary>A product of two linear forms and a form of the squares: r(x) ⊙ g(x) + b(x ⊙ x). Three times the parameters of a linear
    /// layer.</summary>
    Full,

    /// <summary>Without products of different inputs: r(x) + b(x ⊙ x). Twice the parameters.</summary>
    Compact,
}
