using ScottPlot;
using SkiaSharp;
using TorchSharp;
using TorchZoo.Numerics;

namespace TorchZoo.Reports;

/// <summary>A grid of 2-D fields as heat maps with colour bars: input, truth, prediction, error.</summary>
/// <example><code>
/// new FieldPicture
/// {     Title = "Darcy flow, test sample 0",
///     Rows = [[new("permeability a", a), new("pressure u", u) { Scale = "u" }, new("prediction", p) { Scale = "u" },
///              new("error", p - u) { Colors = ColorScale.Diverging }]],
/// }.Save("fields.png");
/// </code></example>
public sealed record FieldPicture
{
    private const float Margin = 16, Gap = 22, TitleHeight = 30, PanelTitleHeight = 22, BarGap = 7, BarWidth = 9, TickLength = 3,
        TickGap = 3, TickSize = 10.5f;
    private const int BarSteps = 256;
    private static readonly SKColor Ink = new(0x33, 0x33, 0x33), Frame = new(0x99, 0x99, 0x99), Missing = new(0xBB, 0xBB, 0xBB);

    /// <summary>What the picture shows; empty: no title.</summary>
    public string Title { get; init; } = "";

    /// <summary>The panels, row by row.</summary>
    public required IReadOnlyList<IReadOnlyList<FieldPanel>> Rows { get; init; }

    /// <summary>The longer side of a panel, in points. A panel keeps its field's shape.</summary>
    public int PanelSize { get; init; } = 190;

    /// <summary>Draws it and writes it as a PNG file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">There is no panel, or one is empty.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (Rows.Count == 0 || Rows.Any(r => r.Count == 0))
            throw new ArgumentException("Rows of at least one panel were expected.", nameof(Rows));
        if (Rows.SelectMany(r => r).FirstOrDefault(p => p.Values.Length == 0) is { } empty)
            throw new ArgumentException($"The panel '{empty.Title}' is empty.", nameof(Rows));

        using var titleFont = new SKFont(Lettering.Bold, 15);
        using var panelFont = new SKFont(Lettering.Regular, 12.5f);
        using var tickFont = new SKFont(Lettering.Regular, TickSize);
        var ranges = Ranges();
        var panels = Rows.Select(row => row.Select(p => Layout(p, ranges, tickFont)).ToArray()).ToArray();
        // Columns line up: each is as wide as its widest panel.
        var columns = Enumerable.Range(0, panels.Max(r => r.Length)).Select(j => panels.Where(r => j < r.Length).Max(r => r[j].FullWidth))
            .ToArray();
        var heights = panels.Select(r => r.Max(p => p.Height)).ToArray();
        var top = Margin + (Title.Length > 0 ? TitleHeight : 0);
        var width = (2 * Margin) + columns.Sum() + (Gap * (columns.Length - 1));
        var height = top + heights.Sum(h => PanelTitleHeight + h) + ((heights.Length - 1) * Gap * 0.6f) + Margin;
        width = Math.Max(width, (2 * Margin) + titleFont.MeasureText(Title));

        Picture.Save(path, (int)MathF.Ceiling(width), (int)MathF.Ceiling(height), canvas =>
        {
            using var ink = new SKPaint { Color = Ink, IsAntialias = true };
            if (Title.Length > 0) canvas.DrawText(Title, Margin, Margin + 14, SKTextAlign.Left, titleFont, ink);
            var y = top;
            for (var i = 0; i < panels.Length; i++)
            {
                var x = Margin;
                for (var j = 0; j < panels[i].Length; j++)
                {
                    Draw(canvas, panels[i][j], x, y, panelFont, tickFont, ink);
                    x += columns[j] + Gap;
                }
                y += PanelTitleHeight + heights[i] + (Gap * 0.6f);
            }
        });
    }

    private Dictionary<object, (float Low, float High)> Ranges() =>
        Rows.SelectMany(r => r).GroupBy(Key).ToDictionary(g => g.Key, g =>
        {
            var values = g.SelectMany(p => p.Values.Cast<float>()).Where(float.IsFinite).DefaultIfEmpty(0).ToArray();
            var (low, high) = (values.Min(), values.Max());
            if (g.Any(p => p.Colors == ColorScale.Diverging)) (low, high) = (-Math.Max(-low, high), Math.Max(-low, high));
            if (g.Any(p => p.Colors == ColorScale.Magnitude)) low = Math.Min(low, 0);
            // A constant field has a colour in the middle, not a division by zero.
            var room = Math.Max(Math.Abs(low) * 1e-3f, 1e-12f);
            return high - low > Math.Abs(low) * 1e-6f ? (low, high) : (low - room, high + room);
        });

    private static object Key(FieldPanel panel) => (object?)panel.Scale ?? panel;

    private Panel Layout(FieldPanel panel, Dictionary<object, (float Low, float High)> ranges, SKFont tickFont)
    {
        // Very long fields would leave lines of a pixel: they are shown at most five to one.
        var aspect = Math.Clamp((float)panel.Values.GetLength(1) / panel.Values.GetLength(0), 0.2f, 5f);
        var (width, height) = (PanelSize * MathF.Min(aspect, 1), PanelSize / MathF.Max(aspect, 1));
        var (low, high) = ranges[Key(panel)];
        var ticks = Numbers.RoundTicks(low, high, (int)Math.Clamp(height / 32, 2, 5));
        var labels = Numbers.Labels(ticks);
        var full = width + BarGap + BarWidth + TickLength + TickGap + labels.Max(l => tickFont.MeasureText(l));
        return new Panel(panel, width, height, full, low, high, ticks, labels);
    }

    private static void Draw(SKCanvas canvas, Panel panel, float x, float y, SKFont panelFont, SKFont tickFont, SKPaint ink)
    {
        canvas.DrawText(panel.Source.Title, x, y + 13, SKTextAlign.Left, panelFont, ink);
        y += PanelTitleHeight;
        var map = panel.Source.Colors.Map();
        using var frame = new SKPaint { Color = Frame, Style = SKPaintStyle.Stroke, StrokeWidth = 0.5f, IsAntialias = true };
        var box = SKRect.Create(x, y, panel.Width, panel.Height);
        using (var image = Image(panel, map))
        {
            // Enlarged cells stay cells, so that the resolution is seen; reduced ones are averaged.
            var enlarged = image.Width <= panel.Width * Picture.PixelsPerPoint;
            canvas.DrawImage(image, box, enlarged ? new SKSamplingOptions(SKFilterMode.Nearest)
                : new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        }
        if (panel.Source.Level is { } level) DrawLevel(canvas, panel.Source.Values, level, box);
        canvas.DrawRect(box, frame);

        var bar = SKRect.Create(x + panel.Width + BarGap, y, BarWidth, panel.Height);
        using (var image = Bar(map)) canvas.DrawImage(image, bar, new SKSamplingOptions(SKFilterMode.Linear));
        canvas.DrawRect(bar, frame);
        foreach (var (tick, label) in panel.Ticks.Zip(panel.Labels))
        {
            var place = bar.Bottom - (float)((tick - panel.Low) / (panel.High - panel.Low) * bar.Height);
            canvas.DrawLine(bar.Right, place, bar.Right + TickLength, place, frame);
            // Labels at the ends stay within the panel's height.
            var baseline = Math.Clamp(place + (TickSize * 0.36f), bar.Top + (TickSize * 0.75f), bar.Bottom);
            canvas.DrawText(label, bar.Right + TickLength + TickGap, baseline, SKTextAlign.Left, tickFont, ink);
        }
    }

    private static void DrawLevel(SKCanvas canvas, float[,] values, double level, SKRect box)
    {
        using var scope = torch.NewDisposeScope();
        var field = torch.tensor(values);
        if (!field.isfinite().all().item<bool>()) return;
        using var paint = new SKPaint { Color = Ink, Style = SKPaintStyle.Stroke, StrokeWidth = 1, IsAntialias = true };
        using var path = new SKPath();
        // A value belongs to the middle of its cell.
        var (width, height) = (box.Width / values.GetLength(1), box.Height / values.GetLength(0));
        foreach (var line in Contour.Extract(field, level))
            path.AddPoly([.. line.Points.Select(p => Place(p.First, p.Second))], line.IsClosed);
        canvas.DrawPath(path, paint);

        SKPoint Place(double row, double column) => new(box.Left + (width * (float)(column + 0.5)),
            box.Top + (height * (float)(row + 0.5)));
    }

    private static SKImage Image(Panel panel, IColormap map)
    {
        var values = panel.Source.Values;
        var (rows, columns) = (values.GetLength(0), values.GetLength(1));
        using var bitmap = new SKBitmap(columns, rows, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var pixels = new SKColor[rows * columns];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++)
                pixels[(i * columns) + j] = float.IsFinite(values[i, j]) ? Of(map, (values[i, j] - panel.Low) / (panel.High - panel.Low))
                    : Missing;
        bitmap.Pixels = pixels;
        return SKImage.FromBitmap(bitmap);
    }

    private static SKImage Bar(IColormap map)
    {
        using var bitmap = new SKBitmap(1, BarSteps, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Pixels = [.. Enumerable.Range(0, BarSteps).Select(i => Of(map, 1 - (i / (BarSteps - 1f))))];
        return SKImage.FromBitmap(bitmap);
    }

    private static SKColor Of(IColormap map, float position)
    {
        var color = map.GetColor(Math.Clamp(position, 0, 1));
        return new SKColor(color.Red, color.Green, color.Blue);
    }

    private sealed record Panel(FieldPanel Source, float Width, float Height, float FullWidth, float Low, float High, double[] Ticks,
        string[] Labels);
}
