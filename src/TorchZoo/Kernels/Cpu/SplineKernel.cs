using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
        var tables = Tables(sizes, grid);
        try { ForShares(sizes, sizes.Samples, (first, end) => Lanes.Run<T, Sums<T>>(new(sizes, x, tables, c, y, first, end))); }
        finally { NativeMemory.Free(tables); }
    }

    /// <summary>Gradients by x and c; null: not wanted.</summary>
    public static void Backward<T>(SplineSizes sizes, T* x, T* grid, T* c, T* byY, T* byX, T* byC)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var tables = Tables(sizes, grid);
        try
        {
            // A point's basis functions are evaluated once for both, where there are features enough for the threads to share.
            var isOne = byX != null && byC != null && sizes.Features >= Workers(sizes);
            if (byX != null && !isOne)
                ForShares(sizes, sizes.Samples, (first, end) => Lanes.Run<T, ByInputs<T>>(new(sizes, x, tables, c, byY, byX, first, end)));
            var alongX = isOne ? byX : null;
            if (byC != null)
                ForShares(sizes, sizes.Features,
                    (first, end) => Lanes.Run<T, ByCoefficients<T>>(new(sizes, x, tables, c, byY, alongX, byC, first, end)));
        }
        finally { NativeMemory.Free(tables); }
    }

    private static int Workers(in SplineSizes sizes) =>
        WorkerThreads.Worth(sizes.Samples * sizes.Features * (sizes.Order + 1) * Math.Max(sizes.Outputs, 8), WorthThread);

    private static void ForShares(SplineSizes sizes, long items, Action<long, long> range) =>
        WorkerThreads.Run((int)Math.Clamp(items, 1, Workers(sizes)), items, range);

    /// <summary>
    /// Of each feature what evaluating takes: the knots; the intervals' reciprocal lengths, and that of their mean; and the k + 1 basis functions that aren't zero in
    /// an interval as polynomials of u = (x − t_j)/(t_{j+1} − t_j), the coefficients of u⁰ first, those of all functions side by side.
    /// </summary>
    [MethodImpl(Loop)]
    private static T* Tables<T>(SplineSizes sizes, T* grid) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (knots, k) = ((int)sizes.Knots, sizes.Order);
        var (taps, intervals) = (k + 1, knots - 1);
        // Registers are loaded whole: there must be something behind the last number.
        var tables = (T*)NativeMemory.AllocZeroed((nuint)(sizes.Features * TableLength(sizes) + Padding), (nuint)sizeof(T));
        // With k more knots on both sides, so that no interval has neighbours that aren't there; what comes of these is never used.
        var extended = new T[knots + 2 * k];
        var functions = stackalloc T[taps * taps];
        fixed (T* t = extended)
            for (var i = 0L; i < sizes.Features; i++)
            {
                var table = tables + i * TableLength(sizes);
                for (var m = 0; m < extended.Length; m++) t[m] = grid[i * knots + Math.Clamp(m - k, 0, knots - 1)];
                for (var m = 0; m < knots; m++) table[m] = grid[i * knots + m];
                table[2 * knots - 1] = T.CreateTruncating(intervals) / (table[intervals] - table[0]);
                for (var j = 0; j < intervals; j++)
                {
                    var length = t[k + j + 1] - t[k + j];
                    if (!(length > T.Zero)) continue;
                    table[knots + j] = T.One / length;
                    Polynomials(t, k + j, k, functions);
                    // Near the ends some of the k + 1 don't exist: the window stays within those that do.
                    var shift = (int)FirstOf(sizes, j) - (j - k);
                    var to = table + 2 * knots + j * taps * taps;
                    for (var r = Math.Max(0, -shift); r < taps - Math.Max(0, shift); r++)
                        for (var p = 0; p < taps; p++) to[p * taps + r] = functions[(r + shift) * taps + p];
                }
            }
        return tables;
    }

    private const int Padding = 16;

    // Half of the nearest cache, in bytes.
    private const int NearCache = 16 << 10;

    private static long TableLength(in SplineSizes sizes) => 2 * sizes.Knots + (sizes.Knots - 1) * (sizes.Order + 1) * (sizes.Order + 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long FirstOf(in SplineSizes sizes, long interval) => Math.Max(0, Math.Min(interval - sizes.Order, sizes.Bases - 1 - sizes.Order));

    // Cox and de Boor's recursion with polynomials in place of numbers: row r has function r's coefficients.
    [MethodImpl(Loop)]
    private static void Polynomials<T>(T* t, int j, int k, T* functions) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var taps = k + 1;
        T start = t[j], length = t[j + 1] - start;
        functions[0] = T.One;
        for (var d = 1; d <= k; d++)
        {
            // What function r adds to function r + 1 waits in row d.
            var saved = functions + d * taps;
            for (var p = 0; p <= d; p++) saved[p] = T.Zero;
            for (var r = 0; r < d; r++)
            {
                var m = j - d + 1 + r;
                var function = functions + r * taps;
                var distance = t[m + d] - t[m];
                var reciprocal = distance > T.Zero ? T.One / distance : T.Zero;
                var (falls, rises, by) = ((t[m + d] - start) * reciprocal, (start - t[m]) * reciprocal, length * reciprocal);
                // (t_{m+d} − x) B and (x − t_m) B, from the highest power down.
                var own = T.Zero;
                for (var p = d; p >= 0; p--)
                {
                    var below = p > 0 ? function[p - 1] : T.Zero;
                    function[p] = saved[p] + falls * own - by * below;
                    saved[p] = rises * own + by * below;
                    own = below;
                }
            }
        }
    }

    /// <summary>The k + 1 basis functions that aren't zero at a point, as a window of the G + k; and their derivatives. Registers are written
    /// whole: there must be room for one more behind them.</summary>
    /// <returns>The first one's number, from 0 to G − 1. Outside of all knots they are all zero; for an x that isn't finite, NaN.</returns>
    [MethodImpl(Loop)]
    private static long Evaluate<T, V>(in SplineSizes sizes, T* table, T x, T* values, T* slopes)
        where T : unmanaged, IFloatingPointIeee754<T> where V : struct, ILanes<V, T>
    {
        long knots = sizes.Knots, taps = sizes.Order + 1;
        if (!(x >= table[0] && x < table[knots - 1]))
        {
            var value = V.Create(T.IsFinite(x) ? T.Zero : T.NaN);
            for (var r = 0L; r < taps; r += V.Count)
            {
                value.Store(values + r);
                if (slopes != null) value.Store(slopes + r);
            }
            return 0;
        }
        // Exact for equidistant knots; else not far.
        var j = Math.Min(T.ConvertToIntegerNative<long>((x - table[0]) * table[2 * knots - 1]), knots - 2);
        while (table[j] > x) j--;
        while (table[j + 1] <= x) j++;
        var scale = table[knots + j];
        var u = V.Create((x - table[j]) * scale);
        var functions = table + 2 * knots + j * taps * taps;
        for (var r = 0L; r < taps; r += V.Count)
        {
            // Horner's rule, for the derivative too.
            var row = functions + (taps - 1) * taps + r;
            V value = V.Load(row), slope = V.Zero;
            for (var p = taps - 2; p >= 0; p--)
            {
                row -= taps;
                if (slopes != null) slope = V.MultiplyAdd(slope, u, value);
                value = V.MultiplyAdd(value, u, V.Load(row));
            }
            value.Store(values + r);
            if (slopes != null) (slope * V.Create(scale)).Store(slopes + r);
        }
        return FirstOf(sizes, j);
    }

    private readonly struct Sums<T>(SplineSizes sizes, T* x, T* tables, T* c, T* y, long begin, long end) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            var (features, outputs, taps) = (sizes.Features, sizes.Outputs, sizes.Order + 1);
            // So many features at a time that their coefficients stay in the nearest cache, from sample to sample.
            var some = Math.Max(1, Math.Min(features, NearCache / sizeof(T) / Math.Max(1, sizes.Bases * outputs)));
            var values = new T[some * taps + V.Count];
            var windows = new long[some];
            fixed (T* v = values)
            fixed (long* w = windows)
                for (var from = 0L; from < features; from += some)
                {
                    var count = Math.Min(some, features - from);
                    for (var n = begin; n < end; n++)
                    {
                        for (var i = 0L; i < count; i++)
                            w[i] = outputs * ((from + i) * sizes.Bases + Evaluate<T, V>(sizes, tables + (from + i) * TableLength(sizes),
                                x[n * features + from + i], v + i * taps, null));
                        var o = 0L;
                        for (; o + 4 * V.Count <= outputs; o += 4 * V.Count)
                            Four<V>(v, w, c + o, y + n * outputs + o, count, taps, outputs, from > 0);
                        for (; o < outputs; o += V.Count)
                            One<V>(v, w, c + o, y + n * outputs + o, count, taps, outputs, Math.Min(V.Count, outputs - o), from > 0);
                    }
                }
            if (features == 0) new Span<T>(y + begin * outputs, checked((int)((end - begin) * outputs))).Clear();
        }

        [MethodImpl(Loop)]
        private static void Four<V>(T* values, long* windows, T* c, T* y, long features, long taps, long outputs, bool goesOn)
            where V : struct, ILanes<V, T>
        {
            V a0 = V.Zero, a1 = V.Zero, a2 = V.Zero, a3 = V.Zero;
            if (goesOn) (a0, a1, a2, a3) = (V.Load(y), V.Load(y + V.Count), V.Load(y + 2 * V.Count), V.Load(y + 3 * V.Count));
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
        private static void One<V>(T* values, long* windows, T* c, T* y, long features, long taps, long outputs, long count,
            bool goesOn) where V : struct, ILanes<V, T>
        {
            var sum = goesOn ? V.LoadPart(y, count) : V.Zero;
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
            T* values = stackalloc T[taps + V.Count], slopes = stackalloc T[taps + V.Count];
            for (var n = begin; n < end; n++)
                for (var i = 0L; i < features; i++)
                {
                    var window = i * sizes.Bases + Evaluate<T, V>(sizes, tables + i * TableLength(sizes), x[n * features + i], values, slopes);
                    byX[n * features + i] = Product<T, V>(slopes, c + window * outputs, byY + n * outputs, taps, outputs);
                }
        }
    }

    // By the inputs too where byX isn't null.
    private readonly struct ByCoefficients<T>(SplineSizes sizes, T* x, T* tables, T* c, T* byY, T* byX, T* byC, long begin, long end)
        : ILanesKernel<T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            var (features, outputs, taps) = (sizes.Features, sizes.Outputs, sizes.Order + 1);
            T* values = stackalloc T[taps + V.Count], slopes = stackalloc T[taps + V.Count];
            for (var i = begin; i < end; i++)
            {
                var start = i * sizes.Bases * outputs;
                new Span<T>(byC + start, checked((int)(sizes.Bases * outputs))).Clear();
                for (var n = 0L; n < sizes.Samples; n++)
                {
                    var at = n * features + i;
                    var window = start + outputs * Evaluate<T, V>(sizes, tables + i * TableLength(sizes), x[at], values, byX == null ? null : slopes);
                    if (byX != null) byX[at] = Product<T, V>(slopes, c + window, byY + n * outputs, taps, outputs);
                    Add<V>(values, byY + n * outputs, byC + window, taps, outputs);
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

    // Σ_o gradient_o Σ_r slope_r c_{r,o}.
    [MethodImpl(Loop)]
    private static T Product<T, V>(T* slopes, T* c, T* gradient, long taps, long outputs)
        where T : unmanaged, IFloatingPointIeee754<T> where V : struct, ILanes<V, T>
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
