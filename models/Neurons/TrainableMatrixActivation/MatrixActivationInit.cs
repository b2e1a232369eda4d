namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="TrainableMatrixActivation"/> is before training. Off the diagonal all is 0.</summary>
public enum MatrixActivationInit
{
    /// <summary>0 in bins whose middle is ≤ 0, 1 in the others: ReLU exactly, if 0 is a break point.</summary>
    ReluLike,

    /// <summary>1 everywhere: the identity.</summary>
    Identity,
}
