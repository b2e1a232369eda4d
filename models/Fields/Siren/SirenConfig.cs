namespace TorchZoo.Models.Fields;

/// <summary>What a <see cref="Siren"/> is made of; defaults of the reference implementation.</summary>
public sealed record SirenConfig
{
    /// <summary>Coordinates: 1 for audio, 2 for images, 3 for video and shapes.</summary>
    public long InFeatures { get; init; } = 2;

    /// <summary>Channels of the field.</summary>
    public long OutFeatures { get; init; } = 1;

    /// <summary>Width.</summary>
    public long HiddenFeatures { get; init; } = 256;

    /// <summary>Sine layers after the first: 3 is the paper's five-layer network.</summary>
    public int NumHiddenLayers { get; init; } = 3;

    /// <summary>The last layer is linear; else it is a sine layer too, and the field lies in [−1, 1].</summary>
    public bool OutermostLinear { get; init; } = true;

    /// <summary>ω₀ of the first layer: what frequencies the untrained field has. Audio on [−1, 1]: 3000.</summary>
    public double FirstOmega0 { get; init; } = 30;

    /// <summary>ω₀ of the other layers.</summary>
    public double HiddenOmega0 { get; init; } = 30;
}
