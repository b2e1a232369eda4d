using SkiaSharp;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// Image files (PNG, JPEG and what else SkiaSharp decodes) as tensors (channels, height, width), 8 bits a channel. Colours are those of the
/// file, without colour management; transparency is dropped.
/// </summary>
public static class ImageFile
{
    private const long MaximumPixels = 1L << 28;

    /// <summary>Reads an image, upright as its orientation tag says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="channels">Grey or colour. Colours become grey by Rec. 601: 0.299 R + 0.587 G + 0.114 B.</param>
    /// <returns>(1 or 3, height, width) in [0, 1], float32. For [−1, 1] take 2x − 1.</returns>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is no image, ends early or is too large.</exception>
    public static Tensor Load(string path, ImageChannels channels = ImageChannels.Rgb)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var stream = File.OpenRead(path);
        return Load(stream, channels, path);
    }

    /// <inheritdoc cref="Load(string, ImageChannels)"/>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="channels">Grey or colour.</param>
    /// <param name="name">What messages call it.</param>
    public static Tensor Load(Stream stream, ImageChannels channels = ImageChannels.Rgb, string name = "the image")
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!Enum.IsDefined(channels)) throw new ArgumentException($"Expected a named kind of channels, got {channels}", nameof(channels));
        // The codec wants to seek; a copy lets every stream do.
        using var data = SKData.Create(stream);
        using var codec = data is null ? null : SKCodec.Create(data);
        if (codec is null)
            throw new InvalidDataException($"{name}: this is no image in a format that is known (PNG, JPEG, WebP, GIF, BMP)");
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if (width < 1 || height < 1 || (long)width * height > MaximumPixels)
            throw new InvalidDataException($"{name}: expected at most {MaximumPixels} pixels, got {width}×{height}");
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result != SKCodecResult.Success)
            throw new InvalidDataException($"{name}: the image of {width}×{height} pixels can't be decoded ({Reason(result)})");

        using var off = no_grad();
        using var scope = NewDisposeScope();
        var pixels = tensor(bitmap.GetPixelSpan().ToArray(), [height, width, 4]).narrow(2, 0, 3).permute(2, 0, 1)
            .to(ScalarType.Float32) / 255;
        if (channels == ImageChannels.Grey)
            pixels = (pixels[0] * 0.299 + pixels[1] * 0.587 + pixels[2] * 0.114).clamp_(0, 1).unsqueeze(0);
        return Upright(pixels, codec.EncodedOrigin).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Writes an image, whole or not at all.</summary>
    /// <param name="path">The file: <c>.png</c>, <c>.jpg</c> or <c>.jpeg</c>.</param>
    /// <param name="image">(1 or 3, height, width) or (height, width), real; values outside [0, 1] are clipped.</param>
    /// <param name="quality">Of a JPEG, 1 to 100.</param>
    /// <exception cref="ArgumentException">Another kind of file, shape or type, values that aren't finite, or no such quality.</exception>
    public static void Save(string path, Tensor image, int quality = 95)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(image);
        if (quality is < 1 or > 100) throw new ArgumentException($"Expected a quality from 1 to 100, got {quality}", nameof(quality));
        var format = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".png" => SKEncodedImageFormat.Png,
            ".jpg" or ".jpeg" => SKEncodedImageFormat.Jpeg,
            var other => throw new ArgumentException($"Expected a .png or .jpg file, got '{other}'", nameof(path)),
        };
        CheckImage(image);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        if (!image.isfinite().all().item<bool>())
            throw new ArgumentException("Expected finite values, got some that aren't", nameof(image));
        var planes = (image.detach().cpu().to(ScalarType.Float64).clamp(0, 1) * 255).round().to(ScalarType.Byte);
        if (planes.dim() == 2) planes = planes.unsqueeze(0);
        var (height, width) = ((int)planes.shape[1], (int)planes.shape[2]);
        var isGrey = planes.shape[0] == 1;
        // Grey stays grey in the file: a byte a pixel.
        var info = new SKImageInfo(width, height, isGrey ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
        var rows = isGrey ? planes[0] : cat([planes, full([1, height, width], 255, dtype: ScalarType.Byte)]).permute(1, 2, 0);
        using var pixels = SKImage.FromPixelCopy(info, rows.contiguous().data<byte>().ToArray())
            ?? throw new InvalidOperationException($"No memory for an image of {width}×{height} pixels");
        using var encoded = pixels.Encode(format, quality)
            ?? throw new ArgumentException($"An image of {width}×{height} pixels is too large for this format", nameof(image));
        AtomicFile.Write(path, stream => encoded.SaveTo(stream));
    }

    /// <summary>Another resolution by averaging over areas: each new pixel is the mean of what it covers of the old ones.</summary>
    /// <param name="image">(…, height, width), real.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <returns>(…, height, width); differentiable.</returns>
    /// <exception cref="ArgumentException">No pixels, or another type.</exception>
    public static Tensor Resize(Tensor image, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!image.is_floating_point() || image.dim() < 2 || image.shape[^1] < 1 || image.shape[^2] < 1)
            throw new ArgumentException($"Expected real (…, height, width), got {image.dtype} ({string.Join(", ", image.shape)})",
                nameof(image));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        using var scope = NewDisposeScope();
        var rows = Shares(image.shape[^2], height).to(image.dtype).to(image.device);
        var columns = Shares(image.shape[^1], width).to(image.dtype).to(image.device);
        return rows.matmul(image).matmul(columns.t()).MoveToOuterDisposeScope();
    }

    /// <summary>The largest square in the middle.</summary>
    /// <param name="image">(…, height, width)</param>
    /// <returns>(…, side, side): a view.</returns>
    /// <exception cref="ArgumentException">There are less than two axes.</exception>
    public static Tensor CenterSquare(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.dim() < 2)
            throw new ArgumentException($"Expected (…, height, width), got ({string.Join(", ", image.shape)})", nameof(image));
        using var scope = NewDisposeScope();
        var (height, width) = (image.shape[^2], image.shape[^1]);
        var side = Math.Min(height, width);
        return image.narrow(-2, (height - side) / 2, side).narrow(-1, (width - side) / 2, side).MoveToOuterDisposeScope();
    }

    // (to, from): the share of old pixel j in new pixel i, which covers [i, i + 1]·from/to.
    private static Tensor Shares(long from, long to)
    {
        var size = (double)from / to;
        var low = arange(0, to, dtype: ScalarType.Float64).unsqueeze(1) * size;
        var pixel = arange(0, from, dtype: ScalarType.Float64);
        return (minimum(low + size, pixel + 1) - maximum(low, pixel)).clamp_min(0) / size;
    }

    private static Tensor Upright(Tensor image, SKEncodedOrigin origin) => origin switch
    {
        SKEncodedOrigin.TopRight => image.flip(2),
        SKEncodedOrigin.BottomRight => image.flip(1, 2),
        SKEncodedOrigin.BottomLeft => image.flip(1),
        SKEncodedOrigin.LeftTop => image.transpose(1, 2),
        SKEncodedOrigin.RightTop => image.transpose(1, 2).flip(2),
        SKEncodedOrigin.RightBottom => image.transpose(1, 2).flip(1, 2),
        SKEncodedOrigin.LeftBottom => image.transpose(1, 2).flip(1),
        _ => image,
    };

    private static void CheckImage(Tensor image)
    {
        var isImage = image.dim() == 2 || (image.dim() == 3 && image.shape[0] is 1 or 3);
        if (!image.is_floating_point() || image.numel() == 0 || !isImage)
            throw new ArgumentException("Expected real (1 or 3, height, width) or (height, width), got "
                + $"{image.dtype} ({string.Join(", ", image.shape)})", nameof(image));
    }

    private static string Reason(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "the file ends early",
        SKCodecResult.ErrorInInput => "its data are damaged",
        _ => result.ToString(),
    };
}
