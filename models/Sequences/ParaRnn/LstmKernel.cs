using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// ParaLSTM's recurrence and its gradient on the CPU, one pass each. The forward pass keeps the states alone; the backward pass makes the gates
/// from them again, which needs no state of a later step, so that steps wait for the product of a 2 × 2 matrix with a vector alone.
/// </summary>
internal static unsafe class LstmKernel
{
    // Sums over time: by A and b, three gates each, and by the two peepholes.
    private const int Sums = 8;

    /// <summary>h and c, (batch, time, channels) each, from inputs (heads, batch, time, 3, channels of a head).</summary>
    public static (Tensor H, Tensor C) Forward<T>(Tensor inputs, Tensor a, Tensor peepholes, Tensor b, Tensor? initial) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        long[] shape = [layout.Batch, layout.Steps, layout.Channels];
        Tensor hidden = empty(shape, inputs.dtype), cells = empty(shape, inputs.dtype);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pp = Plain<T>(peepholes, nameof(peepholes)), pb = Plain<T>(b, nameof(b)),
            p0 = Plain<T>(initial, nameof(initial)), ph = Pinned<T>.Of(hidden, nameof(hidden)), pc = Pinned<T>.Of(cells, nameof(cells));
        nint u = (nint)pu.Pointer, wa = (nint)pa.Pointer, wp = (nint)pp.Pointer, wb = (nint)pb.Pointer, s0 = (nint)p0.Pointer, h = (nint)ph.Pointer, c = (nint)pc.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, ForwardUnit<T>>(new(layout, first, end, (T*)u, (T*)wa, (T*)wp, (T*)wb, (T*)s0, (T*)h, (T*)c)));
        return (hidden, cells);
    }

    /// <summary>Gradients by inputs, A, peepholes, b and the initial state.</summary>
    public static (Tensor ByInputs, Tensor ByA, Tensor ByPeepholes, Tensor ByB, Tensor? ByInitial) Backward<T>(
        Tensor inputs, Tensor a, Tensor peepholes, Tensor b, Tensor? initial, Tensor hidden, Tensor cells, Tensor? byHidden, Tensor? byCells)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        var byInputs = empty(inputs.shape, inputs.dtype);
        var byInitial = initial is null ? null : zeros(initial.shape, initial.dtype);
        var sums = zeros([layout.Batch, Sums, layout.Channels], inputs.dtype);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pp = Plain<T>(peepholes, nameof(peepholes)), pb = Plain<T>(b, nameof(b)),
            p0 = Plain<T>(initial, nameof(initial)), ph = Plain<T>(hidden, nameof(hidden)), pc = Plain<T>(cells, nameof(cells)), pgh = Plain<T>(byHidden, nameof(byHidden)),
            pgc = Plain<T>(byCells, nameof(byCells)), pby = Pinned<T>.Of(byInputs, nameof(byInputs)), pby0 = Plain<T>(byInitial, nameof(byInitial)), ps = Pinned<T>.Of(sums, nameof(sums));
        nint u = (nint)pu.Pointer, wa = (nint)pa.Pointer, wp = (nint)pp.Pointer, wb = (nint)pb.Pointer, s0 = (nint)p0.Pointer, h = (nint)ph.Pointer, c = (nint)pc.Pointer,
            gh = (nint)pgh.Pointer, gc = (nint)pgc.Pointer, by = (nint)pby.Pointer, by0 = (nint)pby0.Pointer, s = (nint)ps.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, BackwardUnit<T>>(
            new(layout, first, end, (T*)u, (T*)wa, (T*)wp, (T*)wb, (T*)s0, (T*)h, (T*)c, (T*)gh, (T*)gc, (T*)by, (T*)by0, (T*)s)));
        var total = TimeSums.OverBatch<T>(sums);
        return (byInputs, total.narrow(0, 0, 3), total.narrow(0, 6, 2), total.narrow(0, 3, 3), byInitial);
    }

    private static Pinned<T> Plain<T>(Tensor? tensor, string name) where T : unmanaged => tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);

    private readonly struct ForwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* weights, T* peepholes, T* biases, T* initial, T* outputs, T* cells) : ILanesKernel<T>
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
            T* hidden = stackalloc T[5 * SeriesLayout.Side * V.Count], cell = hidden + count * V.Count, f = cell + count * V.Count, g = f + count * V.Count, o = g + count * V.Count;
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
                    V.MultiplyAdd(TFill.Load<V, T>(at, n), h, V.MultiplyAdd(TFill.Load<V, T>(p + channel, n), c, TFill.Load<V, T>(u, n) + TFill.Load<V, T>(bias, n)))
                        .Store(f + k * V.Count);
                    V.MultiplyAdd(TFill.Load<V, T>(at + channels, n), h, TFill.Load<V, T>(u + width, n) + TFill.Load<V, T>(bias + channels, n)).Store(o + k * V.Count);
                    V.MultiplyAdd(TFill.Load<V, T>(at + 2 * channels, n), h, TFill.Load<V, T>(u + 2 * width, n) + TFill.Load<V, T>(bias + 2 * channels, n))
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

    private readonly struct BackwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* a, T* peepholes, T* b, T* initial, T* hidden, T* cells,
        T* byHidden, T* byCells, T* byInputs, T* byInitial, T* sums) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            if (layout.IsFull) Columns<V, FullRegisters>();
            else Columns<V, PartialRegisters>();
        }

        private void Columns<V, TFill>() where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            var count = (int)(end - first);
            var columns = stackalloc SeriesColumn[SeriesLayout.Side];
            // Jᵀ λ of the step behind, c's half and h's.
            var carried = stackalloc T[SeriesLayout.Side * 2 * V.Count];
            for (var k = 0; k < count; k++)
            {
                columns[k] = layout[first + k];
                V.Zero.Store(carried + 2 * k * V.Count);
                V.Zero.Store(carried + (2 * k + 1) * V.Count);
            }
            // A column at a time, but not all of its steps: those of its neighbours lie in the same cache lines or near by.
            for (var last = layout.Steps; last > 0; last -= Math.Min(last, TimeSums.Steps))
                for (var k = 0; k < count; k++) Steps<V, TFill>(columns + k, Math.Max(0, last - TimeSums.Steps), last, carried + 2 * k * V.Count);
            if (byInitial == null) return;
            for (var k = 0; k < count; k++)
            {
                var start = byInitial + columns[k].Batch * 2 * layout.Channels + columns[k].Channel;
                TFill.Store<V, T>(V.Load(carried + 2 * k * V.Count), start, columns[k].Count);
                TFill.Store<V, T>(V.Load(carried + (2 * k + 1) * V.Count), start + layout.Channels, columns[k].Count);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Steps<V, TFill>(SeriesColumn* column, long from, long to, T* carried) where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long steps = layout.Steps, width = layout.Width, channels = layout.Channels, n = column->Count, channel = column->Channel, sample = column->Batch;
            T* at = a + channel, peephole = peepholes + channel, bias = b + channel;
            V a0 = TFill.Load<V, T>(at, n), a1 = TFill.Load<V, T>(at + channels, n), a2 = TFill.Load<V, T>(at + 2 * channels, n);
            V c0 = TFill.Load<V, T>(peephole, n), c1 = TFill.Load<V, T>(peephole + channels, n);
            V b0 = TFill.Load<V, T>(bias, n), b1 = TFill.Load<V, T>(bias + channels, n), b2 = TFill.Load<V, T>(bias + 2 * channels, n);
            V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, t0 = V.Zero, t1 = V.Zero, t2 = V.Zero, p0 = V.Zero, p1 = V.Zero, one = V.Create(T.One);
            V carryC = V.Load(carried), carryH = V.Load(carried + V.Count);
            // The gates of all these steps, and their slopes, since none needs another step's.
            const int most = (int)TimeSums.Steps;
            var count = (int)(to - from);
            T* f = stackalloc T[10 * most * V.Count], fSlopes = f + count * V.Count, o = fSlopes + count * V.Count, oSlopes = o + count * V.Count, g = oSlopes + count * V.Count,
                gSlopes = g + count * V.Count, t = gSlopes + count * V.Count, tSlopes = t + count * V.Count, beforeH = tSlopes + count * V.Count, beforeC = beforeH + count * V.Count;
            for (var i = 0; i < count; i++)
            {
                var step = from + i;
                var row = (sample * steps + step) * channels + channel;
                var u = inputs + column->Inputs + step * 3 * width;
                V h = V.Zero, c = V.Zero;
                if (step > 0) (h, c) = (TFill.Load<V, T>(hidden + row - channels, n), TFill.Load<V, T>(cells + row - channels, n));
                else if (initial != null)
                {
                    var start = initial + sample * 2 * channels + channel;
                    (c, h) = (TFill.Load<V, T>(start, n), TFill.Load<V, T>(start + channels, n));
                }
                h.Store(beforeH + i * V.Count);
                c.Store(beforeC + i * V.Count);
                var cell = TFill.Load<V, T>(cells + row, n);
                cell.Store(t + i * V.Count);
                V.MultiplyAdd(a0, h, V.MultiplyAdd(c0, c, TFill.Load<V, T>(u, n) + b0)).Store(f + i * V.Count);
                V.MultiplyAdd(c1, cell, V.MultiplyAdd(a1, h, TFill.Load<V, T>(u + width, n) + b1)).Store(o + i * V.Count);
                V.MultiplyAdd(a2, h, TFill.Load<V, T>(u + 2 * width, n) + b2).Store(g + i * V.Count);
            }
            GateMath.Sigmoid<V, T>(f, fSlopes, count);
            GateMath.Sigmoid<V, T>(o, oSlopes, count);
            GateMath.Tanh<V, T>(g, gSlopes, count);
            GateMath.Tanh<V, T>(t, tSlopes, count);
            for (var i = count - 1; i >= 0; i--)
            {
                var row = (sample * steps + from + i) * channels + channel;
                var by = byInputs + column->Inputs + (from + i) * 3 * width;
                V h = V.Load(beforeH + i * V.Count), c = V.Load(beforeC + i * V.Count), forget = V.Load(f + i * V.Count);
                // ∂h' by o's input and by c'; ∂c' by f's input and g's.
                V ho = V.Load(t + i * V.Count) * V.Load(oSlopes + i * V.Count), hc = V.MultiplyAdd(ho, c1, V.Load(o + i * V.Count) * V.Load(tSlopes + i * V.Count)),
                    df = (c - V.Load(g + i * V.Count)) * V.Load(fSlopes + i * V.Count), dg = (one - forget) * V.Load(gSlopes + i * V.Count);
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
            var total = sums + sample * Sums * channels + channel;
            TimeSums.Add<V, T, TFill>(total, s0, n);
            TimeSums.Add<V, T, TFill>(total + channels, s1, n);
            TimeSums.Add<V, T, TFill>(total + 2 * channels, s2, n);
            TimeSums.Add<V, T, TFill>(total + 3 * channels, t0, n);
            TimeSums.Add<V, T, TFill>(total + 4 * channels, t1, n);
            TimeSums.Add<V, T, TFill>(total + 5 * channels, t2, n);
            TimeSums.Add<V, T, TFill>(total + 6 * channels, p0, n);
            TimeSums.Add<V, T, TFill>(total + 7 * channels, p1, n);
        }
    }
}
