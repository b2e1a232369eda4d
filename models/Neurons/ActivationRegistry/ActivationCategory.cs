namespace TorchZoo.Models.Neurons;

/// <summary>The survey's two halves.</summary>
public enum ActivationCategory
{
    /// <summary>Nothing of it is trained with the weights.</summary>
    Fixed,

    /// <summary>At least one number of it is trained with the weights, or follows the data.</summary>
    Adaptive,
}
