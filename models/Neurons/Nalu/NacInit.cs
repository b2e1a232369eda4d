namespace TorchZoo.Models.Neurons;

/// <summary>Initial weights of neural accumulators. Ŵ and M̂ are uniform within ± r.</summary>
public enum NacInit
{
    /// <summary>r = √(6/in), as usual before ReLU.</summary>
    Kaiming,

    /// <summary>r such that W = tanh(Ŵ) σ(M̂) has the variance 2/max(in + out, 5) (<see cref="NacInitialization.StableRadius"/>).</summary>
    Stable,
}
