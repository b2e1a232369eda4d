using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>Pieces of Fourier methods on periodic grids.</summary>
public static class Spectral
{
    /// <summary>
    /// Signed integer wavenumbers in the order of the discrete Fourier transform: 0, 1, …, −2, −1; or 0 … n/2 of a real transform's
    /// last axis.
    /// </summary>
    /// <param name="n">Grid points.</param>
    /// <param name="half">Whether only the non-negative half is wanted (rfft).</param>
    /// <param name="nyquist">Whether n/2 of an even n keeps its value. An odd derivative of that mode is zero on the grid, whose points
    /// see only its cosine; false sets it to 0.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="device">Where the result lies.</param>
    /// <returns>(n) or (n/2 + 1)</returns>
    public static Tensor Wavenumbers(long n, bool half = false, bool nyquist = true, ScalarType dtype = ScalarType.Float64,
        Device? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        using var scope = NewDisposeScope();
        var k = half
            ? arange(0, n / 2 + 1, dtype: dtype)
            : cat([arange(0, (n + 1) / 2, dtype: dtype), arange(-(n / 2), 0, dtype: dtype)]);
        if (!nyquist && n % 2 == 0) k.select(0, n / 2).fill_(0);
        return k.to(device ?? CPU).MoveToOuterDisposeScope();
    }

    /// <summary>The derivative of a periodic function along one axis; exact for a trigonometric polynomial that the grid
    /// resolves.</summary>
    /// <param name="x">Real values on a regular grid without the end point.</param>
    /// <param name="dim">The axis.</param>
    /// <param name="order">Order of the derivative, ≥ 0.</param>
    /// <param name="length">Length of the period.</param>
    /// <returns>Of x's shape; differentiable.</returns>
    /// <exception cref="ArgumentException">x is not real, or the axis, order or length are out of range.</exception>
    public static Tensor Derivative(Tensor x, int dim = -1, int order = 1, double length = 1)
    {
        if (!x.is_floating_point()) throw new ArgumentException($"Expected real numbers, got {x.dtype}.", nameof(x));
        if (dim < -x.dim() || dim >= x.dim())
            throw new ArgumentOutOfRangeException(nameof(dim), dim, $"Expected an axis of a tensor with {x.dim()} axes.");
        ArgumentOutOfRangeException.ThrowIfNegative(order);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        using var scope = NewDisposeScope();
        var n = x.shape[dim < 0 ? dim + x.dim() : dim];
        var k = Wavenumbers(n, half: true, nyquist: order % 2 == 0, x.dtype, x.device).mul_(2 * Math.PI / length).pow(order);
        var factor = (order % 4) switch
        {
            0 => complex(k, zeros_like(k)),
            1 => complex(zeros_like(k), k),
            2 => complex(-k, zeros_like(k)),
            _ => complex(zeros_like(k), -k),
        };
        var moved = fft.rfft(x.movedim([dim], [-1])) * factor;
        return fft.irfft(moved, n).movedim([-1], [dim]).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The ⅔ rule: 1 for the modes whose wavenumbers are all ≤ ⅔·n/2 in size, 0 for the others. Products of two fields without the upper
    /// third have no aliasing error in the modes that remain. Orszag, J. Atmos. Sci. 28 (1971).
    /// </summary>
    /// <param name="sizes">Grid points of each axis; the last axis is a half axis (rfft).</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="device">Where the result lies.</param>
    /// <returns>(n₁, …, n_d/2 + 1)</returns>
    public static Tensor DealiasingMask(ReadOnlySpan<long> sizes, ScalarType dtype = ScalarType.Float64, Device? device = null)
    {
        using var scope = NewDisposeScope();
        var mask = ones([], dtype: dtype, device: device);
        for (var j = 0; j < sizes.Length; j++)
        {
            var k = Wavenumbers(sizes[j], half: j == sizes.Length - 1, nyquist: true, dtype, device);
            // 3|k| ≤ n in integers: ⅔·n/2 has rounding errors.
            mask = mask.unsqueeze(-1) * (k.abs() * 3 <= sizes[j]).to(dtype);
        }
        return mask.MoveToOuterDisposeScope();
    }
}
