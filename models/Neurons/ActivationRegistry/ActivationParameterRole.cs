namespace TorchZoo.Models.Neurons;

/// <summary>Where the value of an activation's parameter comes from.</summary>
public enum ActivationParameterRole
{
    /// <summary>It is trained with the weights.</summary>
    Trainable,

    /// <summary>It is chosen.</summary>
    Fixed,

    /// <summary>It is computed from data: a batch's mean, the last epoch's loss, a level of noise.</summary>
    Statistic,
}
