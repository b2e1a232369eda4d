namespace TorchZoo.Models.Neurons;

/// <summary>How the sparsity loss grows with the distance from the nearest whole number.</summary>
public enum RegularizerShape
{
    /// <summary>min(|W|, |1 − |W||), the paper's.</summary>
    Linear,

    /// <summary>W² (1 − |W|)².</summary>
    Squared,
}
