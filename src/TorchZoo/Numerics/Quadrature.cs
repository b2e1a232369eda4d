using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>Integrals of functions that are known on an equispaced grid.</summary>
public static class Quadrature
{
    /// <summary>The integral from the first point to every second one, by Simpson's rule on each pair of cells: fourth order.</summary>
    /// <param name="values">(…, 2 s + 1) with s ≥ 0</param>
    /// <param name="spacing">Distance of neighbouring points.</param>
    /// <returns>(…, s + 1); the first is 0.</returns>
    /// <exception cref="ArgumentException">The number of points is even.</exception>
    public static Tensor CumulativeSimpson(Tensor values, double spacing)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.dim() == 0 || values.shape[^1] % 2 == 0)
            throw new ArgumentException($"Expected (…, odd number of points), got ({string.Join(", ", values.shape)}).", nameof(values));
        using var scope = NewDisposeScope();
        var (axis, points) = (values.dim() - 1, values.shape[^1]);
        Tensor Every2nd(long first, long end) => points == 1 ? values.slice(axis, 0, 0, 1) : values.slice(axis, first, end, 2);
        var pieces = (Every2nd(0, points - 1) + Every2nd(1, points) * 4 + Every2nd(2, points)) * (spacing / 3);
        return cat([zeros_like(values.narrow(axis, 0, 1)), pieces.cumsum(axis)], axis).MoveToOuterDisposeScope();
    }
}
