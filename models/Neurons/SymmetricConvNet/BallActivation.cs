namespace TorchZoo.Models.Neurons;

/// <summary>What keeps the hidden state of a <see cref="SymmetricConvNet"/> bounded behind blocks that change its width.</summary>
public enum BallActivation
{
    /// <summary><see cref="HardBall"/>.</summary>
    Hard,

    /// <summary><see cref="SoftBall"/>.</summary>
    Soft,

    /// <summary>Nothing: then any invertible matrix is a symmetry, and training is less stable.</summary>
    None,
}
