namespace TorchZoo.Models.Compression;

/// <summary>What a <see cref="SparseProp"/> network is made of; defaults are those of the experiment on Fashion-MNIST.</summary>
public sealed record SparsePropConfig
{
    /// <summary>Features of an input; axes after the first are flattened.</summary>
    public long InFeatures { get; init; } = 784;

    /// <summary>Width of each hidden layer, whose weights are sparse.</summary>
    public IReadOnlyList<long> HiddenFeatures { get; init; } = [1024, 1024];

    /// <summary>Outputs of the last layer, which is dense.</summary>
    public long OutFeatures { get; init; } = 10;

    /// <summary>Share of the hidden layers' weights that is zero, in [0, 1]; 0: dense layers.</summary>
    public double Sparsity { get; init; } = 0.95;
}
