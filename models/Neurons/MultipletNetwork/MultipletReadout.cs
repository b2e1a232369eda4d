namespace TorchZoo.Models.Neurons;

/// <summary>What follows the last multiplet of a <see cref="MultipletNetwork"/>.</summary>
public enum MultipletReadout
{
    /// <summary>Nothing: the means are the outputs.</summary>
    None,

    /// <summary>A linear layer, whose coefficients have signs.</summary>
    Linear,

    /// <summary>A linear layer on the means' logarithms: sums of them are products.</summary>
    LogLinear,
}
