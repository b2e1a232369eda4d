namespace TorchZoo.Models.Neurons;

/// <summary>How the weights begin.</summary>
public enum BatchNormMlpInit
{
    /// <summary>Uniformly orthogonal, semi-orthogonal where they aren't square.</summary>
    Orthogonal,

    /// <summary>N(0, 2 / (in + out)), with which gradients grow exponentially with depth.</summary>
    XavierNormal,
}
