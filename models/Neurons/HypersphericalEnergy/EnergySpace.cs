namespace TorchZoo.Models.Neurons;

/// <summary>Who repels whom.</summary>
public enum EnergySpace
{
    /// <summary>Directions: opposite ones are best.</summary>
    Full,

    /// <summary>Lines: each direction counts with its opposite, and orthogonal ones are best. For hidden layers, where w and −w are
    /// redundant.</summary>
    Half,
}
