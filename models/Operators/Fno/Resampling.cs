using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>Brings a function from one grid to another.</summary>
public static class Resampling
{
    /// <summary>
    /// Resamples (batch, channels, d1, …, dN) to a grid of the given sizes: linear interpolation on one axis, bicubic on two (end points on
    /// end points), band-limited (Fourier) on three and more.
    /// </summary>
    /// <exception cref="ArgumentException">Sizes that aren't positive, or not one for each axis.</exception>
    public static Tensor Resample(Tensor x, long[] sizes)
    {
        if (sizes.Length != x.dim() - 2 || sizes.Any(s => s < 1))
            throw new ArgumentException($"Expected {x.dim() - 2} positive sizes, got [{string.Join(", ", sizes)}]", nameof(sizes));
        if (x.is_complex())
        {
            using var scope = NewDisposeScope();
            return complex(Resample(x.real, sizes), Resample(x.imag, sizes)).MoveToOuterDisposeScope();
        }
        return sizes.Length switch
        {
            1 => functional.interpolate(x, sizes, mode: InterpolationMode.Linear, align_corners: true),
            2 => functional.interpolate(x, sizes, mode: InterpolationMode.Bicubic, align_corners: true),
            _ => Fourier(x, sizes),
        };
    }

    // Keeps the frequencies that both grids have, by their sign: with n points in the smaller grid, 0 … ⌈n/2⌉−1 and −⌊n/2⌋ … −1; the
    // last axis has the non-negative ones.
    private static Tensor Fourier(Tensor x, long[] sizes)
    {
        using var scope = NewDisposeScope();
        var axes = Enumerable.Range(2, sizes.Length).Select(j => (long)j).ToArray();
        var spectrum = fft.rfftn(x, dim: axes, norm: FFTNormType.Forward);
        for (var j = 0; j < sizes.Length - 1; j++)
        {
            var (from, to) = (spectrum.shape[j + 2], sizes[j]);
            if (from == to) continue;
            var common = Math.Min(from, to);
            var (positive, negative) = ((common + 1) / 2, common / 2);
            var parts = new List<Tensor> { spectrum.narrow(j + 2, 0, positive) };
            if (to > common)
            {
                long[] gap = spectrum.shape;
                gap[j + 2] = to - common;
                parts.Add(zeros(gap, spectrum.dtype, spectrum.device));
            }
            parts.Add(spectrum.narrow(j + 2, from - negative, negative));
            spectrum = cat(parts, j + 2);
        }
        // irfft pads or trims the last axis itself.
        return fft.irfftn(spectrum, s: sizes, dim: axes, norm: FFTNormType.Forward).MoveToOuterDisposeScope();
    }
}
