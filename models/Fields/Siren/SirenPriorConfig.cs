namespace TorchZoo.Models.Fields;

/// <summary>What a <see cref="SirenPrior"/> is made of: an encoder, a hypernetwork, and the field whose parameters it makes. Defaults of
/// the reference's <c>NeuralProcessImplicit2DHypernet</c> for grey images.</summary>
public sealed record SirenPriorConfig
{
    /// <summary>The encoder of sets of samples; null if there is a <see cref="ConvEncoder"/>, and only then.</summary>
    public SetEncoderConfig? SetEncoder { get; init; } = new() { Nonlinearity = "sine" };

    /// <summary>The encoder of images, instead of <see cref="SetEncoder"/>.</summary>
    public ConvEncoderConfig? ConvEncoder { get; init; }

    /// <summary>The hypernetwork.</summary>
    public SirenHyperNetworkConfig HyperNet { get; init; } = new();

    /// <summary>The field.</summary>
    public CoordinateMlpConfig HypoNet { get; init; } = new();

    internal void Validate()
    {
        if (HyperNet is null) throw new ArgumentException("Expected a configuration", nameof(HyperNet));
        if (HypoNet is null) throw new ArgumentException("Expected a configuration", nameof(HypoNet));
        if (SetEncoder is null == ConvEncoder is null)
            throw new ArgumentException("Expected either a set encoder or a convolutional one", nameof(ConvEncoder));
        SetEncoder?.Validate();
        ConvEncoder?.Validate();
        if (SetEncoder is not null && SetEncoder.InFeatures != HypoNet.InFeatures + HypoNet.OutFeatures)
            throw new ArgumentException(
                $"Expected {HypoNet.InFeatures} coordinates + {HypoNet.OutFeatures} channels of the field, got {SetEncoder.InFeatures}",
                nameof(SetEncoder.InFeatures));
        var latent = SetEncoder?.OutFeatures ?? ConvEncoder!.Features;
        if (latent != HyperNet.HyperInFeatures)
            throw new ArgumentException($"Expected the encoder's {latent}, got {HyperNet.HyperInFeatures}",
                nameof(HyperNet.HyperInFeatures));
    }
}
