namespace TorchZoo.Models.Neurons;

/// <summary>How 2πiξ is split into the factors α of the inputs and β of the weights.</summary>
public enum UrfSplit
{
    /// <summary>α = β = √(2πiξ).</summary>
    Symmetric,

    /// <summary>α = 2πiξ, β = 1.</summary>
    Input,
}
