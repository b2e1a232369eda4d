using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary><see cref="SplineSum"/> on CPUs. A sample's basis functions are evaluated one feature after the other, registers are full of
/// outputs, and threads share samples, or features for the gradient by the coefficients: every sum has one order.</summary>
internal static unsafe class SplineKernel
{
    // Multiplications that are worth a thread.
    private const long WorthThread = 1 << 16;

    private const MethodImplOptions Loop = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>y from x.</summary>
    public static void Forward<T>(SplineSizes sizes, T* x, T* grid, T* c, T* y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        fixed (T* tables = Tables(sizes, grid))
        {
            var at = tables;
            ForShares(sizes, sizes.Samples, (first, end) => Lanes.Run<T, Sums<T>>(new(sizes, x, at, c, y, first, end)));
        }
    }

    /// <summary>Gradients by x and c; null: not wanted.</summary>
    public static void Backward<T>(SplineSizes sizes, T* x, T* grid, T* c, T* byY, T* byX, T* byC)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        fixed (T* tables = Tables(sizes, grid))
        {
            var at = tables;
            if (byX != null)
                ForShares(sizes, sizes.Samples, (first, end) => Lanes.Run<T, ByInputs<T>>(new(sizes, x, at, c, byY, byX, first, end)));
            if (byC != null)
                ForShares(sizes, sizes.Features, (first, end) => Lanes.Run<T, ByCoefficients<T>>(new(sizes, x, at, byY, byC, first, end)));
        }
    }

    private static void ForShares(SplineSizes sizes, long items, Action<long, long> range)
    {
        var workers = WorkerThreads.Worth(sizes.Samples * sizes.Features * (sizes.Order + 1) * Math.Max(sizes.Outputs, 8), WorthThread);
        WorkerThreads.Run((int)Math.Clamp(items, 1, workers), items, range);
    }

    // Of each feature: the knots with k more on both sides, so that no interval has neighbours that aren't there; then for d = 1…k the
    // reciprocals of t_{m+d} − t_m, 0 where knots coincide. What comes of the additional knots is never used.
    private static T[] Tables<T>(SplineSizes sizes, T* grid) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (knots, k) = (sizes.Knots, sizes.Order);
        var width = knots + 2 * k;
        var tables = new T[Math.Max(1, sizes.Features * width * (k + 1))];
        for (var i = 0L; i < sizes.Features; i++)
        {
            var table = tables.AsSpan((int)(i * width * (k + 1)), (int)(width * (k + 1)));
            new ReadOnlySpan<T>(grid + i * knots, (int)knots).CopyTo(table[k..]);
            for (var j = 0; j < k; j++) (table[j], table[(int)(k + knots + j)]) = (table[k], table[(int)(k + knots - 1)]);
            for (var d = 1; d <= k; d++)
                for (var m = 0; m + d < width; m++)
                {
                    var distance = table[m + d] - table[m];
                    table[(int)(d * width) + m] = distance > T.Zero ? T.One / distance : T.Zero;
                }
        }
        return tables;
    }

    /// <summary>The k + 1 basis functions that aren't zero at a point, as a window of the G + k; and their derivatives.</summary>
    /// <returns>The first one's number, from 0 to G − 1. Outside of all knots they are all zero; for an x that isn't finite, NaN.</returns>
    [MethodImpl(Loop)]
    private static long Evaluate<T>(in SplineSizes sizes, T* table, T x, T* values, T* slopes) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var k = sizes.Order;
        long knots = sizes.Knots, width = knots + 2 * k, last = knots - 2;
        var t = table + k;
        if (!(x >= t[0] && x < t[knots - 1]))
        {
            var value = T.IsFinite(x) ? T.Zero : T.NaN;
            for (var r = 0; r <= k; r++)
            {
                values[r] = value;
                if (slopes != null) slopes[r] = value;
            }
            return 0;
        }
        // Exact for equidistant knots; else not far.
        var j = Math.Clamp(long.CreateTruncating((x - t[0]) / (t[knots - 1] - t[0]) * T.CreateTruncating(knots - 1)), 0, last);
        while (t[j] > x) j--;
        while (t[j + 1] <= x) j++;
        values[0] = T.One;
        for (var d = 1; d <= k; d++)
        {
            var reciprocals = table + d * width + k;
            if (d == k && slopes != null)
            {
                // B' = k (B_m^{k−1} / (t_{m+k} − t_m) − B_{m+1}^{k−1} / (t_{m+k+1} − t_{m+1})).
                var factor = T.CreateTruncating(k);
                var before = T.Zero;
                for (var r = 0; r < k; r++)
                {
                    var term = factor * values[r] * reciprocals[j - d + 1 + r];
                    slopes[r] = before - term;
                    before = term;
                }
                slopes[k] = before;
            }
            var saved = T.Zero;
            for (var r = 0; r < d; r++)
            {
                var m = j - d + 1 + r;
                var share = values[r] * reciprocals[m];
                values[r] = saved + (t[m + d] - x) * share;
                saved = (x - t[m]) * share;
            }
            values[d] = saved;
        }
        if (k == 0 && slopes != null) slopes[0] = T.Zero;
        var first = j - k;
        if (first < 0) Shift(values, slopes, k, (int)-first);
        else if (j > last - k) Shift(values, slopes, k, (int)(last - k - j));
        return Math.Clamp(first, 0, last - 2 * k);
    }

    // Near the ends some of the k + 1 don't exist: the window stays within those that do.
    private static void Shift<T>(T* values, T* slopes, int k, int by) where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (by > 0)
            for (var r = 0; r <= k; r++) Move(r);
        else
            for (var r = k; r >= 0; r--) Move(r);

        void Move(int r)
        {
            var from = r + by;
            var isThere = from >= 0 && from <= k;
            values[r] = isThere ? values[from] : T.Zero;
            if (slopes != null) slopes[r] = isThere ? slopes[from] : T.Zero;
        }
    }

    private readonly struct Sums<T>(SplineSizes sizes, T* x, T* tables, T* c, T* y, long begin, long end) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            var (features, outputs, taps) = (sizes.Features, sizes.Outputs, sizes.Order + 1);
            var table = (sizes.Knots + 2 * sizes.Order) * taps;
            var values = new T[Math.Max(1, features * taps)];
            var windows = new long[Math.Max(1, features)];
            fixed (T* v = values)
            fixed (long* w = windows)
                for (var n = begin; n < end; n++)
                {
                    for (var i = 0L; i < features; i++)
                        w[i] = (i * sizes.Bases + Evaluate(sizes, tables + i * table, x[n * features + i], v + i * taps, null)) * outputs;
                    var o = 0L;
                    for (; o + 4 * V.Count <= outputs; o += 4 * V.Count) Four<V>(v, w, c + o, y + n * outputs + o, features, taps, outputs);
                    for (; o < outputs; o += V.Count)
                        One<V>(v, w, c + o, y + n * outputs + o, features, taps, outputs, Math.Min(V.Count, outputs - o));
                }
        }

        [MethodImpl(Loop)]
        private static void Four<V>(T* values, long* windows, T* c, T* y, long features, long taps, long outputs) where V : struct, ILanes<V, T>
        {
            V a0 = V.Zero, a1 = V.Zero, a2 = V.Zero, a3 = V.Zero;
            for (var i = 0L; i < features; i++)
            {
                var from = c + windows[i];
                for (var r = 0L; r < taps; r++, from += outputs)
                {
                    var value = V.Create(*values++);
                    a0 = V.MultiplyAdd(value, V.Load(from), a0);
                    a1 = V.MultiplyAdd(value, V.Load(from + V.Count), a1);
                    a2 = V.MultiplyAdd(value, V.Load(from + 2 * V.Count), a2);
                    a3 = V.MultiplyAdd(value, V.Load(from + 3 * V.Count), a3);
                }
            }
            a0.Store(y);
            a1.Store(y + V.Count);
            a2.Store(y + 2 * V.Count);
            a3.Store(y + 3 * V.Count);
        }

        [MethodImpl(Loop)]
        private static void One<V>(T* values, long* windows, T* c, T* y, long features, long taps, long outputs, long count)
            where V : struct, ILanes<V, T>
        {
            var sum = V.Zero;
            for (var i = 0L; i < features; i++)
            {
                var from = c + windows[i];
                for (var r = 0L; r < taps; r++, from += outputs) sum = V.MultiplyAdd(V.Create(*values++), V.LoadPart(from, count), sum);
            }
            sum.StorePart(y, count);
        }
    }

    private readonly struct ByInputs<T>(SplineSizes sizes, T* x, T* tables, T* c, T* byY, T* byX, long begin, long end) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            var (features, outputs, taps) = (sizes.Features, sizes.Outputs, sizes.Order + 1);
            var table = (sizes.Knots + 2 * sizes.Order) * taps;
            T* values = stackalloc T[taps], slopes = stackalloc T[taps];
            for (var n = begin; n < end; n++)
                for (var i = 0L; i < features; i++)
                {
                    var window = i * sizes.Bases + Evaluate(sizes, tables + i * table, x[n * features + i], values, slopes);
                    byX[n * features + i] = Product<V>(slopes, c + window * outputs, byY + n * outputs, taps, outputs);
                }
        }

        // Σ_o gradient_o Σ_r slope_r c_{r,o}.
        [MethodImpl(Loop)]
        private static T Product<V>(T* slopes, T* c, T* gradient, long taps, long outputs) where V : struct, ILanes<V, T>
        {
            V sum = V.Zero, other = V.Zero;
            var o = 0L;
            for (; o + 2 * V.Count <= outputs; o += 2 * V.Count)
            {
                V a = V.Zero, b = V.Zero;
                var from = c + o;
                for (var r = 0L; r < taps; r++, from += outputs)
                {
                    var slope = V.Create(slopes[r]);
                    a = V.MultiplyAdd(slope, V.Load(from), a);
                    b = V.MultiplyAdd(slope, V.Load(from + V.Count), b);
                }
                sum = V.MultiplyAdd(a, V.Load(gradient + o), sum);
                other = V.MultiplyAdd(b, V.Load(gradient + o + V.Count), other);
            }
            for (; o < outputs; o += V.Count)
            {
                var count = Math.Min(V.Count, outputs - o);
                var a = V.Zero;
                for (var r = 0L; r < taps; r++) a = V.MultiplyAdd(V.Create(slopes[r]), V.LoadPart(c + r * outputs + o, count), a);
                sum = V.MultiplyAdd(a, V.LoadPart(gradient + o, count), sum);
            }
            return (sum + other).Sum();
        }
    }

    private readonly struct ByCoefficients<T>(SplineSizes sizes, T* x, T* tables, T* byY, T* byC, long begin, long end) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            var (features, outputs, taps) = (sizes.Features, sizes.Outputs, sizes.Order + 1);
            var table = (sizes.Knots + 2 * sizes.Order) * taps;
            T* values = stackalloc T[taps];
            for (var i = begin; i < end; i++)
            {
                var to = byC + i * sizes.Bases * outputs;
                new Span<T>(to, checked((int)(sizes.Bases * outputs))).Clear();
                for (var n = 0L; n < sizes.Samples; n++)
                {
                    var window = Evaluate(sizes, tables + i * table, x[n * features + i], values, null);
                    Add<V>(values, byY + n * outputs, to + window * outputs, taps, outputs);
                }
            }
        }

        [MethodImpl(Loop)]
        private static void Add<V>(T* values, T* gradient, T* to, long taps, long outputs) where V : struct, ILanes<V, T>
        {
            for (var r = 0L; r < taps; r++, to += outputs)
            {
                var value = V.Create(values[r]);
                var o = 0L;
                for (; o + V.Count <= outputs; o += V.Count) V.MultiplyAdd(value, V.Load(gradient + o), V.Load(to + o)).Store(to + o);
                if (o < outputs)
                    V.MultiplyAdd(value, V.LoadPart(gradient + o, outputs - o), V.LoadPart(to + o, outputs - o)).StorePart(to + o, outputs - o);
            }
        }
    }
}
