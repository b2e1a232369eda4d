namespace TorchZoo.Models.Fields;

/// <summary>What a <see cref="SetEncoder"/> is made of; names and defaults of the reference implementation.</summary>
public sealed record SetEncoderConfig
{
    /// <summary>Coordinates and channels of a sample together.</summary>
    public long InFeatures { get; init; } = 3;

    /// <summary>Length of the latent vector.</summary>
    public long OutFeatures { get; init; } = 256;

    /// <summary>Layers hidden → hidden.</summary>
    public int NumHiddenLayers { get; init; } = 2;

    /// <summary>Width.</summary>
    public long HiddenFeatures { get; init; } = 256;

    /// <summary><c>"relu"</c> or <c>"sine"</c> (ω₀ = 30).</summary>
    public string Nonlinearity { get; init; } = "relu";

    internal void Validate()
    {
        Require.Positive(InFeatures, nameof(InFeatures));
        Require.Positive(OutFeatures, nameof(OutFeatures));
        Require.NotNegative(NumHiddenLayers, nameof(NumHiddenLayers));
        Require.Positive(HiddenFeatures, nameof(HiddenFeatures));
        Require.OneOf(Nonlinearity, ["relu", "sine"], nameof(Nonlinearity));
    }
}
