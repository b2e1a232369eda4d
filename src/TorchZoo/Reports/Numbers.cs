using System.Globalization;

namespace TorchZoo.Reports;

/// <summary>How numbers stand in pictures: short, with a true minus sign, powers of ten as powers.</summary>
internal static class Numbers
{
    private const string Superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

    /// <summary>A number with at most so many significant digits.</summary>
    public static string Short(double value, int digits = 3)
    {
        if (!double.IsFinite(value)) return value.ToString(CultureInfo.InvariantCulture);
        var size = Math.Abs(value);
        if (size is 0 or (>= 1e-3 and < 1e5))
            return Signed(value.ToString($"G{Math.Max(digits, size >= 1 ? (int)Math.Log10(size) + 1 : 1)}", CultureInfo.InvariantCulture));
        var exponent = (int)Math.Floor(Math.Log10(size));
        var mantissa = (value / Math.Pow(10, exponent)).ToString($"G{digits}", CultureInfo.InvariantCulture);
        return mantissa is "1" or "-1" ? (value < 0 ? "−" : "") + Power(exponent) : $"{Signed(mantissa)}·{Power(exponent)}";
    }

    /// <summary>A power of ten, e.g. 10⁻³.</summary>
    public static string Power(int exponent) => exponent switch
    {
        0 => "1",
        1 => "10",
        _ => $"10{(exponent < 0 ? "⁻" : "")}{string.Concat(Math.Abs(exponent).ToString(CultureInfo.InvariantCulture).Select(c => Superscripts[c - '0']))}",
    };

    /// <summary>About so many round numbers (multiples of 1, 2 or 5 times a power of ten) in a range, but at least two.</summary>
    public static double[] RoundTicks(double low, double high, int count)
    {
        if (!(high > low) || !double.IsFinite(high - low)) return [low];
        var raw = (high - low) / count;
        var unit = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = new[] { 1, 2, 5, 10 }.Select(m => m * unit).First(s => s >= raw * 0.999999);
        var first = (long)Math.Ceiling(low / step - 1e-9);
        var last = (long)Math.Floor(high / step + 1e-9);
        if (last <= first && count < 10) return RoundTicks(low, high, count + 1);
        return [.. Enumerable.Range(0, (int)(last - first + 1)).Select(i => (first + i) * step)];
    }

    /// <summary>Ticks as text, all with the decimals that the steps between them need.</summary>
    public static string[] Labels(double[] ticks)
    {
        if (ticks.Length < 2) return [.. ticks.Select(t => Short(t))];
        var (step, most) = (ticks[1] - ticks[0], ticks.Max(Math.Abs));
        if (most is < 1e-3 or >= 1e5) return [.. ticks.Select(t => Short(Math.Abs(t) < step / 2 ? 0 : t))];
        var decimals = Math.Clamp((int)Math.Ceiling(-Math.Log10(step) - 1e-9), 0, 9);
        return [.. ticks.Select(t => Signed((Math.Abs(t) < step / 2 ? 0 : t).ToString($"F{decimals}", CultureInfo.InvariantCulture)))];
    }

    private static string Signed(string text) => text.Replace('-', '−');
}
