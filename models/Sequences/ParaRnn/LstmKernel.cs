using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// ParaLSTM's recurrence and its gradient on the CPU, one pass each. The forward pass keeps the states alone; the backward pass makes the
/// gates from them again, which needs no state of a later step, so that steps wait for the product of a 2 × 2 matrix with a vector alone.
/// </summary>
internal static unsafe class LstmKernel
{
    // Sums over time: by A and b, three gates each, and by the two peepholes.
    private const int Sums = 8;

    /// <summary>h and c, (batch, time, channels) each, from inputs (heads, batch, time, 3, channels of a head).</summary>
    public static void Forward<T>(Tensor inputs, Tensor a, Tensor peepholes, Tensor b, Tensor? initial, Tensor hidden, Tensor cells)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pp = Plain<T>(peepholes, nameof(peepholes)),
            pb = Plain<T>(b, nameof(b)),
            p0 = Plain<T>(initial, nameof(initial)), ph = Pinned<T>.Of(hidden, nameof(hidden)), pc = Pinned<T>.Of(cells, nameof(cells));
        nint u = (nint)pu.Pointer, wa = (nint)pa.Pointer, wp = (nint)pp.Pointer, wb = (nint)pb.Pointer, s0 = (nint)p0.Pointer,
            h = (nint)ph.Pointer, c = (nint)pc.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, ForwardUnit<T>>(new(layout, first, end, (T*)u, (T*)wa, (T*)wp, (T*)wb, (T*)s0, (T*)h,
            (T*)c)));
    }

    /// <summary>Gradients by inputs, A, peepholes, b and the initial state.</summary>
    public static (Tensor ByInputs, Tensor ByA, Tensor ByPeepholes, Tensor ByB, Tensor? ByInitial) Backward<T>(
        Tensor inputs, Tensor a, Tensor peepholes, Tensor b, Tensor? initial, Tensor hidden, Tensor cells, Tensor? byHidden,
            Tensor? byCells)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        var byInputs = empty(inputs.shape, inputs.dtype);
        var byInitial = initial is null ? null : zeros(initial.shape, initial.dtype);
        var sums = zeros([layout.Batch, Sums, layout.Channels], inputs.dtype);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pp = Plain<T>(peepholes, nameof(peepholes)),
            pb = Plain<T>(b, nameof(b)),
            p0 = Plain<T>(initial, nameof(initial)), ph = Plain<T>(hidden, nameof(hidden)), pc = Plain<T>(cells, nameof(cells)),
            pgh = Plain<T>(byHidden, nameof(byHidden)),
            pgc = Plain<T>(byCells, nameof(byCells)), pby = Pinned<T>.Of(byInputs, nameof(byInputs)),
            pby0 = Plain<T>(byInitial, nameof(byInitial)), ps = Pinned<T>.Of(sums, nameof(sums));
        nint u = (nint)pu.Pointer, wa = (nint)pa.Pointer, wp = (nint)pp.Pointer, wb = (nint)pb.Pointer, s0 = (nint)p0.Pointer,
            h = (nint)ph.Pointer, c = (nint)pc.Pointer,
            gh = (nint)pgh.Pointer, gc = (nint)pgc.Pointer, by = (nint)pby.Pointer, by0 = (nint)pby0.Pointer, s = (nint)ps.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, BackwardUnit<T>>(
            new(layout, first, end, (T*)u, (T*)wa, (T*)wp, (T*)wb, (T*)s0, (T*)h, (T*)c, (T*)gh, (T*)gc, (T*)by, (T*)by0, (T*)s)));
        var total = TimeSums.OverBatch<T>(sums);
        return (byInputs, total.narrow(0, 0, 3), total.narrow(0, 6, 2), total.narrow(0, 3, 3), byInitial);
    }

    private static Pinned<T> Plain<T>(Tensor? tensor, string name) where T : unmanaged =>
        tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);

    private readonly struct ForwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* weights, T* peepholes, T* biases,
        T* initial, T* outputs, T* cells) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            if (layout.IsFull) Steps<V, FullRegisters>();
            else Steps<V, PartialRegisters>();
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Steps<V, TFill>() where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long steps = layout.Steps, width = layout.Width, channels = layout.Channels;
            var count = (int)(end - first);
            var columns = stackalloc SeriesColumn[SeriesLayout.Side];
            for (var k = 0; k < count; k++) columns[k] = layout[first + k];
            T* hidden = stackalloc T[5 * SeriesLayout.Side * V.Count], cell = hidden + count * V.Count, f = cell + count * V.Count,
                g = f + count * V.Count, o = g + count * V.Count;
            for (var k = 0; k < count; k++)
            {
                V h = V.Zero, c = V.Zero;
                if (initial != null)
                {
                    var start = initial + columns[k].Batch * 2 * channels + columns[k].Channel;
                    (c, h) = (TFill.Load<V, T>(start, columns[k].Count), TFill.Load<V, T>(start + channels, columns[k].Count));
                }
                h.Store(hidden + k * V.Count);
                c.Store(cell + k * V.Count);
            }
            var one = V.Create(T.One);
            T* a = weights, b = biases, p = peepholes;
            for (var step = 0L; step < steps; step++)
            {
                for (var k = 0; k < count; k++)
                {
                    long n = columns[k].Count, channel = columns[k].Channel;
                    T* u = inputs + columns[k].Inputs + step * 3 * width, at = a + channel, bias = b + channel;
                    V h = V.Load(hidden + k * V.Count), c = V.Load(cell + k * V.Count);
                    V.MultiplyAdd(TFill.Load<V, T>(at, n), h,
                        V.MultiplyAdd(TFill.Load<V, T>(p + channel, n), c, TFill.Load<V, T>(u, n) + TFill.Load<V, T>(bias, n)))
                        .Store(f + k * V.Count);
                    V.MultiplyAdd(TFill.Load<V, T>(at + channels, n), h,
                        TFill.Load<V, T>(u + width, n) + TFill.Load<V, T>(bias + channels, n)).Store(o + k * V.Count);
                    V.MultiplyAdd(TFill.Load<V, T>(at + 2 * channels, n), h,
                        TFill.Load<V, T>(u + 2 * width, n) + TFill.Load<V, T>(bias + 2 * channels, n))
                        .Store(g + k * V.Count);
                }
                GateMath.Sigmoid<V, T>(f, count);
                GateMath.Tanh<V, T>(g, count);
                for (var k = 0; k < count; k++)
                {
                    long n = columns[k].Count, channel = columns[k].Channel;
                    var gate = V.Load(f + k * V.Count);
                    var c = V.MultiplyAdd(gate, V.Load(cell + k * V.Count), (one - gate) * V.Load(g + k * V.Count));
                    c.Store(cell + k * V.Count);
                    // Its tanh is taken where g was.
                    c.Store(g + k * V.Count);
                    TFill.Store<V, T>(c, cells + (columns[k].Batch * steps + step) * channels + channel, n);
                    V.MultiplyAdd(TFill.Load<V, T>(p + channels + channel, n), c, V.Load(o + k * V.Count)).Store(o + k * V.Count);
                }
                GateMath.Sigmoid<V, T>(o, count);
                GateMath.Tanh<V, T>(g, count);
                for (var k = 0; k < count; k++)
                {
                    var h = V.Load(o + k * V.Count) * V.Load(g + k * V.Count);
                    h.Store(hidden + k * V.Count);
                    TFill.Store<V, T>(h, outputs + (columns[k].Batch * steps + step) * channels + columns[k].Channel, columns[k].Count);
                }
            }
        }
    }

    private readonly struct BackwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* a, T* peepholes, T* b, T* initial,
        T* hidden, T* cells,
        T* byHidden, T* byCells, T* byInputs, T* byInitial, T* sums) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            if (layout.IsFull) Columns<V, FullRegisters>();
            else Columns<V, PartialRegisters>();
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Columns<V, TFill>() where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            const int most = SeriesLayout.Side * TimeSums.Steps;
            var count = (int)(end - first);
            var columns = stackalloc SeriesColumn[SeriesLayout.Side];
            // Of each column Jᵀ λ of the step behind, c's half and h's, and sums.
            T* carried = stackalloc T[(2 + Sums) * SeriesLayout.Side * V.Count], ownSums = carried + 2 * SeriesLayout.Side * V.Count;
            // Of some steps, column by column: states before, gates and their slopes.
            T* beforeH = stackalloc T[10 * most * V.Count], beforeC = beforeH + most * V.Count, f = beforeC + most * V.Count,
                o = f + most * V.Count, g = o + most * V.Count,
                t = g + most * V.Count, fSlopes = t + most * V.Count, oSlopes = fSlopes + most * V.Count,
                gSlopes = oSlopes + most * V.Count, tSlopes = gSlopes + most * V.Count;
            for (var k = 0; k < count; k++) columns[k] = layout[first + k];
            for (var i = 0; i < (2 + Sums) * SeriesLayout.Side; i++) V.Zero.Store(carried + i * V.Count);
            var group = 0;
            for (var to = layout.Steps; to > 0; to -= TimeSums.Steps)
            {
                var from = Math.Max(0, to - TimeSums.Steps);
                var steps = (int)(to - from);
                // Row by row: no gate needs a later step's.
                for (var i = 0; i < steps; i++)
                    for (var k = 0; k < count; k++) Enter<V, TFill>(columns + k, from + i, (k * steps + i) * V.Count, beforeH, beforeC, f,
                        o, g, t);
                GateMath.Sigmoid<V, T>(f, fSlopes, count * steps);
                GateMath.Sigmoid<V, T>(o, oSlopes, count * steps);
                GateMath.Tanh<V, T>(g, gSlopes, count * steps);
                GateMath.Tanh<V, T>(t, tSlopes, count * steps);
                for (var k = 0; k < count; k++)
                {
                    var at = k * steps * V.Count;
                    Leave<V, TFill>(columns + k, from, steps, beforeH + at, beforeC + at, f + at, o + at, g + at, t + at,
                        most * V.Count * 4,
                        carried + 2 * k * V.Count, ownSums + k * Sums * V.Count);
                }
                if (++group % TimeSums.Groups == 0 || from == 0)
                    for (var k = 0; k < count; k++)
                        TimeSums.Flush<V, T, TFill>(ownSums + k * Sums * V.Count,
                            sums + columns[k].Batch * Sums * layout.Channels + columns[k].Channel, Sums,
                            layout.Channels, columns[k].Count);
            }
            if (byInitial == null) return;
            for (var k = 0; k < count; k++)
            {
                var start = byInitial + columns[k].Batch * 2 * layout.Channels + columns[k].Channel;
                TFill.Store<V, T>(V.Load(carried + 2 * k * V.Count), start, columns[k].Count);
                TFill.Store<V, T>(V.Load(carried + (2 * k + 1) * V.Count), start + layout.Channels, columns[k].Count);
            }
        }

        // What goes into the gates, and c' into its tanh.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Enter<V, TFill>(SeriesColumn* column, long step, int to, T* beforeH, T* beforeC, T* f, T* o, T* g, T* t)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long width = layout.Width, channels = layout.Channels, n = column->Count, channel = column->Channel, sample = column->Batch;
            var row = (sample * layout.Steps + step) * channels + channel;
            T* u = inputs + column->Inputs + step * 3 * width, at = a + channel, peephole = peepholes + channel, bias = b + channel;
            V h = V.Zero, c = V.Zero;
            if (step > 0)
            {
                h = TFill.Load<V, T>(hidden + row - channels, n);
                c = TFill.Load<V, T>(cells + row - channels, n);
            }
            else if (initial != null)
            {
                c = TFill.Load<V, T>(initial + sample * 2 * channels + channel, n);
                h = TFill.Load<V, T>(initial + (sample * 2 + 1) * channels + channel, n);
            }
            h.Store(beforeH + to);
            c.Store(beforeC + to);
            var cell = TFill.Load<V, T>(cells + row, n);
            cell.Store(t + to);
            V.MultiplyAdd(TFill.Load<V, T>(at, n), h,
                V.MultiplyAdd(TFill.Load<V, T>(peephole, n), c, TFill.Load<V, T>(u, n) + TFill.Load<V, T>(bias, n))).Store(f + to);
            V.MultiplyAdd(TFill.Load<V, T>(peephole + channels, n), cell,
                V.MultiplyAdd(TFill.Load<V, T>(at + channels, n), h,
                TFill.Load<V, T>(u + width, n) + TFill.Load<V, T>(bias + channels, n))).Store(o + to);
            V.MultiplyAdd(TFill.Load<V, T>(at + 2 * channels, n), h,
                TFill.Load<V, T>(u + 2 * width, n) + TFill.Load<V, T>(bias + 2 * channels, n)).Store(g + to);
        }

        // Slopes lie a distance behind the gates.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Leave<V, TFill>(SeriesColumn* column, long from, int count, T* beforeH, T* beforeC, T* f, T* o, T* g, T* t, int slopes,
            T* carried, T* sums)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long width = layout.Width, channels = layout.Channels, n = column->Count, channel = column->Channel;
            T* at = a + channel, peephole = peepholes + channel;
            V a0 = TFill.Load<V, T>(at, n), a1 = TFill.Load<V, T>(at + channels, n), a2 = TFill.Load<V, T>(at + 2 * channels, n);
            V c0 = TFill.Load<V, T>(peephole, n), c1 = TFill.Load<V, T>(peephole + channels, n);
            V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, t0 = V.Zero, t1 = V.Zero, t2 = V.Zero, p0 = V.Zero, p1 = V.Zero, one = V.Create(T.One);
            V carryC = V.Load(carried), carryH = V.Load(carried + V.Count);
            for (var i = count - 1; i >= 0; i--)
            {
                var row = (column->Batch * layout.Steps + from + i) * channels + channel;
                var by = byInputs + column->Inputs + (from + i) * 3 * width;
                var j = i * V.Count;
                V h = V.Load(beforeH + j), c = V.Load(beforeC + j), forget = V.Load(f + j);
                // ∂h' by o's input and by c'; ∂c' by f's input and g's.
                V ho = V.Load(t + j) * V.Load(o + slopes + j), hc = V.MultiplyAdd(ho, c1, V.Load(o + j) * V.Load(t + slopes + j)),
                    df = (c - V.Load(g + j)) * V.Load(f + slopes + j), dg = (one - forget) * V.Load(g + slopes + j);
                V cc = V.MultiplyAdd(df, c0, forget), ch = V.MultiplyAdd(df, a0, dg * a2), hh = ho * a1;
                V lambdaH = carryH, lambdaC = carryC;
                if (byHidden != null) lambdaH += TFill.Load<V, T>(byHidden + row, n);
                if (byCells != null) lambdaC += TFill.Load<V, T>(byCells + row, n);
                var d = V.MultiplyAdd(lambdaH, hc, lambdaC);
                carryC = d * cc;
                carryH = V.MultiplyAdd(lambdaH, hh, d * ch);
                V gf = d * df, go = lambdaH * ho, gg = d * dg;
                TFill.Store<V, T>(gf, by, n);
                TFill.Store<V, T>(go, by + width, n);
                TFill.Store<V, T>(gg, by + 2 * width, n);
                s0 = V.MultiplyAdd(gf, h, s0);
                s1 = V.MultiplyAdd(go, h, s1);
                s2 = V.MultiplyAdd(gg, h, s2);
                p0 = V.MultiplyAdd(gf, c, p0);
                p1 = V.MultiplyAdd(go, TFill.Load<V, T>(cells + row, n), p1);
                t0 += gf;
                t1 += go;
                t2 += gg;
            }
            carryC.Store(carried);
            carryH.Store(carried + V.Count);
            TimeSums.Add<V, T>(sums, s0);
            TimeSums.Add<V, T>(sums + V.Count, s1);
            TimeSums.Add<V, T>(sums + 2 * V.Count, s2);
            TimeSums.Add<V, T>(sums + 3 * V.Count, t0);
            TimeSums.Add<V, T>(sums + 4 * V.Count, t1);
            TimeSums.Add<V, T>(sums + 5 * V.Count, t2);
            TimeSums.Add<V, T>(sums + 6 * V.Count, p0);
            TimeSums.Add<V, T>(sums + 7 * V.Count, p1);
        }
    }
}
