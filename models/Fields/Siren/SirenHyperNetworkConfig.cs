namespace TorchZoo.Models.Fields;

/// <summary>Sizes of a <see cref="SirenHyperNetwork"/>; names and defaults of the reference implementation.</summary>
public sealed record SirenHyperNetworkConfig
{
    /// <summary>Length of the latent vector.</summary>
    public long HyperInFeatures { get; init; } = 256;

    /// <summary>Layers hidden → hidden of each network.</summary>
    public int HyperHiddenLayers { get; init; } = 1;

    /// <summary>Their width.</summary>
    public long HyperHiddenFeatures { get; init; } = 256;
}
