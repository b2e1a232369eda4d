using System.Text.Json;
using System.Text.Json.Serialization;

namespace TorchZoo.Models.Operators;

/// <summary>
/// What an <see cref="Fno"/> is made of. Names and defaults are those of the reference implementation (neuraloperator's <c>FNO</c>); in
/// JSON they are its parameter names.
/// </summary>
public sealed record FnoConfig
{
    /// <summary>Fourier modes kept along each axis, counting both signs: 16 keeps the frequencies −8…7, and 0…8 along the last axis
    /// of real data. Its length is the number of axes.</summary>
    public required IReadOnlyList<long> NModes { get; init; }

    /// <summary>Channels of the input function (without the coordinates that <see cref="PositionalEmbedding"/> adds).</summary>
    public required long InChannels { get; init; }

    /// <summary>Channels of the output function.</summary>
    public required long OutChannels { get; init; }

    /// <summary>Width of the Fourier layers.</summary>
    public required long HiddenChannels { get; init; }

    /// <summary>Number of Fourier layers.</summary>
    public int NLayers { get; init; } = 4;

    /// <summary>Width of the lifting network's hidden layer, as a multiple of <see cref="HiddenChannels"/>.</summary>
    public double LiftingChannelRatio { get; init; } = 2;

    /// <summary>Width of the projection network's hidden layer, as a multiple of <see cref="HiddenChannels"/>.</summary>
    public double ProjectionChannelRatio { get; init; } = 2;

    /// <summary><c>"grid"</c>: the coordinates i/s of each axis become further input channels. Null: nothing is added.</summary>
    public string? PositionalEmbedding { get; init; } = "grid";

    /// <summary>Activation of the Fourier layers, lifting and projection (<see cref="Activations.Names"/>). The channel networks inside
    /// the layers always use GELU, and complex data always uses GELU on both parts in the layers.</summary>
    public string NonLinearity { get; init; } = "gelu";

    /// <summary>Normalisation of the layers, twice a layer: null, <c>"instance_norm"</c>, <c>"group_norm"</c>, <c>"batch_norm"</c> or
    /// <c>"ada_in"</c>.</summary>
    public string? Norm { get; init; }

    /// <summary>Groups of <c>"group_norm"</c>.</summary>
    public long NormGroups { get; init; } = 1;

    /// <summary>Length of the embedding that conditions <c>"ada_in"</c> (see <see cref="FnoBlocks.SetAdaInEmbeddings"/>).</summary>
    public long? AdaInFeatures { get; init; }

    /// <summary>The data are complex.</summary>
    public bool ComplexData { get; init; }

    /// <summary>Each layer ends in a two-layer network over the channels.</summary>
    public bool UseChannelMlp { get; init; } = true;

    /// <summary>Drop-out probability after both layers of that network.</summary>
    public double ChannelMlpDropout { get; init; }

    /// <summary>Width of that network's hidden layer, as a multiple of <see cref="HiddenChannels"/>.</summary>
    public double ChannelMlpExpansion { get; init; } = 0.5;

    /// <summary>Skip connection around that network: <c>"soft-gating"</c>, <c>"linear"</c>, <c>"identity"</c> or null.</summary>
    public string? ChannelMlpSkip { get; init; } = "soft-gating";

    /// <summary>Skip connection around the spectral convolution: <c>"linear"</c> (the paper's W), <c>"soft-gating"</c>,
    /// <c>"identity"</c> or null.</summary>
    public string? FnoSkip { get; init; } = "linear";

    /// <summary>Width in grid points of the linear skip's convolution; 1 is point-wise. Up to three axes.</summary>
    public long ConvBiasKernel { get; init; } = 1;

    /// <summary>By what factors the layers change the resolution; null: not at all.</summary>
    public ResolutionScaling? ResolutionScalingFactor { get; init; }

    /// <summary>Zeros added at both ends of every axis, as a fraction of its size: one number, or one an axis. Null: none.</summary>
    [JsonConverter(typeof(NumberOrListConverter))]
    public IReadOnlyList<double>? DomainPadding { get; init; }

    /// <summary>Precision of the spectral convolutions.</summary>
    public SpectralPrecision FnoBlockPrecision { get; init; } = SpectralPrecision.Full;

    /// <summary><c>"tanh"</c>: tanh before each spectral convolution, which keeps half precision in range. Null: nothing.</summary>
    public string? Stabilizer { get; init; }

    /// <summary>Modes for which there are weights, if more than <see cref="NModes"/> (for incremental training). The last one counts
    /// the non-negative frequencies of real data. Null: as <see cref="NModes"/>.</summary>
    public IReadOnlyList<long>? MaxNModes { get; init; }

    /// <summary>Factorisation of the spectral weights: <c>"tucker"</c>, <c>"cp"</c>, <c>"tt"</c>, or null for dense weights.</summary>
    public string? Factorization { get; init; }

    /// <summary>Rank of the factorisation: up to 1, the share of the dense weights' parameters; an integer above 1, the rank
    /// itself.</summary>
    public double Rank { get; init; } = 1;

    /// <summary>The Tucker factorisation leaves the input channels alone.</summary>
    public bool FixedRankModes { get; init; }

    /// <summary><c>"factorized"</c> or <c>"reconstructed"</c>. Both give the same result; here the weights are always formed.</summary>
    public string Implementation { get; init; } = "factorized";

    /// <summary>Kept for configurations of the reference; must be empty.</summary>
    public IReadOnlyDictionary<string, JsonElement>? DecompositionKwargs { get; init; }

    /// <summary>Spectral weights act on each channel by itself.</summary>
    public bool Separable { get; init; }

    /// <summary>Activation and normalisation come before the convolution.</summary>
    public bool Preactivation { get; init; }

    /// <summary>Kept for configurations of the reference; must be <c>"SpectralConv"</c>.</summary>
    public string ConvModule { get; init; } = "SpectralConv";

    /// <summary>Drop the imaginary part that column 0 and the input's last column of the spectrum may not have for real data.</summary>
    public bool EnforceHermitianSymmetry { get; init; } = true;

    private static readonly string?[] Skips = [null, "linear", "soft-gating", "identity"];

    /// <exception cref="ArgumentException">An option is out of range or unknown; the message says what was expected.</exception>
    internal void Validate()
    {
        if (NModes is null || NModes.Count == 0) throw new ArgumentException("Expected the modes of at least one axis", nameof(NModes));
        Positive(InChannels, nameof(InChannels));
        Positive(OutChannels, nameof(OutChannels));
        Positive(HiddenChannels, nameof(HiddenChannels));
        Positive(NLayers, nameof(NLayers));
        if (!(LiftingChannelRatio * HiddenChannels >= 1))
            throw new ArgumentException(
                $"Lifting needs a channel at least, got the ratio {LiftingChannelRatio}", nameof(LiftingChannelRatio));
        if (!(ProjectionChannelRatio * HiddenChannels >= 1))
            throw new ArgumentException(
                $"Projection needs a channel at least, got the ratio {ProjectionChannelRatio}", nameof(ProjectionChannelRatio));
        OneOf(PositionalEmbedding, [null, "grid"], nameof(PositionalEmbedding));
        Activations.Named(NonLinearity, nameof(NonLinearity));
        OneOf(Norm, [null, "instance_norm", "group_norm", "batch_norm", "ada_in"], nameof(Norm));
        if (Norm == "group_norm" && (NormGroups < 1 || HiddenChannels % NormGroups != 0))
            throw new ArgumentException($"Groups must divide {HiddenChannels} channels, got {NormGroups}", nameof(NormGroups));
        if (Norm == "ada_in" && AdaInFeatures is not > 0)
            throw new ArgumentException("ada_in needs the length of its embedding", nameof(AdaInFeatures));
        OneOf(ChannelMlpSkip?.ToLowerInvariant(), Skips, nameof(ChannelMlpSkip));
        OneOf(FnoSkip?.ToLowerInvariant(), Skips, nameof(FnoSkip));
        if (ChannelMlpDropout is not (>= 0 and <= 1))
            throw new ArgumentException($"Expected a probability, got {ChannelMlpDropout}", nameof(ChannelMlpDropout));
        if (UseChannelMlp && !(Math.Round(HiddenChannels * ChannelMlpExpansion) >= 1))
            throw new ArgumentException(
                $"The channel network needs a hidden channel at least, got the expansion {ChannelMlpExpansion}",
                nameof(ChannelMlpExpansion));
        Positive(ConvBiasKernel, nameof(ConvBiasKernel));
        if (ConvBiasKernel > 1 && (FnoSkip?.ToLowerInvariant() != "linear" || NModes.Count > 3))
            throw new ArgumentException("A kernel wider than 1 needs a linear skip and at most three axes", nameof(ConvBiasKernel));
        ResolutionScalingFactor?.Validate(NLayers, NModes.Count, nameof(ResolutionScalingFactor));
        Operators.DomainPadding.Validate(DomainPadding, NModes.Count, nameof(DomainPadding));
        OneOf(Stabilizer, [null, "tanh"], nameof(Stabilizer));
        OneOf(Implementation, ["factorized", "reconstructed"], nameof(Implementation));
        OneOf(ConvModule, ["SpectralConv"], nameof(ConvModule));
        if (DecompositionKwargs is { Count: > 0 })
            throw new ArgumentException(
                $"Expected no further options of the decomposition, got {string.Join(", ", DecompositionKwargs.Keys)}",
                nameof(DecompositionKwargs));
    }

    internal static void Positive(long value, string parameter)
    {
        if (value < 1) throw new ArgumentException($"Expected a positive number, got {value}", parameter);
    }

    internal static void OneOf(string? value, string?[] allowed, string parameter)
    {
        if (!allowed.Contains(value))
            throw new ArgumentException($"Expected one of {string.Join(", ", allowed.Select(a => a ?? "null"))}, got '{value}'", parameter);
    }
}
