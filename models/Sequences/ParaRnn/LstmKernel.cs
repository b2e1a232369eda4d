using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// ParaLSTM's recurrence and its gradient on the CPU, one pass each. The forward pass keeps states and gates, these where the inputs were;
/// the backward pass has their slopes from them and takes tanh of the cells alone, which needs no later step, so that steps wait for the
/// product of a 2 × 2 matrix with a vector alone.
/// </summary>
internal static unsafe class LstmKernel
{
    // Sums over time: by A and b, three gates each, and by the two peepholes.
    private const int Sums = 8;

    /// <summary>h and c, (batch, time, channels) each, from inputs (heads, batch, time, 3, channels of a head).</summary>
    /// <param name="inputs">Inputs.</param>
    /// <param name="a">A</param>
    /// <param name="peepholes">C</param>
    /// <param name="b">b</param>
    /// <param name="initial">Initial state; null: 0.</param>
    /// <param name="hidden">Where h goes.</param>
    /// <param name="cells">Where c goes.</param>
    /// <param name="gates">Where f, o and candidate go, laid out as the inputs and perhaps in their place; null: nowhere.</param>
    public static void Forward<T>(Tensor inputs, Tensor a, Tensor peepholes, Tensor b, Tensor? initial, Tensor hidden, Tensor cells,
        Tensor? gates)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pp = Plain<T>(peepholes, nameof(peepholes)),
            pb = Plain<T>(b, nameof(b)),
            p0 = Plain<T>(initial, nameof(initial)), ph = Pinned<T>.Of(hidden, nameof(hidden)), pc = Pinned<T>.Of(cells, nameof(cells)),
            pk = gates is null ? default : Pinned<T>.Of(gates, nameof(gates));
        T* u = pu.Pointer, wa = pa.Pointer, wp = pp.Pointer, wb = pb.Pointer, s0 = p0.Pointer, h = ph.Pointer, c = pc.Pointer,
            kept = pk.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, ForwardUnit<T>>(new(layout, first, end, u, wa, wp, wb, s0, h, c, kept)));
    }

    /// <summary>Gradients by inputs, A, peepholes, b and the initial state.</summary>
    public static (Tensor ByInputs, Tensor ByA, Tensor ByPeepholes, Tensor ByB, Tensor? ByInitial) Backward<T>(Tensor gates, Tensor a,
        Tensor peepholes, Tensor? initial, Tensor hidden, Tensor cells, Tensor? byHidden, Tensor? byCells)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(gates);
        var byInputs = empty(gates.shape, gates.dtype);
        var byInitial = initial is null ? null : zeros(initial.shape, initial.dtype);
        var sums = zeros([layout.Batch, Sums, layout.Channels], gates.dtype);
        using Pinned<T> pk = Pinned<T>.Of(gates, nameof(gates)), pa = Plain<T>(a, nameof(a)), pp = Plain<T>(peepholes, nameof(peepholes)),
            p0 = Plain<T>(initial, nameof(initial)), ph = Plain<T>(hidden, nameof(hidden)), pc = Plain<T>(cells, nameof(cells)),
            pgh = Plain<T>(byHidden, nameof(byHidden)), pgc = Plain<T>(byCells, nameof(byCells)),
            pby = Pinned<T>.Of(byInputs, nameof(byInputs)), pby0 = Plain<T>(byInitial, nameof(byInitial)), ps = Pinned<T>.Of(sums, nameof(sums));
        T* kept = pk.Pointer, wa = pa.Pointer, wp = pp.Pointer, s0 = p0.Pointer, h = ph.Pointer, c = pc.Pointer, gh = pgh.Pointer,
            gc = pgc.Pointer, by = pby.Pointer, by0 = pby0.Pointer, s = ps.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, BackwardUnit<T>>(
            new(layout, first, end, kept, wa, wp, s0, h, c, gh, gc, by, by0, s)));
        var total = TimeSums.OverBatch<T>(sums);
        return (byInputs, total.narrow(0, 0, 3), total.narrow(0, 6, 2), total.narrow(0, 3, 3), byInitial);
    }

    private static Pinned<T> Plain<T>(Tensor? tensor, string name) where T : unmanaged =>
        tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);

    private readonly struct ForwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* weights, T* peepholes, T* biases,
        T* initial, T* outputs, T* cells, T* gates) : ILanesKernel<T>
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
                    if (gates != null)
                    {
                        var kept = gates + columns[k].Inputs + step * 3 * width;
                        TFill.Store<V, T>(gate, kept, n);
                        TFill.Store<V, T>(V.Load(g + k * V.Count), kept + 2 * width, n);
                    }
                    // Its tanh is taken where g was.
                    c.Store(g + k * V.Count);
                    TFill.Store<V, T>(c, cells + (columns[k].Batch * steps + step) * channels + channel, n);
                    V.MultiplyAdd(TFill.Load<V, T>(p + channels + channel, n), c, V.Load(o + k * V.Count)).Store(o + k * V.Count);
                }
                GateMath.Sigmoid<V, T>(o, count);
                GateMath.Tanh<V, T>(g, count);
                for (var k = 0; k < count; k++)
                {
                    var gate = V.Load(o + k * V.Count);
                    var h = gate * V.Load(g + k * V.Count);
                    h.Store(hidden + k * V.Count);
                    TFill.Store<V, T>(h, outputs + (columns[k].Batch * steps + step) * channels + columns[k].Channel, columns[k].Count);
                    if (gates != null) TFill.Store<V, T>(gate, gates + columns[k].Inputs + (step * 3 + 1) * width, columns[k].Count);
                }
            }
        }
    }

    private readonly struct BackwardUnit<T>(SeriesLayout layout, long first, long end, T* gates, T* a, T* peepholes, T* initial, T* hidden,
        T* cells, T* byHidden, T* byCells, T* byInputs, T* byInitial, T* sums) : ILanesKernel<T>
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
            var count = (int)(end - first);
            var columns = stackalloc SeriesColumn[SeriesLayout.Side];
            // Of each column Jᵀ λ of the step behind, c's half and h's, and sums; of some steps, column by column, tanh of the cells.
            T* carried = stackalloc T[(2 + Sums + TimeSums.Steps) * SeriesLayout.Side * V.Count],
                ownSums = carried + 2 * SeriesLayout.Side * V.Count, t = ownSums + Sums * SeriesLayout.Side * V.Count;
            for (var k = 0; k < count; k++) columns[k] = layout[first + k];
            for (var i = 0; i < (2 + Sums) * SeriesLayout.Side; i++) V.Zero.Store(carried + i * V.Count);
            var group = 0;
            for (var to = layout.Steps; to > 0; to -= TimeSums.Steps)
            {
                var from = Math.Max(0, to - TimeSums.Steps);
                var steps = to - from;
                for (var k = 0; k < count; k++)
                    for (var i = 0L; i < steps; i++)
                        TFill.Load<V, T>(cells + (columns[k].Batch * layout.Steps + from + i) * layout.Channels + columns[k].Channel,
                            columns[k].Count).Store(t + (k * steps + i) * V.Count);
                GateMath.Tanh<V, T>(t, (int)(count * steps));
                for (var k = 0; k < count; k++)
                {
                    T* carry = carried + 2 * k * V.Count, own = ownSums + k * Sums * V.Count, tanh = t + k * steps * V.Count;
                    var skipped = from == 0 ? 1 : 0;
                    Steps<V, TFill>(columns + k, from + skipped, to, tanh + skipped * V.Count, carry, own);
                    if (from == 0) FirstStep<V, TFill>(columns + k, tanh, carry, own);
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

        // The state before it isn't among the states.
        private void FirstStep<V, TFill>(SeriesColumn* column, T* tanh, T* carried, T* sums)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            T* c = stackalloc T[2 * V.Count], h = c + V.Count, start = initial + column->Batch * 2 * layout.Channels + column->Channel;
            (initial == null ? V.Zero : TFill.Load<V, T>(start, column->Count)).Store(c);
            (initial == null ? V.Zero : TFill.Load<V, T>(start + layout.Channels, column->Count)).Store(h);
            Steps<V, TFill>(column, 0, 1, tanh, h, c, carried, sums);
        }

        private void Steps<V, TFill>(SeriesColumn* column, long from, long to, T* tanh, T* carried, T* sums)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            var before = (column->Batch * layout.Steps + from - 1) * layout.Channels + column->Channel;
            Steps<V, TFill>(column, from, to, tanh, hidden + before, cells + before, carried, sums);
        }

        // From the last step to the first one; before: h and c before this.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Steps<V, TFill>(SeriesColumn* column, long from, long to, T* tanh, T* hBefore, T* cBefore, T* carried, T* sums)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long width = layout.Width, channels = layout.Channels, n = column->Count, channel = column->Channel;
            T* at = a + channel, peephole = peepholes + channel;
            V a0 = TFill.Load<V, T>(at, n), a1 = TFill.Load<V, T>(at + channels, n), a2 = TFill.Load<V, T>(at + 2 * channels, n);
            V c0 = TFill.Load<V, T>(peephole, n), c1 = TFill.Load<V, T>(peephole + channels, n);
            V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, t0 = V.Zero, t1 = V.Zero, t2 = V.Zero, p0 = V.Zero, p1 = V.Zero, one = V.Create(T.One);
            V carryC = V.Load(carried), carryH = V.Load(carried + V.Count);
            for (var i = to - from - 1; i >= 0; i--)
            {
                var row = (column->Batch * layout.Steps + from + i) * channels + channel;
                var at3 = column->Inputs + (from + i) * 3 * width;
                T* gate = gates + at3, by = byInputs + at3;
                V h = TFill.Load<V, T>(hBefore + i * channels, n), c = TFill.Load<V, T>(cBefore + i * channels, n),
                    f = TFill.Load<V, T>(gate, n), o = TFill.Load<V, T>(gate + width, n), g = TFill.Load<V, T>(gate + 2 * width, n),
                    t = V.Load(tanh + i * V.Count);
                // ∂h' by o's input and by c'; ∂c' by f's input and g's. σ' = σ (1 − σ), tanh' = 1 − tanh².
                V keep = one - f, ho = t * (o * (one - o)), hc = V.MultiplyAdd(ho, c1, o * (one - t * t)), df = (c - g) * (f * keep),
                    dg = keep * (one - g * g);
                V cc = V.MultiplyAdd(df, c0, f), ch = V.MultiplyAdd(df, a0, dg * a2), hh = ho * a1;
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
