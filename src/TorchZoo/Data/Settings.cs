namespace TorchZoo.Data;

/// <summary>Checks of numbers that settings are given.</summary>
internal static class Settings
{
    /// <summary>A finite number above zero.</summary>
    public static double Positive(double value, string name) => value > 0 && double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(name, value, "Expected a finite number > 0.");

    /// <summary>A finite number of at least zero.</summary>
    public static double NotNegative(double value, string name) => value >= 0 && double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(name, value, "Expected a finite number ≥ 0.");

    /// <summary>A finite number.</summary>
    public static double Finite(double value, string name) => double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(name, value, "Expected a finite number.");

    /// <summary>A whole number that isn't too small.</summary>
    public static long AtLeast(long least, long value, string name) => value >= least ? value
        : throw new ArgumentOutOfRangeException(name, value, $"Expected a whole number ≥ {least}.");
}
