namespace TorchZoo.Models.Spiking;

/// <summary>Kinds of spiking neurons.</summary>
public enum NeuronKind
{
    /// <summary><see cref="LeakyIntegrateAndFire"/></summary>
    Leaky,

    /// <summary><see cref="IntegrateAndFire"/></summary>
    IntegrateAndFire,

    /// <summary><see cref="ParametricLeakyIntegrateAndFire"/></summary>
    ParametricLeaky,
}
