using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// Knots of B-splines, one row for each input feature. A grid of G intervals has G + 1 inner points t₀ ≤ … ≤ t_G; for splines of order k it is
/// extended by k points on both sides, which makes G + 2k + 1 knots.
/// </summary>
public static class SplineGrid
{
    /// <summary>Equidistant knots over an interval, extended.</summary>
    /// <param name="features">Rows.</param>
    /// <param name="intervals">G ≥ 1.</param>
    /// <param name="order">k ≥ 0, the splines' degree.</param>
    /// <param name="low">t₀</param>
    /// <param name="high">t_G &gt; t₀</param>
    /// <param name="dtype">The numbers' type; null: torch's default.</param>
    /// <param name="device">Where; null: the CPU.</param>
    /// <returns>(features, G + 2k + 1)</returns>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public static Tensor Uniform(long features, long intervals, int order, double low = -1, double high = 1, ScalarType? dtype = null,
        Device? device = null)
    {
        CheckSizes(features, intervals, order);
        if (!(double.IsFinite(low) && double.IsFinite(high) && low < high))
            throw new ArgumentException($"Expected an interval, got [{low}, {high}]", nameof(high));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var step = (high - low) / intervals;
        var knots = arange(-order, intervals + order + 1, ScalarType.Float64) * step + low;
        return knots.to(dtype ?? get_default_dtype()).to(device ?? CPU).unsqueeze(0).repeat(features, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Adds k points on both sides, at the inner points' mean distance (t_G − t₀)/G.</summary>
    /// <param name="inner">(features, G + 1)</param>
    /// <param name="order">k ≥ 0</param>
    /// <returns>(features, G + 2k + 1)</returns>
    /// <exception cref="ArgumentException">There is no interval, or k is negative.</exception>
    public static Tensor Extend(Tensor inner, int order)
    {
        ArgumentNullException.ThrowIfNull(inner);
        if (inner.dim() != 2 || inner.shape[1] < 2)
            throw new ArgumentException($"Expected (features, points ≥ 2), got ({string.Join(", ", inner.shape)})", nameof(inner));
        CheckSizes(1, 1, order);
        using var scope = NewDisposeScope();
        Tensor first = inner.narrow(1, 0, 1), last = inner.narrow(1, -1, 1);
        var step = (last - first) / (inner.shape[1] - 1);
        var count = arange(1, order + 1, inner.dtype, inner.device);
        return cat([first - step * count.flip(0), inner, last + step * count], 1).MoveToOuterDisposeScope();
    }

    /// <summary>The inner points of an extended grid.</summary>
    /// <param name="grid">(features, G + 2k + 1)</param>
    /// <param name="order">k</param>
    /// <returns>(features, G + 1), a view</returns>
    /// <exception cref="ArgumentException">There are too few knots.</exception>
    public static Tensor Inner(Tensor grid, int order) => grid.narrow(1, order, Intervals(grid, order) + 1);

    /// <summary>G of an extended grid.</summary>
    /// <param name="grid">(features, G + 2k + 1)</param>
    /// <param name="order">k</param>
    /// <exception cref="ArgumentException">There are too few knots.</exception>
    public static long Intervals(Tensor grid, int order)
    {
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentOutOfRangeException.ThrowIfNegative(order);
        return grid.dim() == 2 && grid.shape[1] >= 2 * order + 2 ? grid.shape[1] - 2 * order - 1 : throw new ArgumentException(
            $"Expected (features, {2 * order + 2} or more knots) for order {order}, got ({string.Join(", ", grid.shape)})", nameof(grid));
    }

    /// <summary>A grid for samples: ε times equidistant points from the least to the largest, plus 1 − ε times the samples' quantiles;
    /// extended.</summary>
    /// <param name="samples">(N, features), N ≥ 1, finite.</param>
    /// <param name="intervals">G ≥ 1</param>
    /// <param name="order">k ≥ 0</param>
    /// <param name="gridEps">ε in [0, 1].</param>
    /// <param name="margin">How far the equidistant points go beyond the samples.</param>
    /// <returns>(features, G + 2k + 1). A feature that is the same in all samples gets an interval around its value: knots at one point
    /// would make all its splines vanish.</returns>
    /// <exception cref="ArgumentException">No samples, numbers that aren't finite, or a number out of its range.</exception>
    public static Tensor FromSamples(Tensor samples, long intervals, int order, double gridEps = 0.02, double margin = 0)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (samples.dim() != 2 || samples.shape[0] < 1)
            throw new ArgumentException($"Expected (samples ≥ 1, features), got ({string.Join(", ", samples.shape)})", nameof(samples));
        CheckSizes(1, intervals, order);
        if (gridEps is not (>= 0 and <= 1)) throw new ArgumentException($"Expected a share, got {gridEps}", nameof(gridEps));
        if (!(margin >= 0 && double.IsFinite(margin))) throw new ArgumentException($"Expected a margin ≥ 0, got {margin}", nameof(margin));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        if (!samples.isfinite().all().item<bool>()) throw new ArgumentException("Expected finite samples", nameof(samples));
        var (sorted, _) = samples.sort(0);
        var count = samples.shape[0];
        // ⌊N/G·j⌋, and the last.
        long[] at = [.. Enumerable.Range(0, (int)intervals).Select(j => count * j / intervals), count - 1];
        var adaptive = sorted.index_select(0, tensor(at, device: samples.device));
        Tensor low = sorted[0], high = sorted[-1];
        var narrow = (high - low).le(high.abs().maximum(low.abs()) * 1e-6);
        var width = where(narrow, (high.abs() * 1e-2).clamp_min(1e-2), zeros_like(low));
        (low, high) = (low - margin - width, high + margin + width);
        var share = (arange(0, intervals + 1, samples.dtype, samples.device) / intervals).unsqueeze(1);
        var uniform = low + (high - low) * share;
        var inner = where(narrow, uniform, uniform * gridEps + adaptive * (1 - gridEps));
        return Extend(inner.t().contiguous(), order).MoveToOuterDisposeScope();
    }

    /// <summary>A grid of another number of intervals over the same range: the old inner points, interpolated linearly.</summary>
    /// <param name="grid">(features, G + 2k + 1)</param>
    /// <param name="order">k</param>
    /// <param name="intervals">G' ≥ 1</param>
    /// <returns>(features, G' + 2k + 1); for a multiple of G the old inner points are among the new ones.</returns>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public static Tensor Refine(Tensor grid, int order, long intervals)
    {
        var old = Intervals(grid, order);
        CheckSizes(1, intervals, order);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var inner = Inner(grid, order);
        // In whole numbers: point j' is at j' G / G', so the old points are met exactly.
        long[] left = [.. Enumerable.Range(0, (int)intervals + 1).Select(j => Math.Min(j * old / intervals, old - 1))];
        double[] share = [.. left.Select((l, j) => (double)(j * old - l * intervals) / intervals)];
        Tensor a = inner.index_select(1, tensor(left, device: grid.device)),
            b = inner.index_select(1, tensor([.. left.Select(l => l + 1)], device: grid.device));
        return Extend(a.lerp(b, tensor(share, grid.dtype, grid.device).expand_as(a)), order).MoveToOuterDisposeScope();
    }

    private static void CheckSizes(long features, long intervals, int order)
    {
        if (features < 1) throw new ArgumentException($"Expected a feature at least, got {features}", nameof(features));
        if (intervals < 1) throw new ArgumentException($"Expected an interval at least, got {intervals}", nameof(intervals));
        if (order < 0) throw new ArgumentException($"Expected an order ≥ 0, got {order}", nameof(order));
    }
}
