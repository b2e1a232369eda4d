using SkiaSharp;

namespace TorchZoo.Reports;

/// <summary>A grid of grey or colour images: what was given, what was made of it, the truth. For fields with a scale see
/// <see cref="FieldPicture"/>.</summary>
/// <example><code>
/// new ImagePicture
/// {
///     Title = "Held-out images",
///     Rows = [[new("known", known), new("reconstruction", made), new("truth", image)]],
/// }.Save("images.png");
/// </code></example>
public sealed record ImagePicture
{
    private const float Margin = 16, Gap = 8, TitleHeight = 30, PanelTitleHeight = 18;
    private static readonly SKColor Ink = new(0x33, 0x33, 0x33), Missing = new(0xBB, 0xBB, 0xBB);

    /// <summary>What the picture shows; empty: no title.</summary>
    public string Title { get; init; } = "";

    /// <summary>The images, row by row.</summary>
    public required IReadOnlyList<IReadOnlyList<ImagePanel>> Rows { get; init; }

    /// <summary>The longer side of an image, in points. An image keeps its shape.</summary>
    public int PanelSize { get; init; } = 128;

    /// <summary>Draws it and writes it as a PNG file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">There is no image, or all together are too large.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (Rows.Count == 0 || Rows.Any(r => r.Count == 0))
            throw new ArgumentException("Rows of at least one image were expected.", nameof(Rows));
        using var titleFont = new SKFont(Lettering.Bold, 15);
        using var panelFont = new SKFont(Lettering.Regular, 11.5f);
        var columns = Enumerable.Range(0, Rows.Max(r => r.Count)).Select(j => Rows.Where(r => j < r.Count)
            .Max(r => Math.Max(Size(r[j]).Width, panelFont.MeasureText(r[j].Title)))).ToArray();
        var titles = Rows.Select(r => r.Any(p => p.Title.Length > 0) ? PanelTitleHeight : 0).ToArray();
        var heights = Rows.Select(r => r.Max(p => Size(p).Height)).ToArray();
        var top = Margin + (Title.Length > 0 ? TitleHeight : 0);
        var width = Math.Max(columns.Sum() + (Gap * (columns.Length - 1)), titleFont.MeasureText(Title)) + (2 * Margin);
        var height = top + heights.Sum() + titles.Sum() + (Gap * (heights.Length - 1)) + Margin;

        Picture.Save(path, (int)MathF.Ceiling(width), (int)MathF.Ceiling(height), canvas =>
        {
            using var ink = new SKPaint { Color = Ink, IsAntialias = true };
            if (Title.Length > 0) canvas.DrawText(Title, Margin, Margin + 14, SKTextAlign.Left, titleFont, ink);
            var y = top;
            foreach (var (i, row) in Rows.Index())
            {
                var x = Margin;
                foreach (var (j, panel) in row.Index())
                {
                    canvas.DrawText(panel.Title, x, y + 12, SKTextAlign.Left, panelFont, ink);
                    Draw(canvas, panel, x, y + titles[i]);
                    x += columns[j] + Gap;
                }
                y += titles[i] + heights[i] + Gap;
            }
        });
    }

    private SKSize Size(ImagePanel panel)
    {
        var points = (float)PanelSize / Math.Max(panel.Width, panel.Height);
        return new(panel.Width * points, panel.Height * points);
    }

    private void Draw(SKCanvas canvas, ImagePanel panel, float x, float y)
    {
        using var bitmap = new SKBitmap(panel.Width, panel.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Pixels =
            [.. panel.Pixels.Chunk(3).Select(p => p.All(float.IsFinite) ? new SKColor(Level(p[0]), Level(p[1]), Level(p[2])) : Missing)];
        using var image = SKImage.FromBitmap(bitmap);
        var size = Size(panel);
        // Enlarged pixels stay pixels, so that the resolution is seen; reduced ones are averaged.
        var enlarged = panel.Width <= size.Width * Picture.PixelsPerPoint;
        canvas.DrawImage(image, SKRect.Create(x, y, size.Width, size.Height), enlarged ? new SKSamplingOptions(SKFilterMode.Nearest)
            : new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
    }

    private static byte Level(float value) => (byte)MathF.Round(255 * Math.Clamp(value, 0, 1));
}
