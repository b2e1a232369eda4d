using SkiaSharp;

namespace TorchZoo.Reports.Html;

/// <summary>A picture as a page holds it.</summary>
/// <param name="Source">A <c>data:</c> address.</param>
/// <param name="Width">Its width in the page, in points.</param>
/// <param name="Height">Its height.</param>
internal sealed record EmbeddedPicture(string Source, int Width, int Height)
{
    /// <summary>The longest side in pixels that is embedded.</summary>
    public const int MostPixels = 1600;

    /// <summary>A picture file, made smaller if it has more than <see cref="MostPixels"/> a side.</summary>
    /// <param name="path">The file.</param>
    /// <param name="most">Pixels a side at most.</param>
    /// <exception cref="InvalidDataException">It isn't a picture.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static EmbeddedPicture Of(string path, int most = MostPixels)
    {
        var bytes = File.ReadAllBytes(path);
        using var codec = SKCodec.Create(new MemoryStream(bytes)) ?? throw new InvalidDataException($"{path}: not a picture");
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        // Pictures of this library are drawn at two pixels a point.
        var points = new SKSizeI(Math.Max(1, width / Picture.PixelsPerPoint), Math.Max(1, height / Picture.PixelsPerPoint));
        var factor = (float)most / Math.Max(width, height);
        if (factor >= 1) return new(Address(TypeOf(codec.EncodedFormat, path), bytes), points.Width, points.Height);
        using var whole = SKBitmap.Decode(codec) ?? throw new InvalidDataException($"{path}: a damaged picture");
        using var small = whole.Resize(new SKSizeI(Math.Max(1, (int)(width * factor)), Math.Max(1, (int)(height * factor))),
            new SKSamplingOptions(SKCubicResampler.Mitchell));
        using var image = SKImage.FromBitmap(small);
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        // Smoothed edges can take more bytes than the sharp ones of the larger picture.
        return png.Size < bytes.Length ? new(Address("image/png", png.ToArray()), points.Width, points.Height)
            : new(Address(TypeOf(codec.EncodedFormat, path), bytes), points.Width, points.Height);
    }

    private static string Address(string type, byte[] bytes) => $"data:{type};base64,{Convert.ToBase64String(bytes)}";

    private static string TypeOf(SKEncodedImageFormat format, string path) => format switch
    {
        SKEncodedImageFormat.Png => "image/png",
        SKEncodedImageFormat.Jpeg => "image/jpeg",
        SKEncodedImageFormat.Gif => "image/gif",
        SKEncodedImageFormat.Webp => "image/webp",
        _ => throw new InvalidDataException($"{path}: a picture of a kind that browsers don't show"),
    };
}
