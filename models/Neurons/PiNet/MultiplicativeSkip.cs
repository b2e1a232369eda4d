namespace TorchZoo.Models.Neurons;

/// <summary>What a layer of a <see cref="MultiplicativeMlp"/> gives of its activations a and a map s of the network's input.</summary>
public enum MultiplicativeSkip
{
    /// <summary>The product alone: a ⊙ s.</summary>
    None,

    /// <summary>The product and the activations: a ⊙ s + a.</summary>
    Residual,
}
