namespace TorchZoo.Models.Neurons;

/// <summary>How a quadratic layer begins.</summary>
public enum QuadraticInit
{
    /// <summary>As an ordinary layer: r is Kaiming-normal, and of the rest nothing is there but g's bias, 1.</summary>
    ReLinear,

    /// <summary>All parts Kaiming-normal, biases 0: what fails in deep networks, to compare with.</summary>
    Kaiming,
}
