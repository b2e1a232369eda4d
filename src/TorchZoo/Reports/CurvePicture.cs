using SkiaSharp;

namespace TorchZoo.Reports;

/// <summary>Hundreds of functions on one page: small frames in rows, all of one window, so that shapes and sizes can be compared. Few
/// functions with axes and a legend are a <see cref="LinePlot"/>.</summary>
/// <example><code>
/// new CurvePicture
/// {
///     Title = "Activations",
///     Panels = [new("tanh", new Series("", x, tanh)), new("ReLU", new Series("", x, relu))],
/// }.Save("activations.png");
/// </code></example>
public sealed record CurvePicture
{
    private const float Margin = 16, Gap = 8, TitleHeight = 30, PanelTitleHeight = 14, LineHeight = 11;

    private static readonly SKColor Ink = new(0x33, 0x33, 0x33), Axis = new(0xD5, 0xD5, 0xD5), Frame = new(0xF7, 0xF7, 0xF7);

    /// <summary>What the picture shows; empty: no title.</summary>
    public string Title { get; init; } = "";

    /// <summary>The frames, in reading order.</summary>
    public required IReadOnlyList<CurvePanel> Panels { get; init; }

    /// <summary>Frames a row.</summary>
    public int Columns { get; init; } = 20;

    /// <summary>The side of a frame, in points.</summary>
    public int PanelSize { get; init; } = 76;

    /// <summary>The window's range from left to right.</summary>
    public (double Low, double High) XRange { get; init; } = (-4, 4);

    /// <summary>The window's range from bottom to top.</summary>
    public (double Low, double High) YRange { get; init; } = (-3, 5);

    /// <summary>Draws it and writes it as a PNG file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">There is no frame, a size or range isn't positive, a series has not as many ordinates as
    /// abscissae, or all together are too large.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Columns);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(PanelSize);
        if (Panels.Count == 0) throw new ArgumentException("At least one frame was expected.", nameof(Panels));
        if (!(XRange.High > XRange.Low)) throw new ArgumentException($"A range was expected, not {XRange}.", nameof(XRange));
        if (!(YRange.High > YRange.Low)) throw new ArgumentException($"A range was expected, not {YRange}.", nameof(YRange));
        foreach (var series in Panels.SelectMany(p => p.Series))
            if (series.X.Length != series.Y.Length)
                throw new ArgumentException($"'{series.Name}' has {series.X.Length} abscissae and {series.Y.Length} ordinates.",
                    nameof(Panels));

        using var titleFont = new SKFont(Lettering.Bold, 15);
        using var panelFont = new SKFont(Lettering.Bold, 8.5f);
        using var captionFont = new SKFont(Lettering.Regular, 8.5f);
        var columns = Math.Min(Columns, Panels.Count);
        string[][] captions = [.. Panels.Select(p => Wrap(p.Caption, captionFont))];
        float[] heights = [.. captions.Chunk(columns).Select(row =>
            PanelTitleHeight + PanelSize + row.Max(c => c.Length) * LineHeight + Gap)];
        var top = Margin + (Title.Length > 0 ? TitleHeight : 0);
        var width = Math.Max(columns * (PanelSize + Gap) - Gap, titleFont.MeasureText(Title)) + 2 * Margin;
        Picture.Save(path, (int)MathF.Ceiling(width), (int)MathF.Ceiling(top + heights.Sum() + Margin), canvas =>
        {
            using var ink = new SKPaint { Color = Ink, IsAntialias = true };
            if (Title.Length > 0) canvas.DrawText(Title, Margin, Margin + 14, SKTextAlign.Left, titleFont, ink);
            var y = top;
            foreach (var (row, height) in heights.Index())
            {
                for (var column = 0; column < columns && row * columns + column < Panels.Count; column++)
                {
                    var i = row * columns + column;
                    var x = Margin + column * (PanelSize + Gap);
                    canvas.DrawText(Fit(Panels[i].Title, panelFont), x, y + 10, SKTextAlign.Left, panelFont, ink);
                    Draw(canvas, Panels[i], SKRect.Create(x, y + PanelTitleHeight, PanelSize, PanelSize));
                    foreach (var (line, text) in captions[i].Index())
                        canvas.DrawText(text, x, y + PanelTitleHeight + PanelSize + (line + 1) * LineHeight, SKTextAlign.Left, captionFont,
                            ink);
                }
                y += height;
            }
        });
    }

    private void Draw(SKCanvas canvas, CurvePanel panel, SKRect frame)
    {
        float Left(double x) => frame.Left + (float)((x - XRange.Low) / (XRange.High - XRange.Low)) * frame.Width;
        // Skia's own limits are far outside, but not as far as some functions go.
        float Top(double y) => frame.Bottom - (float)Math.Clamp((y - YRange.Low) / (YRange.High - YRange.Low), -9, 9) * frame.Height;
        canvas.Save();
        canvas.ClipRect(frame);
        using var paint = new SKPaint { Color = Frame, IsAntialias = true, StrokeWidth = 1 };
        canvas.DrawRect(frame, paint);
        paint.Color = Axis;
        canvas.DrawLine(Left(0), frame.Top, Left(0), frame.Bottom, paint);
        canvas.DrawLine(frame.Left, Top(0), frame.Right, Top(0), paint);
        (paint.Style, paint.StrokeWidth) = (SKPaintStyle.Stroke, 1.5f);
        foreach (var (i, series) in panel.Series.Index())
        {
            var color = PlotColors.Paper.Line(series, i);
            paint.Color = new SKColor(color.R, color.G, color.B);
            using var path = new SKPath();
            var isOpen = false;
            foreach (var (x, y) in series.X.Zip(series.Y))
            {
                if (!double.IsFinite(y))
                {
                    isOpen = false;
                    continue;
                }
                if (isOpen) path.LineTo(Left(x), Top(y));
                else path.MoveTo(Left(x), Top(y));
                isOpen = true;
            }
            canvas.DrawPath(path, paint);
        }
        canvas.Restore();
    }

    private string Fit(string text, SKFont font)
    {
        if (font.MeasureText(text) <= PanelSize + Gap / 2) return text;
        while (text.Length > 1 && font.MeasureText(text + "…") > PanelSize + Gap / 2) text = text[..^1];
        return text + "…";
    }

    private string[] Wrap(string text, SKFont font)
    {
        var lines = new List<string>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (lines.Count > 0 && font.MeasureText($"{lines[^1]} {word}") <= PanelSize) lines[^1] += " " + word;
            else lines.Add(word);
        return [.. lines];
    }
}
