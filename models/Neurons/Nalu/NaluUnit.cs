namespace TorchZoo.Models.Neurons;

/// <summary>What a layer of a <see cref="Nalu"/> network is.</summary>
public enum NaluUnit
{
    /// <summary>A <see cref="NeuralAccumulator"/>.</summary>
    Nac,

    /// <summary>A <see cref="MultiplicativeNeuralAccumulator"/>.</summary>
    NacMul,

    /// <summary>A <see cref="NeuralArithmeticLogicUnit"/>.</summary>
    Nalu,
}
