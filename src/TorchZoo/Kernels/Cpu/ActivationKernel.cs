using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// y = act(x + bias + residual) of (outer, channels, inner) numbers, and its gradient. Work is cut into units whose bounds depend on the
/// sizes alone, and each unit's share of the bias's gradient is added up by itself: nothing depends on the number of threads.
/// </summary>
internal static unsafe class ActivationKernel
{
    // Numbers of a unit. Their start must cost little beside them, and a share should be many.
    private const long Unit = 1 << 12;

    // Below this a thread's start takes longer than its share.
    private const long WorthThread = 1 << 15;

    /// <summary>Where the numbers are, and how they lie. Without a gradient, y comes from x; with one, the gradient by x.</summary>
    /// <param name="Kind">act</param>
    /// <param name="X">x</param>
    /// <param name="Bias">A number for each channel; null: 0.</param>
    /// <param name="Residual">As many as x; null: 0.</param>
    /// <param name="Gradient">The loss's gradient by y; null: compute y.</param>
    /// <param name="Result">y, or the gradient by x.</param>
    /// <param name="Sum">Where x + bias + residual goes too; null: nowhere.</param>
    /// <param name="ByBias">The gradient by the bias; null: not wanted.</param>
    /// <param name="Outer">Numbers before the channels' axis.</param>
    /// <param name="Channels">Channels.</param>
    /// <param name="Inner">Numbers behind it.</param>
    public readonly record struct Operands<T>(Activation Kind, nint X, nint Bias, nint Residual, nint Gradient, nint Result,
        nint Sum, nint ByBias, long Outer, long Channels, long Inner) where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>Computes it, on as many threads as it is worth.</summary>
    public static void Run<T>(in Operands<T> o) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var count = o.Outer * o.Channels * o.Inner;
        // Channels last: a bias vector for each row. Else one bias for each row. Without either all is one row.
        var channels = o.Bias != 0 || o.ByBias != 0;
        var last = channels && o.Inner == 1;
        var (rows, width) = !channels ? (1, count) : last ? (o.Outer, o.Channels) : (o.Outer * o.Channels, o.Inner);
        var units = last ? (rows + RowsOf(width) - 1) / RowsOf(width) : rows * ((width + Unit - 1) / Unit);
        if (units == 0 || count == 0)
        {
            if (o.ByBias != 0) new Span<T>((void*)o.ByBias, (int)o.Channels).Clear();
            return;
        }
        var partial = o.ByBias == 0 ? [] : new T[last ? units * width : units];
        var operands = o;
        WorkerThreads.Run(WorkerThreads.Worth(count, WorthThread), units, (first, end) =>
        {
            fixed (T* sums = partial) Lanes.Run<T, Share<T>>(new(operands, rows, width, last, first, end, sums));
        });
        if (o.ByBias != 0) Reduce(operands, partial, last ? 1 : units / rows);
    }

    private static long RowsOf(long width) => Math.Max(64, Unit / width);

    // In float64, unit by unit.
    private static void Reduce<T>(in Operands<T> o, T[] partial, long unitsOfRow) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var sums = new double[o.Channels];
        for (var i = 0L; i < partial.LongLength; i++) sums[i / unitsOfRow % o.Channels] += double.CreateTruncating(partial[i]);
        for (var c = 0; c < sums.Length; c++) ((T*)o.ByBias)[c] = T.CreateTruncating(sums[c]);
    }

    private readonly struct Share<T>(Operands<T> o, long rows, long width, bool last, long first, long end, T* sums) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            switch (o.Kind)
            {
                case Activation.Identity: Units<V, IdentityOf>(); break;
                case Activation.Relu: Units<V, ReluOf>(); break;
                case Activation.Sigmoid: Units<V, SigmoidOf>(); break;
                case Activation.Tanh: Units<V, TanhOf>(); break;
                case Activation.Silu: Units<V, SiluOf>(); break;
                case Activation.Gelu: Units<V, GeluOf>(); break;
                case Activation.GeluTanh: Units<V, GeluTanhOf>(); break;
                case Activation.Softplus: Units<V, SoftplusOf>(); break;
                case Activation.Mish: Units<V, MishOf>(); break;
                case Activation.Sin: Units<V, SinOf>(); break;
                default: throw new NotSupportedException($"no kernel of {o.Kind}");
            }
        }

        private void Units<V, TAct>() where V : struct, ILanes<V, T> where TAct : IActivation
        {
            var ofRow = (width + Unit - 1) / Unit;
            for (var unit = first; unit < end; unit++)
                if (last)
                {
                    var block = RowsOf(width);
                    for (var row = unit * block; row < Math.Min(rows, (unit + 1) * block); row++)
                        if (o.Gradient == 0) Values<V, TAct>(row * width, width, (T*)o.Bias, T.Zero);
                        else Gradients<V, TAct>(row * width, width, (T*)o.Bias, T.Zero, sums == null ? null : sums + unit * width);
                }
                else
                {
                    long row = unit / ofRow, start = unit % ofRow * Unit, count = Math.Min(Unit, width - start);
                    var bias = o.Bias == 0 ? T.Zero : ((T*)o.Bias)[row % o.Channels];
                    if (o.Gradient == 0) Values<V, TAct>(row * width + start, count, null, bias);
                    else
                    {
                        var sum = Gradients<V, TAct>(row * width + start, count, null, bias, null);
                        if (sums != null) sums[unit] = sum;
                    }
                }
        }

        // y of one row, with a bias each or one for all. The activation stands in the code once: the compiler's will to inline has a limit.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Values<V, TAct>(long start, long count, T* biases, T bias) where V : struct, ILanes<V, T> where TAct : IActivation
        {
            T* x = (T*)o.X + start, residual = (T*)o.Residual + start, result = (T*)o.Result + start, sum = (T*)o.Sum + start;
            var b = V.Create(bias);
            for (long i = 0; i < count; i += V.Count)
            {
                var rest = count - i;
                var full = rest >= V.Count;
                if (biases != null) b = full ? V.Load(biases + i) : V.LoadPart(biases + i, rest);
                var z = (full ? V.Load(x + i) : V.LoadPart(x + i, rest)) + b;
                if (o.Residual != 0) z += full ? V.Load(residual + i) : V.LoadPart(residual + i, rest);
                var y = TAct.Value<V, T>(z);
                if (o.Sum != 0)
                    if (full) z.Store(sum + i);
                    else z.StorePart(sum + i, rest);
                if (full) y.Store(result + i);
                else y.StorePart(result + i, rest);
            }
        }

        // The gradients by x of one row; their sum, or each added to `each`.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private T Gradients<V, TAct>(long start, long count, T* biases, T bias, T* each)
            where V : struct, ILanes<V, T> where TAct : IActivation
        {
            T* x = (T*)o.X + start, residual = (T*)o.Residual + start, gradient = (T*)o.Gradient + start, result = (T*)o.Result + start;
            V b = V.Create(bias), sum = V.Zero;
            var total = T.Zero;
            for (long i = 0; i < count; i += V.Count)
            {
                var rest = count - i;
                var full = rest >= V.Count;
                if (biases != null) b = full ? V.Load(biases + i) : V.LoadPart(biases + i, rest);
                var z = (full ? V.Load(x + i) : V.LoadPart(x + i, rest)) + b;
                if (o.Residual != 0) z += full ? V.Load(residual + i) : V.LoadPart(residual + i, rest);
                var by = TAct.Gradient<V, T>(z, full ? V.Load(gradient + i) : V.LoadPart(gradient + i, rest));
                if (full)
                {
                    by.Store(result + i);
                    sum += by;
                    if (each != null) (V.Load(each + i) + by).Store(each + i);
                    continue;
                }
                by.StorePart(result + i, rest);
                for (var j = 0; j < rest; j++)
                {
                    total += result[i + j];
                    if (each != null) each[i + j] += result[i + j];
                }
            }
            return sum.Sum() + total;
        }
    }

    private interface IActivation
    {
        static abstract V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>;

        // g act'(z)
        static abstract V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>;
    }

    private readonly struct IdentityOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            z;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            return g;
        }
    }

    private readonly struct ReluOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            V.Max(z, V.Zero);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            return V.Select(V.LessThanOrEqual(z, V.Zero), V.Zero, g);
        }
    }

    private readonly struct SigmoidOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.Sigmoid<V, T>(z);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.Sigmoid<V, T>(z, out var slope);
            return g * slope;
        }
    }

    private readonly struct TanhOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.Tanh<V, T>(z);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.Tanh<V, T>(z, out var slope);
            return g * slope;
        }
    }

    private readonly struct SiluOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.Silu<V, T>(z);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.Silu<V, T>(z, out var slope);
            return g * slope;
        }
    }

    private readonly struct GeluOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.Gelu<V, T>(z);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.Gelu<V, T>(z, out var slope);
            return g * slope;
        }
    }

    private readonly struct GeluTanhOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.GeluTanh<V, T>(z);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.GeluTanh<V, T>(z, out var slope);
            return g * slope;
        }
    }

    private readonly struct SoftplusOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            V.Select(V.LessThan(V.Constant(20), z), z, VectorMath.Softplus<V, T>(z));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.Softplus<V, T>(z, out var slope);
            return V.Select(V.LessThan(V.Constant(20), z), g, g * slope);
        }
    }

    private readonly struct MishOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.Mish<V, T>(z);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.Mish<V, T>(z, out var slope);
            return g * slope;
        }
    }

    private readonly struct SinOf : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V, T>(V z) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.Sin<V, T>(z);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Gradient<V, T>(V z, V g) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
        {
            VectorMath.Sin<V, T>(z, out var slope);
            return g * slope;
        }
    }
}
