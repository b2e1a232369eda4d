using ScottPlot;
using SkiaSharp;

namespace TorchZoo.Reports;

/// <summary>The font of all pictures. It is embedded: a fresh Debian has none, and Skia then draws no letters at all.</summary>
internal sealed class Lettering : IFontResolver
{
    public const string Family = "Zoo Sans";

    public static SKTypeface Regular { get; } = Load("ZooSans-Regular");

    public static SKTypeface Bold { get; } = Load("ZooSans-Bold");

    /// <summary>Makes ScottPlot find <see cref="Family"/>.</summary>
    public static void Register()
    {
        lock (Fonts.FontResolvers)
        {
            if (!Fonts.FontResolvers.Any(r => r is Lettering)) Fonts.FontResolvers.Insert(0, new Lettering());
        }
    }

    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        fontName == Family ? weight >= FontWeight.SemiBold ? Bold : Regular : null;

    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Family ? bold ? Bold : Regular : null;

    private static SKTypeface Load(string name)
    {
        using var stream = typeof(Lettering).Assembly.GetManifestResourceStream($"TorchZoo.Fonts.{name}")
            ?? throw new InvalidOperationException($"The assembly lacks its font {name}");
        return SKTypeface.FromStream(stream) ?? throw new InvalidOperationException($"Skia cannot read the font {name}");
    }
}
