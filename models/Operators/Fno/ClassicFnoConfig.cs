namespace TorchZoo.Models.Operators;

/// <summary>What a <see cref="ClassicFno"/> is made of; defaults as in the paper.</summary>
public sealed record ClassicFnoConfig
{
    /// <summary>Modes kept along each axis, counting one sign: m keeps −m … m−1, and 0 … m−1 along the last axis. Paper: 16 (Burgers),
    /// 12 (Darcy, Navier–Stokes 2-D), 8 (Navier–Stokes 3-D).</summary>
    public required IReadOnlyList<long> Modes { get; init; }

    /// <summary>Channels of the input function, without coordinates.</summary>
    public required long InChannels { get; init; }

    /// <summary>Channels of the output function.</summary>
    public long OutChannels { get; init; } = 1;

    /// <summary>Width of the Fourier layers. Paper: 64 (Burgers), 32 (Darcy), 20 (Navier–Stokes).</summary>
    public long Width { get; init; } = 32;

    /// <summary>Number of Fourier layers.</summary>
    public int NLayers { get; init; } = 4;

    /// <summary>Width of the projection's hidden layer.</summary>
    public long ProjectionChannels { get; init; } = 128;

    /// <summary>The coordinates become input channels (from 0 to 1 with both ends).</summary>
    public bool Coordinates { get; init; } = true;

    /// <summary>Batch normalisation after each layer's sum.</summary>
    public bool BatchNorm { get; init; } = true;

    /// <summary>Activation (<see cref="Activations.Names"/>). Later scripts: <c>"gelu"</c>.</summary>
    public string NonLinearity { get; init; } = "relu";

    /// <summary>Points of zeros at the end of each axis inside the Fourier layers. Later scripts: 9 for Darcy.</summary>
    public long Padding { get; init; }

    internal void Validate()
    {
        if (Modes is null || Modes.Count == 0 || Modes.Any(m => m < 1))
            throw new ArgumentException(
                $"Expected a positive number of modes for each axis, got [{string.Join(", ", Modes ?? [])}]", nameof(Modes));
        FnoConfig.Positive(InChannels, nameof(InChannels));
        FnoConfig.Positive(OutChannels, nameof(OutChannels));
        FnoConfig.Positive(Width, nameof(Width));
        FnoConfig.Positive(NLayers, nameof(NLayers));
        FnoConfig.Positive(ProjectionChannels, nameof(ProjectionChannels));
        Activations.Named(NonLinearity, nameof(NonLinearity));
        if (Padding < 0) throw new ArgumentException($"Expected a number of points, got {Padding}", nameof(Padding));
    }
}
