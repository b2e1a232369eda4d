namespace TorchZoo.Models.Fields;

/// <summary>What a <see cref="CoordinateMlp"/> is made of. Names and defaults are those of the reference implementation's
/// <c>SingleBVPNet</c>.</summary>
public sealed record CoordinateMlpConfig
{
    /// <summary>Channels of the field.</summary>
    public long OutFeatures { get; init; } = 1;

    /// <summary>Activation (<see cref="FieldMlp.ActivationNames"/>).</summary>
    public string Type { get; init; } = "sine";

    /// <summary>Coordinates.</summary>
    public long InFeatures { get; init; } = 2;

    /// <summary>What comes before the network: <c>"mlp"</c> nothing, <c>"nerf"</c> a <see cref="PositionalEncoding"/>, <c>"rbf"</c> a
    /// <see cref="RadialBasisLayer"/>.</summary>
    public string Mode { get; init; } = "mlp";

    /// <summary>Width.</summary>
    public long HiddenFeatures { get; init; } = 256;

    /// <summary>Layers hidden → hidden.</summary>
    public int NumHiddenLayers { get; init; } = 3;

    /// <summary>Pixels along each side of an image, one number or two; <c>"nerf"</c> in 2-D derives its frequencies from the
    /// lesser.</summary>
    [System.Text.Json.Serialization.JsonConverter(typeof(NumberOrListConverter))]
    public IReadOnlyList<double>? Sidelength { get; init; }

    /// <summary>Samples of a 1-D signal; <c>"nerf"</c> in 1-D derives its frequencies from it.</summary>
    public long? FnSamples { get; init; }

    /// <summary><c>"nerf"</c> takes as many frequencies as the samples can tell apart (see
    /// <see cref="PositionalEncoding.NyquistFrequencies"/>); else 4. In 3-D it always takes 10.</summary>
    public bool UseNyquist { get; init; } = true;

    /// <summary>Centres of <c>"rbf"</c>.</summary>
    public long RbfCenters { get; init; } = 1024;

    internal int Frequencies() => InFeatures switch
    {
        3 => 10,
        2 when Sidelength is { Count: 1 or 2 } sides && sides.All(s => s > 0) =>
            UseNyquist ? PositionalEncoding.NyquistFrequencies((long)sides.Min()) : 4,
        2 => throw new ArgumentException("Positional encoding in 2-D needs one or two positive side lengths", nameof(Sidelength)),
        1 when FnSamples is > 0 => UseNyquist ? PositionalEncoding.NyquistFrequencies(FnSamples.Value) : 4,
        1 => throw new ArgumentException("Positional encoding in 1-D needs a positive number of samples", nameof(FnSamples)),
        _ => throw new ArgumentException($"Positional encoding is for 1 to 3 coordinates, got {InFeatures}", nameof(InFeatures)),
    };
}
