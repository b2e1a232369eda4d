namespace TorchZoo.Benchmarks;

/// <summary>What a benchmark found.</summary>
/// <param name="Value">Ours, in <paramref name="Unit"/>.</param>
/// <param name="Unit">Unit of value and baseline.</param>
/// <param name="Baseline">What it is compared with; null: nothing.</param>
/// <param name="Ratio">Baseline / value for speed, value / baseline for shares; null without baseline.</param>
/// <param name="Bound">What the hardware would allow, in the same unit; null: not known.</param>
internal sealed record Measurement(double Value, string Unit, double? Baseline, double? Ratio, double? Bound = null)
{
    /// <summary>How many times faster than the baseline.</summary>
    public static Measurement SpeedUp(double seconds, double baseline, double? bound = null) => new(seconds * 1e3, "ms", baseline * 1e3, baseline / seconds, bound * 1e3);

    /// <summary>What share of the baseline's time.</summary>
    public static Measurement Share(double seconds, double baseline, double? bound = null) => new(seconds * 1e3, "ms", baseline * 1e3, seconds / baseline, bound * 1e3);

    /// <summary>A time alone, in milliseconds.</summary>
    public static Measurement Milliseconds(double seconds) => new(seconds * 1e3, "ms", null, null);

    /// <summary>Memory alone.</summary>
    public static Measurement Megabytes(long bytes) => new(bytes / 1e6, "MB", null, null);

    /// <summary>A time alone.</summary>
    public static Measurement Seconds(double seconds) => new(seconds, "s", null, null);
}
