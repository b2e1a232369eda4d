using System.Numerics;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// Linear recurrences of (batch, time, n, channels) numbers and their gradients, step by step. A unit of work is some channels of one
/// sample; units don't depend on each other nor on the number of threads.
/// </summary>
internal static unsafe class RecurrenceKernel
{
    // Registers side by side in a unit: enough that their chains of dependent sums hide each other's latency.
    private const int Registers = 8;

    // Numbers below which a thread's start takes longer than its share.
    private const long WorthThread = 1 << 15;

    /// <summary>h of <see cref="LinearRecurrence.Scan"/>.</summary>
    public static Tensor Forward<T>(Tensor a, Tensor b, Tensor? initial, bool reverse) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var h = empty(b.shape, b.dtype);
        using Pinned<T> pa = Plain<T>(a, nameof(a)), pb = Plain<T>(b, nameof(b)), p0 = Plain<T>(initial, nameof(initial)),
            ph = Pinned<T>.Of(h, nameof(h));
        Run(new Operands<T>(Sizes.Of(b), reverse, (nint)pa.Pointer, (nint)pb.Pointer, (nint)p0.Pointer, (nint)ph.Pointer, 0, 0, false));
        return h;
    }

    /// <summary>Its gradients.</summary>
    public static (Tensor ByB, Tensor? ByA, Tensor? ByInitial) Backward<T>(Tensor a, Tensor g, Tensor? h, Tensor? initial, bool reverse,
        bool needsA, bool needsInitial)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var byB = empty(g.shape, g.dtype);
        var byA = needsA ? empty(a.shape, a.dtype) : null;
        var byInitial = needsInitial ? zeros([g.shape[0], .. g.shape[2..]], g.dtype) : null;
        using Pinned<T> pa = Plain<T>(a, nameof(a)), pg = Plain<T>(g, nameof(g)), ph = Plain<T>(needsA ? h : null, nameof(h)),
            p0 = Plain<T>(initial, nameof(initial)),
            pb = Pinned<T>.Of(byB, nameof(byB)), pby = Plain<T>(byA, nameof(byA)), pbi = Plain<T>(byInitial, nameof(byInitial));
        // In the opposite direction; h stands where b was, and λ where h was.
        Run(new Operands<T>(Sizes.Of(g), reverse, (nint)pa.Pointer, (nint)ph.Pointer, (nint)p0.Pointer, (nint)pb.Pointer, (nint)pby.Pointer,
            (nint)pbi.Pointer, true)
        { Gradient = (nint)pg.Pointer });
        return (byB, byA, byInitial);
    }

    private static Pinned<T> Plain<T>(Tensor? tensor, string name) where T : unmanaged =>
        tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);

    private readonly record struct Sizes(long Batch, long Steps, long States, long Channels)
    {
        public static Sizes Of(Tensor b) => b.dim() == 3 ? new(b.shape[0], b.shape[1], 1, b.shape[2])
            : new(b.shape[0], b.shape[1], b.shape[2], b.shape[3]);
    }

    /// <summary>Where the numbers are.</summary>
    /// <param name="Sizes">How many.</param>
    /// <param name="Reverse">Backward in time.</param>
    /// <param name="A">A.</param>
    /// <param name="B">b; for gradients h, or null.</param>
    /// <param name="Initial">h₀, or null.</param>
    /// <param name="Result">h; for gradients that by b.</param>
    /// <param name="ByA">The gradient by A, or null.</param>
    /// <param name="ByInitial">The gradient by h₀, or null.</param>
    /// <param name="Backward">Whether gradients are wanted.</param>
    private readonly record struct Operands<T>(Sizes Sizes, bool Reverse, nint A, nint B, nint Initial, nint Result, nint ByA,
        nint ByInitial, bool Backward)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public nint Gradient { get; init; }
    }

    private static void Run<T>(in Operands<T> operands) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (o, s) = (operands, operands.Sizes);
        if (s.Batch == 0 || s.Steps == 0 || s.Channels == 0) return;
        var lanes = Lanes.Bits / 8 / sizeof(T);
        var width = Registers * lanes;
        var blocks = (s.Channels + width - 1) / width;
        var units = s.Batch * blocks;
        var workers = (int)Math.Clamp(Math.Min(units, s.Batch * s.Steps * s.Channels * s.States * s.States / WorthThread), 1,
            get_num_threads());
        WorkerThreads.Run(workers, worker =>
            Lanes.Run<T, Share<T>>(new(o, width, blocks, units * worker / workers, units * (worker + 1) / workers)));
    }

    private readonly struct Share<T>(Operands<T> o, long width, long blocks, long first, long end) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            for (var unit = first; unit < end; unit++)
            {
                long batch = unit / blocks, from = unit % blocks * width, to = Math.Min(from + width, o.Sizes.Channels);
                if (o.Backward) Back<V>(batch, from, to);
                else if (o.Sizes.States == 1) Numbers<V>(batch, from, to);
                else if (o.Sizes.States == 2) Pairs<V>(batch, from, to);
                else Matrices<V>(batch, from, to);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Load<V>(T* p, long rest) where V : struct, ILanes<V, T> => rest >= V.Count ? V.Load(p) : V.LoadPart(p, rest);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store<V>(V x, T* p, long rest) where V : struct, ILanes<V, T>
        {
            if (rest >= V.Count) x.Store(p);
            else x.StorePart(p, rest);
        }

        // The row of a step, and the state before it; null: zero.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private long Row(long batch, long step) => batch * o.Sizes.Steps + (o.Reverse ? o.Sizes.Steps - 1 - step : step);

        private T* Before(T* states, long batch, long step) => step > 0 ? states + Row(batch, step - 1) * o.Sizes.States * o.Sizes.Channels
            : o.Initial == 0 ? null : (T*)o.Initial + batch * o.Sizes.States * o.Sizes.Channels;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Numbers<V>(long batch, long from, long to) where V : struct, ILanes<V, T>
        {
            var c = o.Sizes.Channels;
            for (var step = 0L; step < o.Sizes.Steps; step++)
            {
                var row = Row(batch, step) * c;
                T* a = (T*)o.A + row, b = (T*)o.B + row, h = (T*)o.Result + row, before = Before((T*)o.Result, batch, step);
                for (var i = from; i < to; i += V.Count)
                {
                    var rest = to - i;
                    var x = Load<V>(b + i, rest);
                    if (before != null) x = V.MultiplyAdd(Load<V>(a + i, rest), Load<V>(before + i, rest), x);
                    Store(x, h + i, rest);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Pairs<V>(long batch, long from, long to) where V : struct, ILanes<V, T>
        {
            var c = o.Sizes.Channels;
            for (var step = 0L; step < o.Sizes.Steps; step++)
            {
                var row = Row(batch, step) * c;
                T* a = (T*)o.A + 4 * row, b = (T*)o.B + 2 * row, h = (T*)o.Result + 2 * row, before = Before((T*)o.Result, batch, step);
                for (var i = from; i < to; i += V.Count)
                {
                    var rest = to - i;
                    V x = Load<V>(b + i, rest), y = Load<V>(b + c + i, rest);
                    if (before != null)
                    {
                        V p = Load<V>(before + i, rest), q = Load<V>(before + c + i, rest);
                        x = V.MultiplyAdd(Load<V>(a + i, rest), p, V.MultiplyAdd(Load<V>(a + c + i, rest), q, x));
                        y = V.MultiplyAdd(Load<V>(a + 2 * c + i, rest), p, V.MultiplyAdd(Load<V>(a + 3 * c + i, rest), q, y));
                    }
                    Store(x, h + i, rest);
                    Store(y, h + c + i, rest);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Matrices<V>(long batch, long from, long to) where V : struct, ILanes<V, T>
        {
            long c = o.Sizes.Channels, n = o.Sizes.States;
            for (var step = 0L; step < o.Sizes.Steps; step++)
            {
                var row = Row(batch, step) * c * n;
                T* a = (T*)o.A + row * n, b = (T*)o.B + row, h = (T*)o.Result + row, before = Before((T*)o.Result, batch, step);
                for (var k = 0L; k < n; k++, a += n * c)
                    for (var i = from; i < to; i += V.Count)
                    {
                        var rest = to - i;
                        var x = Load<V>(b + k * c + i, rest);
                        for (var j = 0L; before != null && j < n; j++) x =
                            V.MultiplyAdd(Load<V>(a + j * c + i, rest), Load<V>(before + j * c + i, rest), x);
                        Store(x, h + k * c + i, rest);
                    }
            }
        }

        // λ, which goes from one step to the one before through memory: into what is its gradient by b.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Back<V>(long batch, long from, long to) where V : struct, ILanes<V, T>
        {
            long c = o.Sizes.Channels, n = o.Sizes.States;
            for (var step = o.Sizes.Steps - 1; step >= 0; step--)
            {
                var row = Row(batch, step) * c * n;
                T* g = (T*)o.Gradient + row, by = (T*)o.Result + row, byA = o.ByA == 0 ? null : (T*)o.ByA + row * n;
                T* before = o.ByA == 0 ? null : Before((T*)o.B, batch, step), next = null, afterwards = null;
                if (step + 1 < o.Sizes.Steps)
                {
                    var later = Row(batch, step + 1) * c * n;
                    next = (T*)o.A + later * n;
                    afterwards = (T*)o.Result + later;
                }
                for (var i = from; i < to; i += V.Count)
                {
                    var rest = to - i;
                    for (var k = 0L; k < n; k++)
                    {
                        var x = Load<V>(g + k * c + i, rest);
                        for (var j = 0L; next != null && j < n; j++)
                            x = V.MultiplyAdd(Load<V>(next + (j * n + k) * c + i, rest), Load<V>(afterwards + j * c + i, rest), x);
                        Store(x, by + k * c + i, rest);
                        if (byA == null) continue;
                        for (var j = 0L; j < n; j++)
                            Store(before == null ? V.Zero : x * Load<V>(before + j * c + i, rest), byA + (k * n + j) * c + i, rest);
                    }
                }
            }
            if (o.ByInitial == 0) return;
            var start = Row(batch, 0) * c * n;
            T* first = (T*)o.A + start * n, lambda = (T*)o.Result + start, byInitial = (T*)o.ByInitial + batch * c * n;
            for (var i = from; i < to; i += V.Count)
                for (var k = 0L; k < n; k++)
                {
                    var rest = to - i;
                    var x = V.Zero;
                    for (var j = 0L; j < n; j++) x = V.MultiplyAdd(Load<V>(first + (j * n + k) * c + i, rest),
                        Load<V>(lambda + j * c + i, rest), x);
                    Store(x, byInitial + k * c + i, rest);
                }
        }
    }
}
