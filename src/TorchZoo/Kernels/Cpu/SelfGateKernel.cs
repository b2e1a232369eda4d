using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// y = x g(s x) of (outer, channels, inner) numbers, and its gradients. As in <see cref="ActivationKernel"/> work is cut into units whose
/// bounds depend on the sizes alone, and each adds up its own share of the slopes' gradient.
/// </summary>
internal static unsafe class SelfGateKernel
{
    private const long Unit = 1 << 12;

    // Below this a thread's start takes longer than its share.
    private const long WorthThread = 1 << 15;

    /// <summary>Where the numbers are, and how they lie. Without a gradient, y comes from x; with one, the gradients.</summary>
    /// <param name="Gate">g</param>
    /// <param name="X">x</param>
    /// <param name="Slopes">s, one for each channel.</param>
    /// <param name="Gradient">The loss's gradient by y; null: compute y.</param>
    /// <param name="Result">y, or the gradient by x.</param>
    /// <param name="BySlopes">The gradient by s; null: not wanted.</param>
    /// <param name="Outer">Numbers before the channels' axis.</param>
    /// <param name="Channels">Channels.</param>
    /// <param name="Inner">Numbers behind it.</param>
    public readonly record struct Operands<T>(GateFunction Gate, nint X, nint Slopes, nint Gradient, nint Result, nint BySlopes, long Outer,
        long Channels, long Inner) where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>Computes it, on as many threads as it is worth.</summary>
    public static void Run<T>(in Operands<T> o) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var count = o.Outer * o.Channels * o.Inner;
        // Channels last: a vector of slopes for each row. Else one slope for each row.
        var last = o.Inner == 1 && o.Channels > 1;
        var (rows, width) = last ? (o.Outer, o.Channels) : (o.Outer * o.Channels, o.Inner);
        var units = count == 0 ? 0 : last ? (rows + RowsOf(width) - 1) / RowsOf(width) : rows * ((width + Unit - 1) / Unit);
        if (units == 0)
        {
            if (o.BySlopes != 0) new Span<T>((void*)o.BySlopes, (int)o.Channels).Clear();
            return;
        }
        var partial = o.BySlopes == 0 ? [] : new T[last ? units * width : units];
        var operands = o;
        WorkerThreads.Run(WorkerThreads.Worth(count, WorthThread), units, (first, end) =>
        {
            fixed (T* sums = partial) Lanes.Run<T, Share<T>>(new(operands, rows, width, last, first, end, sums));
        });
        if (o.BySlopes == 0) return;
        // In float64, unit by unit.
        var (total, unitsOfRow) = (new double[o.Channels], last ? 1 : units / rows);
        for (var i = 0L; i < partial.LongLength; i++) total[i / unitsOfRow % o.Channels] += double.CreateTruncating(partial[i]);
        for (var c = 0; c < total.Length; c++) ((T*)o.BySlopes)[c] = T.CreateTruncating(total[c]);
    }

    private static long RowsOf(long width) => Math.Max(64, Unit / width);

    private readonly struct Share<T>(Operands<T> o, long rows, long width, bool last, long first, long end, T* sums) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            switch (o.Gate)
            {
                case GateFunction.Logistic: Units<V, Logistic>(); break;
                case GateFunction.Normal: Units<V, Normal>(); break;
                case GateFunction.Mish: Units<V, Mish>(); break;
                default: throw new NotSupportedException($"no kernel of {o.Gate}");
            }
        }

        private void Units<V, G>() where V : struct, ILanes<V, T> where G : IGate
        {
            var ofRow = (width + Unit - 1) / Unit;
            for (var unit = first; unit < end; unit++)
                if (last)
                {
                    var block = RowsOf(width);
                    for (var row = unit * block; row < Math.Min(rows, (unit + 1) * block); row++)
                        if (o.Gradient == 0) Values<V, G>(row * width, width, (T*)o.Slopes, T.Zero);
                        else Gradients<V, G>(row * width, width, (T*)o.Slopes, T.Zero, sums == null ? null : sums + unit * width);
                }
                else
                {
                    long row = unit / ofRow, start = unit % ofRow * Unit, count = Math.Min(Unit, width - start);
                    var slope = ((T*)o.Slopes)[row % o.Channels];
                    if (o.Gradient == 0) Values<V, G>(row * width + start, count, null, slope);
                    else
                    {
                        var sum = Gradients<V, G>(row * width + start, count, null, slope, null);
                        if (sums != null) sums[unit] = sum;
                    }
                }
        }

        // y of one row, with a slope each or one for all.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Values<V, G>(long start, long count, T* slopes, T slope) where V : struct, ILanes<V, T> where G : IGate
        {
            T* x = (T*)o.X + start, result = (T*)o.Result + start;
            var s = V.Create(slope);
            for (long i = 0; i < count; i += V.Count)
            {
                var rest = count - i;
                var full = rest >= V.Count;
                if (slopes != null) s = full ? V.Load(slopes + i) : V.LoadPart(slopes + i, rest);
                var z = full ? V.Load(x + i) : V.LoadPart(x + i, rest);
                var y = z * G.Value<V, T>(s * z, out _);
                if (full) y.Store(result + i);
                else y.StorePart(result + i, rest);
            }
        }

        // The gradients by x of one row; the sum of those by the slope, or each added to `each`.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private T Gradients<V, G>(long start, long count, T* slopes, T slope, T* each) where V : struct, ILanes<V, T> where G : IGate
        {
            T* x = (T*)o.X + start, gradient = (T*)o.Gradient + start, result = (T*)o.Result + start;
            V s = V.Create(slope), sum = V.Zero;
            var total = T.Zero;
            T* few = stackalloc T[V.Count];
            for (long i = 0; i < count; i += V.Count)
            {
                var rest = count - i;
                var full = rest >= V.Count;
                if (slopes != null) s = full ? V.Load(slopes + i) : V.LoadPart(slopes + i, rest);
                V z = full ? V.Load(x + i) : V.LoadPart(x + i, rest), by = full ? V.Load(gradient + i) : V.LoadPart(gradient + i, rest);
                var gate = G.Value<V, T>(s * z, out var steep);
                var through = by * z * steep;
                var byX = V.MultiplyAdd(through, s, by * gate);
                var bySlope = through * z;
                if (full)
                {
                    byX.Store(result + i);
                    sum += bySlope;
                    if (each != null) (V.Load(each + i) + bySlope).Store(each + i);
                    continue;
                }
                byX.StorePart(result + i, rest);
                // Behind the last number an infinite slope would make NaN of 0.
                bySlope.StorePart(few, rest);
                for (var j = 0; j < rest; j++)
                {
                    total += few[j];
                    if (each != null) each[i + j] += few[j];
                }
            }
            return sum.Sum() + total;
        }
    }

    private interface IGate
    {
        static abstract V Value<V, T>(V u, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>;
    }

    private readonly struct Logistic : IGate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V u, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.Sigmoid<V, T>(u, out slope);
    }

    private readonly struct Normal : IGate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V u, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.NormalCdf<V, T>(u, out slope);
    }

    private readonly struct Mish : IGate
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V u, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.TanhSoftplus<V, T>(u, out slope);
    }
}
