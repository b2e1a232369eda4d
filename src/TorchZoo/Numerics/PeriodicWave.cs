using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// The wave equation u_tt = c²Δu on a periodic box, from u₀ at rest: û(t) = cos(c|k|t) û₀, exact in time for what the grid resolves. Where
/// nothing has gone round the box yet, it is the solution in free space.
/// </summary>
/// <remarks>The Fourier transform of the equation is one oscillator a mode: û'' = −c²|k|² û.</remarks>
public static class PeriodicWave
{
    /// <summary>u at one time.</summary>
    /// <param name="initial">u₀ (n₁, …, n_d): real values on a regular grid without the end points.</param>
    /// <param name="time">t</param>
    /// <param name="speed">c</param>
    /// <param name="length">Length of the box along each axis.</param>
    /// <returns>(n₁, …, n_d); differentiable.</returns>
    /// <exception cref="ArgumentException">u₀ isn't real or has no points, the time isn't finite, or the speed or length isn't
    /// positive.</exception>
    public static Tensor At(Tensor initial, double time, double speed = 1, double length = 1)
    {
        ArgumentNullException.ThrowIfNull(initial);
        if (!initial.is_floating_point()) throw new ArgumentException($"Expected real numbers, got {initial.dtype}.", nameof(initial));
        if (initial.dim() == 0 || initial.numel() == 0)
            throw new ArgumentException($"Expected values on a grid, got ({string.Join(", ", initial.shape)}).", nameof(initial));
        if (!double.IsFinite(time)) throw new ArgumentException($"Expected a time, got {time}.", nameof(time));
        Positive(speed, nameof(speed));
        Positive(length, nameof(length));
        using var scope = NewDisposeScope();
        var squares = zeros([], dtype: initial.dtype, device: initial.device);
        for (var i = 0; i < initial.dim(); i++)
        {
            var k = Spectral.Wavenumbers(initial.shape[i], half: i == initial.dim() - 1, dtype: initial.dtype, device: initial.device);
            squares = squares.unsqueeze(-1) + k.square();
        }
        var angles = squares.sqrt() * (2 * Math.PI / length * speed * time);
        return fft.irfftn(fft.rfftn(initial) * angles.cos(), initial.shape).MoveToOuterDisposeScope();
    }

    private static void Positive(double value, string name)
    {
        if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentException($"Expected a positive number, got {value}.", name);
    }
}
