using TorchSharp;

namespace TorchZoo.Reports;

/// <summary>One image of an <see cref="ImagePicture"/>.</summary>
public sealed class ImagePanel
{
    /// <summary>An image out of a tensor of any real type, on any device; its pixels are copied.</summary>
    /// <param name="title">What it shows; empty: no title.</param>
    /// <param name="image">(1 or 3, height, width) or (height, width); values outside [0, 1] are clipped, a pixel with a channel that isn't
    /// finite is grey.</param>
    /// <exception cref="ArgumentException">Another shape, or no pixels.</exception>
    public ImagePanel(string title, torch.Tensor image)
    {
        ArgumentNullException.ThrowIfNull(title);
        ArgumentNullException.ThrowIfNull(image);
        if (image.numel() == 0 || !(image.dim() == 2 || (image.dim() == 3 && image.shape[0] is 1 or 3)))
            throw new ArgumentException($"Expected (1 or 3, height, width) or (height, width), got ({string.Join(", ", image.shape)}).",
                nameof(image));
        Title = title;
        (Height, Width) = ((int)image.shape[^2], (int)image.shape[^1]);
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        Pixels = image.detach().cpu().to(torch.float32).reshape(-1, Height, Width).expand(3, -1, -1).permute(1, 2, 0).contiguous()
            .data<float>().ToArray();
    }

    /// <summary>What it shows.</summary>
    public string Title { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Red, green, blue, pixel by pixel.</summary>
    internal float[] Pixels { get; }
}
