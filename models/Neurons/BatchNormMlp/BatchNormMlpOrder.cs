namespace TorchZoo.Models.Neurons;

/// <summary>The order within a hidden layer, behind its weights.</summary>
public enum BatchNormMlpOrder
{
    /// <summary>Normalise, then activate.</summary>
    NormAct,

    /// <summary>Activate, then normalise.</summary>
    ActNorm,
}
