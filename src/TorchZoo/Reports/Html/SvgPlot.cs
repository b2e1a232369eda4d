using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ScottPlot;

namespace TorchZoo.Reports.Html;

/// <summary>A <see cref="LinePlot"/> as SVG within a page: colours are the page's (its style sheet's <c>--ink</c>, <c>--grid</c>, <c>--c0</c>
/// …), so that they follow it into dark mode.</summary>
/// <remarks>ScottPlot draws with colours that stand for what they colour; here they are replaced. Dashes are the style sheet's too: drawn one
/// by one they would be a hundred times the line.</remarks>
internal static partial class SvgPlot
{
    /// <summary>Colours that the style sheet has.</summary>
    public const int Colors = 7;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <summary>The plot as an <c>svg</c> element.</summary>
    /// <param name="plot">The plot, without legend.</param>
    /// <param name="id">Begins the names within the picture; no other picture of the page has it.</param>
    /// <param name="label">What it shows, for those who don't see it.</param>
    /// <param name="width">Width in points.</param>
    /// <param name="height">Height in points.</param>
    public static string Draw(LinePlot plot, string id, string label, int width = 400, int height = 250)
    {
        using var drawing = plot.Build(new Signs(), withLegend: false);
        var root = XElement.Parse(drawing.GetSvgXml(width, height));
        root.Name = "svg";
        root.ReplaceAttributes(new XAttribute("viewBox", FormattableString.Invariant($"0 0 {width} {height}")),
            new XAttribute("role", "img"), new XAttribute("aria-label", HtmlWriter.Clean(label)));
        foreach (var element in root.Descendants().ToList()) Rewrite(element, id);
        return root.ToString(SaveOptions.DisableFormatting);
    }

    private static void Rewrite(XElement element, string id)
    {
        element.Name = element.Name.LocalName;
        // Backgrounds: the page has its own.
        if (element.Name == "rect" && element.Attribute("fill") is { } background && Sign(background.Value) == Signs.Nothing)
        {
            element.Remove();
            return;
        }
        if (element.Attribute("id") is { } name) name.Value = id + name.Value;
        if (element.Attribute("clip-path") is { } clip) clip.Value = clip.Value.Replace("url(#", $"url(#{id}", StringComparison.Ordinal);
        var style = string.Concat(new[] { "fill", "stroke" }.Select(property => Replaced(element, property)));
        if (style.Length > 0) element.SetAttributeValue("style", style);
        element.SetAttributeValue("stroke-miterlimit", null);
        if (element.Name == "text")
        {
            element.Value = element.Value.Trim();
            element.SetAttributeValue("font-family", null);
        }
        foreach (var attribute in element.Attributes().Where(a => a.Name.LocalName is "d" or "x" or "y" or "width" or "height" or "transform"))
            attribute.Value = Decimals().Replace(attribute.Value, Rounded).Trim(' ', ',');
    }

    private static string? Replaced(XElement element, string property)
    {
        var color = element.Attribute(property)?.Value;
        // Letters have no colour where it is black.
        if (color is null or "none" || Sign(color) is not { } sign) return null;
        element.SetAttributeValue(property, null);
        if (sign == Signs.Nothing) return $"{property}:none;";
        if (sign == Signs.OfGrid)
        {
            element.SetAttributeValue($"{property}-opacity", null);
            return $"{property}:var(--grid);";
        }
        if (sign.R != Signs.OfLine) return $"{property}:var(--ink);";
        var extra = property != "stroke" ? "" : sign.B == Signs.Dashed ? "stroke-dasharray:5 3;stroke-width:1.6;"
            : sign.B == Signs.Faint ? "stroke-opacity:.35;stroke-width:1;" : "";
        return $"{property}:var(--c{sign.G - 1});stroke-linejoin:round;{extra}";
    }

    private static Color? Sign(string color) => color switch
    {
        "white" => Signs.Nothing,
        "black" => Signs.OfInk,
        ['#', ..] => Color.FromHex(color),
        _ => null,
    };

    private static string Rounded(Match match)
    {
        var text = double.Parse(match.ValueSpan, CultureInfo.InvariantCulture).ToString("0.#", CultureInfo.InvariantCulture);
        return text == "-0" ? "0" : text;
    }

    [GeneratedRegex(@"-?\d*\.\d+(e-?\d+)?")]
    private static partial Regex Decimals();

    // Red says that it is a line, green which, blue how it is drawn.
    private sealed class Signs : PlotColors
    {
        public const byte OfLine = 0xE1, Solid = 0xB0, Dashed = 0xB1, Faint = 0xB2;

        public static readonly Color Nothing = ScottPlot.Colors.White, OfInk = new(0x33, 0x33, 0x33), OfGrid = new(0xE6, 0xE6, 0xE6);

        public override Color Ink => OfInk;

        public override Color Grid => OfGrid;

        public override Color Background => Nothing;

        public override bool DrawsDashes => false;

        public override Color Line(Series series, int place) => new(OfLine, (byte)(1 + ((series.Color ?? place) % SvgPlot.Colors)),
            series.Dashed ? Dashed : series.Faint ? Faint : Solid);
    }
}
