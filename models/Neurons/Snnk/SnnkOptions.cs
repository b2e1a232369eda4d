namespace TorchZoo.Models.Neurons;

/// <summary>What feature maps of a network have in common.</summary>
public sealed record SnnkOptions
{
    /// <summary>Whether rows of a projection are orthogonal in blocks.</summary>
    public bool Orthogonal { get; init; }

    /// <summary>The length that inputs and weights are brought to before; null: none.</summary>
    public double? Norm { get; init; }

    /// <summary>c of ReLU features.</summary>
    public double Constant { get; init; }

    /// <summary>M ≥ 0 of universal features.</summary>
    public double M { get; init; }
}
