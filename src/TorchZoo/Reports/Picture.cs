using SkiaSharp;
using TorchZoo.Checkpoints;

namespace TorchZoo.Reports;

/// <summary>A PNG file drawn at two pixels a point.</summary>
internal static class Picture
{
    public const int PixelsPerPoint = 2;

    private const int MaximumSide = 16384;

    public static void Save(string path, int width, int height, Action<SKCanvas> draw)
    {
        if (Math.Max(width, height) * PixelsPerPoint > MaximumSide)
            throw new ArgumentException($"A picture of at most {MaximumSide / PixelsPerPoint} points a side was expected; this is {width}×{height}.");
        using var surface =
            SKSurface.Create(new SKImageInfo(width * PixelsPerPoint, height * PixelsPerPoint, SKColorType.Rgba8888, SKAlphaType.Opaque))
            ?? throw new InvalidOperationException($"No memory for a picture of {width}×{height} points");
        surface.Canvas.Clear(SKColors.White);
        surface.Canvas.Scale(PixelsPerPoint);
        draw(surface.Canvas);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        AtomicFile.Write(path, stream => png.SaveTo(stream));
    }
}
