using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// Functions through values on an equispaced grid: piecewise cubic (or linear) with continuous second (no) derivatives. Computed on the
/// CPU in float64; not differentiable.
/// </summary>
/// <remarks>A spline is determined by its second derivatives M at the grid points, which solve M[i − 1] + 4 M[i] + M[i + 1] =
/// 6 (y[i − 1] − 2 y[i] + y[i + 1])/h² and two end conditions (de Boor, "A Practical Guide to Splines", chapter IV). Straight lines are the
/// case M = 0.</remarks>
public sealed unsafe class EquispacedInterpolant : IDisposable
{
    // Points that rounding has put this share of a cell outside are taken for the end.
    private const double Slack = 1e-6;
    private readonly double _start, _end;
    private readonly Tensor _values;
    private readonly Tensor? _moments;

    /// <summary>Prepares functions; the grid's first and last points are <paramref name="start"/> and <paramref name="end"/>.</summary>
    /// <param name="values">(functions, points), points ≥ 2</param>
    /// <param name="start">First grid point.</param>
    /// <param name="end">Last grid point.</param>
    /// <param name="interpolation">How to interpolate.</param>
    /// <exception cref="ArgumentException">The values have another shape or type, or the ends are no interval.</exception>
    public EquispacedInterpolant(Tensor values, double start = 0, double end = 1, Interpolation interpolation = Interpolation.Cubic)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (!values.is_floating_point() || values.dim() != 2 || values.shape[1] < 2)
            throw new ArgumentException($"Expected real (functions, points ≥ 2), got {values.dtype} ({string.Join(", ", values.shape)}).", nameof(values));
        if (!(end > start) || !double.IsFinite(end - start))
            throw new ArgumentOutOfRangeException(nameof(end), end, $"Expected a finite number above start = {start}.");
        if (!Enum.IsDefined(interpolation))
            throw new ArgumentOutOfRangeException(nameof(interpolation), interpolation, "Expected a named interpolation.");
        (_start, _end) = (start, end);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        _values = TensorMemory.Plain(values.to(ScalarType.Float64)).MoveToOuterDisposeScope();
        if (interpolation != Interpolation.Linear) _moments = Moments(interpolation == Interpolation.Cubic).MoveToOuterDisposeScope();
    }

    /// <summary>Number of functions.</summary>
    public long Functions => _values.shape[0];

    private long Points => _values.shape[1];
    private double Spacing => (_end - _start) / (Points - 1);

    /// <summary>Evaluates the functions.</summary>
    /// <param name="xs">(q) for the same points in every function, or (functions, q) for each function's own.</param>
    /// <returns>(functions, q), float64, on the CPU</returns>
    /// <exception cref="ArgumentException">xs has another shape or type, or a point outside the grid.</exception>
    public Tensor Evaluate(Tensor xs)
    {
        ArgumentNullException.ThrowIfNull(xs);
        if (!xs.is_floating_point() || xs.dim() is < 1 or > 2 || (xs.dim() == 2 && xs.shape[0] != Functions))
            throw new ArgumentException($"Expected real (q) or ({Functions}, q), got {xs.dtype} ({string.Join(", ", xs.shape)}).", nameof(xs));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var count = xs.shape[^1];
        var points = TensorMemory.Plain(xs.to(ScalarType.Float64));
        var result = empty([Functions, count], dtype: ScalarType.Float64);
        double* x = Doubles(points), into = Doubles(result), y = Doubles(_values), m = _moments is null ? null : Doubles(_moments);
        for (long i = 0; i < Functions; i++)
            Evaluate(y + i * Points, m is null ? null : m + i * Points, xs.dim() == 1 ? x : x + i * count, into + i * count, count);
        return result.MoveToOuterDisposeScope();
    }

    private void Evaluate(double* y, double* m, double* xs, double* into, long count)
    {
        var (h, cells) = (Spacing, Points - 1);
        var (inverse, sixth) = (1 / h, h * h / 6);
        for (long j = 0; j < count; j++)
        {
            var place = (xs[j] - _start) * inverse;
            if (!(place >= -Slack && place <= cells + Slack))
                throw new ArgumentException($"Expected points in [{_start}, {_end}], got {xs[j]}.", nameof(xs));
            var cell = Math.Clamp((long)place, 0, cells - 1);
            var b = Math.Clamp(place - cell, 0, 1);
            var a = 1 - b;
            var value = a * y[cell] + b * y[cell + 1];
            if (m is not null) value += sixth * (a * (a * a - 1) * m[cell] + b * (b * b - 1) * m[cell + 1]);
            into[j] = value;
        }
    }

    private Tensor Moments(bool notAKnot)
    {
        using var scope = NewDisposeScope();
        var moments = zeros_like(_values);
        var interior = Points - 2;
        if (interior == 0) return moments.MoveToOuterDisposeScope();
        var (off, diagonal) = (ones(interior - 1, dtype: ScalarType.Float64), full(interior, 4, dtype: ScalarType.Float64));
        var (lower, upper) = (off, off.clone());
        if (notAKnot)
        {
            // M[0] = 2 M[1] − M[2] turns the first equation into 6 M[1] = …; the last likewise.
            diagonal[0] = diagonal[-1] = tensor(6.0);
            upper.narrow(0, 0, Math.Min(1, interior - 1)).zero_();
            lower.narrow(0, Math.Max(0, interior - 2), Math.Min(1, interior - 1)).zero_();
        }
        var curvature = (_values.narrow(1, 2, interior) + _values.narrow(1, 0, interior)).sub_(_values.narrow(1, 1, interior) * 2)
            .mul_(6 / (Spacing * Spacing));
        moments.narrow(1, 1, interior).copy_(Tridiagonal.Solve(lower, diagonal, upper, curvature));
        if (notAKnot)
        {
            var second = Math.Min(2, interior); // three points: one parabola
            moments.select(1, 0).copy_(moments.select(1, 1) * 2 - moments.select(1, second));
            moments.select(1, -1).copy_(moments.select(1, interior) * 2 - moments.select(1, interior + 1 - second));
        }
        return moments.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _moments?.Dispose();
    }

    private static double* Doubles(Tensor tensor) => (double*)TensorMemory.Pointer(tensor);
}
