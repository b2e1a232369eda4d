namespace TorchZoo.Models.Fields;

/// <summary>What a <see cref="ConvEncoder"/> is made of; defaults of the reference implementation.</summary>
public sealed record ConvEncoderConfig
{
    /// <summary>Channels of the image.</summary>
    public long Channel { get; init; } = 3;

    /// <summary>Pixels along each side of the (square) image.</summary>
    public long ImageResolution { get; init; } = 32;

    /// <summary>Channels after the first convolution.</summary>
    public long FirstFeatures { get; init; } = 128;

    /// <summary>Channels of the others, and length of the latent vector.</summary>
    public long Features { get; init; } = 256;

    /// <summary>Residual blocks.</summary>
    public int Blocks { get; init; } = 4;

    internal void Validate()
    {
        Require.Positive(Channel, nameof(Channel));
        Require.Positive(ImageResolution, nameof(ImageResolution));
        Require.Positive(FirstFeatures, nameof(FirstFeatures));
        Require.Positive(Features, nameof(Features));
        Require.NotNegative(Blocks, nameof(Blocks));
    }
}
