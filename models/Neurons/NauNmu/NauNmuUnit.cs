namespace TorchZoo.Models.Neurons;

/// <summary>What a layer of a <see cref="NauNmu"/> network is.</summary>
public enum NauNmuUnit
{
    /// <summary>A <see cref="NeuralAdditionUnit"/>.</summary>
    Nau,

    /// <summary>A <see cref="NeuralMultiplicationUnit"/>.</summary>
    Nmu,
}
