using System.Globalization;
using System.Text.Json;

namespace TorchZoo.Reports.Html;

/// <summary>What the pages have in common: the frame, numbers, tables, plots, pictures.</summary>
internal abstract class Page
{
    // A page stays small enough for a message: pictures beyond this share their pixels.
    private const long MostPictureBytes = 1_500_000;
    private const int FewPixels = 800;
    private const int LongText = 36;
    private const int WidePicture = 600;

    private int _plots;
    private long _pictureBytes;

    /// <summary>What the page is written to.</summary>
    protected HtmlWriter Html { get; } = new();

    /// <summary>Writes the page.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="body">Writes what is in it.</param>
    protected string Write(string title, Action body)
    {
        Html.Raw("<!DOCTYPE html>\n");
        using (Html.Open("html", ("xmlns", "http://www.w3.org/1999/xhtml"), ("lang", "en")))
        {
            using (Html.Open("head"))
            {
                Html.Void("meta", ("charset", "utf-8"));
                Html.Void("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
                Html.Void("meta", ("name", "color-scheme"), ("content", "light dark"));
                Html.Element("title", title);
                using (Html.Open("style"))
                {
                    var font = Convert.ToBase64String(Resource("TorchZoo.Fonts.ZooSans-Regular"));
                    Html.Raw($"@font-face{{font-family:\"Zoo Sans\";src:url(data:font/otf;base64,{font})}}\n");
                    Html.Raw(System.Text.Encoding.UTF8.GetString(Resource("TorchZoo.report.css")));
                }
            }
            using (Html.Open("body"))
            using (Html.Open("main")) body();
        }
        return Html.ToString() + "\n";
    }

    /// <summary>A section with a heading.</summary>
    protected void Section(string heading, string id, Action content)
    {
        using (Html.Open("section", ("aria-labelledby", id)))
        {
            Html.Element("h2", heading, ("id", id));
            content();
        }
    }

    /// <summary>What is shown on demand.</summary>
    protected void Details(string summary, Action content)
    {
        using (Html.Open("details"))
        {
            Html.Element("summary", summary);
            content();
        }
    }

    /// <summary>A table; columns of numbers go right.</summary>
    /// <param name="title">What is above it; null: nothing.</param>
    /// <param name="columns">Heads.</param>
    /// <param name="rows">Cells: texts or numbers. Null is an empty cell.</param>
    protected void Table(string? title, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<object?>> rows)
    {
        var right = columns.Select((_, i) => rows.Any(r => r[i] is double) && rows.All(r => r[i] is double or null)).ToArray();
        // Above the table, not its caption: that would break at the table's width and scroll with it.
        if (title is not null) Html.Element("h4", title);
        using (Html.Open("div", ("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", title ?? "table")))
        using (Html.Open("table"))
        {
            using (Html.Open("thead"))
            using (Html.Open("tr"))
                foreach (var (i, column) in columns.Index()) Html.Element("th", column, ("scope", "col"), ("class", right[i] ? "n" : null));
            using (Html.Open("tbody"))
                foreach (var row in rows)
                    using (Html.Open("tr"))
                        foreach (var (i, cell) in row.Index()) Cell(Text(cell), right[i]);
        }
    }

    // Short cells don't break, long ones do.
    private void Cell(string text, bool isNumber) =>
        Html.Element("td", text, ("class", isNumber ? "n" : text.Length > LongText ? "long" : null));

    /// <summary>Names with values.</summary>
    protected void Values(IEnumerable<(string Name, string Value)> values, string kind = "values")
    {
        using (Html.Open("dl", ("class", kind)))
            foreach (var (name, value) in values)
                using (Html.Open("div"))
                {
                    Html.Element("dt", name);
                    Html.Element("dd", value);
                }
    }

    /// <summary>Bars of what a claim compares: the value, the baseline, and a line at the threshold.</summary>
    protected void Bars(IReadOnlyList<(string Name, double Value, string Kind, string? Verdict)> bars, double? threshold)
    {
        var greatest = bars.Select(b => b.Value).Append(threshold ?? 0).Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        using (Html.Open("div", ("class", "bars")))
        {
            foreach (var (name, value, kind, verdict) in bars)
                using (Html.Open("div", ("class", $"bar {kind}")))
                {
                    using (Html.Open("span", ("class", "name")))
                    {
                        Html.Text(name + " ");
                        if (verdict is not null) Badge(verdict);
                    }
                    using (Html.Open("span", ("class", "track")))
                    {
                        using (Html.Open("i", ("style", $"width:{Percent(value)}"))) { }
                        if (threshold is { } line && double.IsFinite(line))
                            using (Html.Open("b", ("style", $"left:{Percent(line)}"), ("title", $"threshold {Number(line)}"))) { }
                    }
                    Html.Element("span", Number(value), ("class", "n"));
                }
            if (threshold is { } asked)
                using (Html.Open("div", ("class", "bar key")))
                {
                    Html.Element("span", "threshold", ("class", "name"));
                    using (Html.Open("span", ("class", "track")))
                        if (double.IsFinite(asked)) using (Html.Open("b", ("style", $"left:{Percent(asked)}"))) { }
                    Html.Element("span", Number(asked), ("class", "n"));
                }
        }

        string Percent(double value) => !double.IsFinite(value) || greatest == 0 ? "0"
            : (100 * Math.Abs(value) / greatest).ToString("0.##", CultureInfo.InvariantCulture) + "%";
    }

    /// <summary>Panels of curves with one legend.</summary>
    /// <param name="curves">The panels.</param>
    /// <param name="legend">What the colours are.</param>
    protected void Curves(IReadOnlyList<Curve> curves, IReadOnlyList<(string Name, int Color)> legend)
    {
        var lines = curves.SelectMany(c => c.Plot.Series).ToList();
        using (Html.Open("ul", ("class", "legend")))
        {
            foreach (var (name, color) in legend)
                using (Html.Open("li"))
                {
                    using (Html.Open("i", ("style", $"background:var(--c{color % SvgPlot.Colors})"))) { }
                    Html.Text(name);
                }
            if (lines.Any(l => l.Dashed))
            {
                foreach (var (kind, text) in new[] { ("solid", "training"), ("dashed", "validation") })
                    using (Html.Open("li"))
                    {
                        using (Html.Open("i", ("class", kind))) { }
                        Html.Text(text);
                    }
            }
            if (lines.Any(l => l.Faint))
                using (Html.Open("li"))
                {
                    using (Html.Open("i", ("class", "faint"))) { }
                    Html.Text("single steps");
                }
        }
        using (Html.Open("div", ("class", "plots")))
            foreach (var curve in curves)
                using (Html.Open("figure"))
                {
                    using (Html.Open("figcaption"))
                    {
                        Html.Text(curve.Title);
                        if (curve.Plot.LogY) Html.Element("small", " log scale");
                        if (curve.Remark is not null) Html.Element("em", curve.Remark);
                    }
                    if (curve.Plot.Series.Any(s => s.Y.Any(double.IsFinite)))
                    {
                        var label = $"{curve.Title} by step: {string.Join(", ", legend.Select(l => l.Name))}";
                        Html.Raw(SvgPlot.Draw(curve.Plot, $"p{_plots++}", label));
                    }
                }
    }

    /// <summary>A picture of a run's folder, within the page.</summary>
    protected void Image(RunFolder run, string path, string caption, string? heading = null)
    {
        using (Html.Open("figure", ("class", "picture")))
        {
            if (heading is not null) Html.Element("h3", heading);
            try
            {
                var file = run.Find(path) ?? throw new InvalidDataException("it is not there");
                var picture = EmbeddedPicture.Of(file, _pictureBytes > MostPictureBytes ? FewPixels : EmbeddedPicture.MostPixels);
                _pictureBytes += picture.Source.Length;
                // On a phone a wide picture is scrolled, not shrunk until nobody can read it.
                var isWide = picture.Width > WidePicture && picture.Width > 1.8 * picture.Height;
                using (Html.Open("div", ("class", isWide ? "scroll wide" : null), ("tabindex", isWide ? "0" : null)))
                    Html.Void("img", ("src", picture.Source), ("alt", caption), ("width", Integer(picture.Width)),
                        ("height", Integer(picture.Height)));
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                using (Html.Open("p", ("class", "warning"))) Html.Text($"{path} can't be shown: it is damaged or missing");
            }
            using (Html.Open("figcaption"))
            {
                Html.Text(caption);
                Html.Element("small", $" {path}");
            }
        }
    }

    /// <summary>PASS, FAIL or what else became of a run.</summary>
    protected void Badge(string verdict) => Html.Element("strong", verdict, ("class", $"badge {verdict switch
    {
        "PASS" or "FINISHED" => "good",
        "FAIL" or "FAILED" => "bad",
        "STOPPED" or "UNFINISHED" => "warn",
        _ => "neutral",
    }}"));

    /// <summary>One word for what became of a run.</summary>
    protected static string Verdict(RunFolder run) => run.Outcome switch
    {
        RunOutcome.Failed => "FAILED",
        RunOutcome.Stopped => "STOPPED",
        null => "UNFINISHED",
        _ when run.Claims.Count == 0 => "FINISHED",
        // One word for all: the worst.
        _ => run.Claims.Select(c => c.Verdict).OrderBy(v => v == "FAIL" ? 0 : v == "PASS" ? 2 : 1).First(),
    };

    /// <summary>A number with four significant digits, integers in full.</summary>
    protected static string Number(double value) => double.IsInteger(value) && Math.Abs(value) is >= 10000 and < 1e12
        ? value.ToString("#,0", Grouped).Replace('-', '−') : Numbers.Short(value, 4);

    /// <summary>A cell's text.</summary>
    protected static string Text(object? cell) => cell switch
    {
        null => "",
        double number => Number(number),
        JsonElement json => json.ValueKind switch
        {
            JsonValueKind.Number => Number(json.GetDouble()),
            JsonValueKind.String => json.GetString()!,
            JsonValueKind.Null or JsonValueKind.Undefined => "none",
            JsonValueKind.Array => $"[{string.Join(", ", json.EnumerateArray().Select(e => Text(e)))}]",
            _ => json.GetRawText(),
        },
        _ => Convert.ToString(cell, CultureInfo.InvariantCulture) ?? "",
    };

    /// <summary>A cell of a journal's table: numbers as numbers, so that their columns go right.</summary>
    protected static object Cell(JsonElement cell) => cell.ValueKind switch
    {
        JsonValueKind.Number => cell.GetDouble(),
        JsonValueKind.String when cell.GetString() is "NaN" or "Infinity" or "-Infinity" =>
            double.Parse(cell.GetString()!, CultureInfo.InvariantCulture),
        _ => Text(cell),
    };

    /// <summary>A version with as much of its commit as Git shows.</summary>
    protected static string Version(string version) =>
        version.IndexOf('+', StringComparison.Ordinal) is > 0 and var plus && version.Length > plus + 8 ? version[..(plus + 8)] : version;

    /// <summary>How long something took.</summary>
    protected static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
        { TotalHours: < 1 } => $"{time.Minutes} min {time.Seconds:00} s",
        _ => $"{(int)time.TotalHours} h {time.Minutes:00} min",
    };

    /// <summary>A size of memory or of a file.</summary>
    protected static string Size(double bytes) => bytes switch
    {
        < 1e3 => $"{bytes:0} bytes",
        < 1e6 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0} kB"),
        < 1e10 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
    };

    /// <summary>A configuration as names with values: those within others joined by dots.</summary>
    protected static IEnumerable<(string Name, string Value)> Flat(JsonElement config, string prefix = "") =>
        config.ValueKind != JsonValueKind.Object ? [(prefix, Text(config))]
            : config.EnumerateObject().SelectMany(p => Flat(p.Value, prefix.Length > 0 ? $"{prefix}.{p.Name}" : p.Name));

    private static readonly NumberFormatInfo Grouped = new() { NumberGroupSeparator = "\u202f" };

    private static string Integer(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static byte[] Resource(string name)
    {
        using var stream = typeof(Page).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The assembly lacks its resource {name}");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
