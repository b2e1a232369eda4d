namespace TorchZoo.Models.Neurons;

/// <summary>Who has a table of its own in a <see cref="TrainableMatrixActivation"/>.</summary>
public enum MatrixActivationSharing
{
    /// <summary>Each neuron (of a picture's channels: each channel, for all its pixels).</summary>
    PerNeuron,

    /// <summary>The layer, for all its neurons.</summary>
    PerLayer,
}
