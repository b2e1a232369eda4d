namespace TorchZoo.Models.Operators;

/// <summary>Configuration of a <see cref="PeriodicCnn"/>.</summary>
public sealed record PeriodicCnnConfig
{
    /// <summary>Channels of the input.</summary>
    public required long InChannels { get; init; }

    /// <summary>Channels of the output.</summary>
    public required long OutChannels { get; init; }

    /// <summary>Channels between the convolutions.</summary>
    public long HiddenChannels { get; init; } = 64;

    /// <summary>Number of convolutions, ≥ 2.</summary>
    public int NLayers { get; init; } = 7;

    /// <summary>Points that a filter spans, odd.</summary>
    public long KernelSize { get; init; } = 9;
}
