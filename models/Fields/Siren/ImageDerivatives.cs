using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>Derivatives of images by differences of their pixels: what derivative losses aim at.</summary>
public static class ImageDerivatives
{
    /// <summary>Sobel's differences: eight times the derivative per pixel, smoothed across. The image is continued by reflection.</summary>
    /// <param name="image">(rows, columns)</param>
    /// <returns>(rows · columns, 2): along rows' index, along columns' index.</returns>
    /// <exception cref="ArgumentException">Not a matrix.</exception>
    public static Tensor Sobel(Tensor image) => Filter(image,
    [
        new double[,] { { -1, -2, -1 }, { 0, 0, 0 }, { 1, 2, 1 } },
        new double[,] { { -1, 0, 1 }, { -2, 0, 2 }, { -1, 0, 1 } },
    ]);

    /// <summary>The five-point Laplacian per squared pixel. The image is continued by reflection.</summary>
    /// <param name="image">(rows, columns)</param>
    /// <returns>(rows · columns, 1)</returns>
    /// <exception cref="ArgumentException">Not a matrix.</exception>
    public static Tensor Laplacian(Tensor image) => Filter(image, [new double[,] { { 0, 1, 0 }, { 1, -4, 1 }, { 0, 1, 0 } }]);

    /// <summary>Central differences at the inner pixels, per unit of the coordinates of <see cref="FieldCoordinates.Grid"/>.</summary>
    /// <param name="image">(rows, columns), at least 3 each.</param>
    /// <returns>(rows − 2, columns − 2, 2)</returns>
    /// <exception cref="ArgumentException">Not a matrix of at least 3×3.</exception>
    public static Tensor Central(Tensor image)
    {
        CheckImage(image);
        long rows = image.shape[0], columns = image.shape[1];
        if (rows < 3 || columns < 3) throw new ArgumentException($"Expected at least 3×3, got ({Require.Text(image)})", nameof(image));
        using var scope = NewDisposeScope();
        var (inRows, inColumns) = (image.narrow(1, 1, columns - 2), image.narrow(0, 1, rows - 2));
        var down = (inRows.narrow(0, 2, rows - 2) - inRows.narrow(0, 0, rows - 2)) * ((rows - 1) / 4.0);
        var right = (inColumns.narrow(1, 2, columns - 2) - inColumns.narrow(1, 0, columns - 2)) * ((columns - 1) / 4.0);
        return stack([down, right], -1).MoveToOuterDisposeScope();
    }

    private static Tensor Filter(Tensor image, double[][,] kernels)
    {
        CheckImage(image);
        using var scope = NewDisposeScope();
        // Reflection about the edge of the outermost pixel repeats that pixel.
        var padded = functional.pad(image.unsqueeze(0).unsqueeze(0), [1, 1, 1, 1], TorchSharp.PaddingModes.Replicate);
        var weights = stack(kernels.Select(k => tensor(k, image.dtype, image.device).unsqueeze(0)));
        return functional.conv2d(padded, weights).flatten(2).squeeze(0).t().contiguous().MoveToOuterDisposeScope();
    }

    private static void CheckImage(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.dim() != 2 || image.numel() == 0)
            throw new ArgumentException($"Expected (rows, columns), got ({Require.Text(image)})", nameof(image));
    }
}
