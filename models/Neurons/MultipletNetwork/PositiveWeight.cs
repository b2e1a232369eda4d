namespace TorchZoo.Models.Neurons;

/// <summary>How the averaging weights of a <see cref="MultipletLayer"/> come from its parameter v. A mean doesn't depend on their
/// scale.</summary>
public enum PositiveWeight
{
    /// <summary>softmax(v) over the inputs: never 0, and a sum of 1.</summary>
    Softmax,

    /// <summary>log(1 + e^v): never 0.</summary>
    Softplus,

    /// <summary>max(v, 0): may be 0, and then stays there.</summary>
    Clamp,
}
