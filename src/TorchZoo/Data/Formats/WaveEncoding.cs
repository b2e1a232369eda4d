namespace TorchZoo.Data.Formats;

/// <summary>How a <see cref="WaveFile"/> keeps a sample.</summary>
public enum WaveEncoding
{
    /// <summary>A byte, 128 for silence.</summary>
    Pcm8,

    /// <summary>A 16-bit integer, as on a compact disc.</summary>
    Pcm16,

    /// <summary>A 24-bit integer: all that a float32 sample holds, at full scale.</summary>
    Pcm24,

    /// <summary>A 32-bit integer.</summary>
    Pcm32,

    /// <summary>IEEE binary32.</summary>
    Float32,

    /// <summary>IEEE binary64.</summary>
    Float64,
}
