namespace TorchZoo.Models.Neurons;

/// <summary>What the distance of two directions is.</summary>
public enum EnergyMetric
{
    /// <summary>The chord √(2 − 2 cos θ), in [0, 2].</summary>
    Euclidean,

    /// <summary>The angle θ, in [0, π].</summary>
    Angular,
}
