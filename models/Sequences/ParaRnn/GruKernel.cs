using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// ParaGRU's recurrence and its gradient on the CPU, one pass each. The forward pass keeps states and gates, these where the inputs were;
/// the backward pass has their slopes from them, so that it takes no function, and one multiplication and addition is all that steps wait
/// for.
/// </summary>
internal static unsafe class GruKernel
{
    // Sums over time: by A and b, three gates each.
    private const int Sums = 6;

    /// <summary>States (batch, time, channels) from inputs (heads, batch, time, 3, channels of a head).</summary>
    /// <param name="inputs">Inputs.</param>
    /// <param name="a">A</param>
    /// <param name="b">b</param>
    /// <param name="initial">Initial state; null: 0.</param>
    /// <param name="states">Where the states go.</param>
    /// <param name="gates">Where z, r and candidate go, laid out as the inputs and perhaps in their place; null: nowhere.</param>
    public static void Forward<T>(Tensor inputs, Tensor a, Tensor b, Tensor? initial, Tensor states, Tensor? gates)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pb = Plain<T>(b, nameof(b)),
            p0 = Plain<T>(initial, nameof(initial)),
            ph = Pinned<T>.Of(states, nameof(states)), pk = gates is null ? default : Pinned<T>.Of(gates, nameof(gates));
        T* u = pu.Pointer, wa = pa.Pointer, wb = pb.Pointer, h0 = p0.Pointer, h = ph.Pointer, kept = pk.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, ForwardUnit<T>>(new(layout, first, end, u, wa, wb, h0, h, kept)));
    }

    /// <summary>Gradients by inputs, A, b and the initial state.</summary>
    public static (Tensor ByInputs, Tensor ByA, Tensor ByB, Tensor? ByInitial) Backward<T>(Tensor gates, Tensor a, Tensor? initial,
        Tensor states, Tensor byStates)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(gates);
        var byInputs = empty(gates.shape, gates.dtype);
        var byInitial = initial is null ? null : zeros(initial.shape, initial.dtype);
        var sums = zeros([layout.Batch, Sums, layout.Channels], gates.dtype);
        using Pinned<T> pk = Pinned<T>.Of(gates, nameof(gates)), pa = Plain<T>(a, nameof(a)), p0 = Plain<T>(initial, nameof(initial)),
            ph = Plain<T>(states, nameof(states)), pg = Plain<T>(byStates, nameof(byStates)),
            pby = Pinned<T>.Of(byInputs, nameof(byInputs)), pby0 = Plain<T>(byInitial, nameof(byInitial)), ps = Pinned<T>.Of(sums, nameof(sums));
        T* kept = pk.Pointer, wa = pa.Pointer, h0 = p0.Pointer, h = ph.Pointer, g = pg.Pointer, by = pby.Pointer, by0 = pby0.Pointer,
            s = ps.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, BackwardUnit<T>>(new(layout, first, end, kept, wa, h0, h, g, by, by0, s)));
        var total = TimeSums.OverBatch<T>(sums);
        return (byInputs, total.narrow(0, 0, 3), total.narrow(0, 3, 3), byInitial);
    }

    private static Pinned<T> Plain<T>(Tensor? tensor, string name) where T : unmanaged =>
        tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);

    private readonly struct ForwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* weights, T* biases, T* initial,
        T* states, T* gates) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            if (layout.IsFull) Step<V, FullRegisters>();
            else Step<V, PartialRegisters>();
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Step<V, TFill>() where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long steps = layout.Steps, width = layout.Width, channels = layout.Channels;
            var count = (int)(end - first);
            var columns = stackalloc SeriesColumn[SeriesLayout.Side];
            T* state = stackalloc T[4 * SeriesLayout.Side * V.Count], z = state + count * V.Count, r = z + count * V.Count,
                candidate = r + count * V.Count;
            for (var k = 0; k < count; k++)
            {
                columns[k] = layout[first + k];
                var h = initial == null ? V.Zero : TFill.Load<V, T>(initial + columns[k].Batch * channels + columns[k].Channel,
                    columns[k].Count);
                h.Store(state + k * V.Count);
            }
            var one = V.Create(T.One);
            T* a = weights, b = biases;
            for (var step = 0L; step < steps; step++)
            {
                for (var k = 0; k < count; k++)
                {
                    long n = columns[k].Count, channel = columns[k].Channel;
                    T* u = inputs + columns[k].Inputs + step * 3 * width, at = a + channel, bias = b + channel;
                    var h = V.Load(state + k * V.Count);
                    V.MultiplyAdd(TFill.Load<V, T>(at, n), h, TFill.Load<V, T>(u, n) + TFill.Load<V, T>(bias, n)).Store(z + k * V.Count);
                    V.MultiplyAdd(TFill.Load<V, T>(at + channels, n), h,
                        TFill.Load<V, T>(u + width, n) + TFill.Load<V, T>(bias + channels, n)).Store(r + k * V.Count);
                }
                GateMath.Sigmoid<V, T>(z, 2 * count);
                for (var k = 0; k < count; k++)
                {
                    long n = columns[k].Count, channel = columns[k].Channel;
                    T* u = inputs + columns[k].Inputs + (step * 3 + 2) * width;
                    V.MultiplyAdd(TFill.Load<V, T>(a + channel + 2 * channels, n) * V.Load(state + k * V.Count), V.Load(r + k * V.Count),
                        TFill.Load<V, T>(u, n) + TFill.Load<V, T>(b + channel + 2 * channels, n)).Store(candidate + k * V.Count);
                }
                GateMath.Tanh<V, T>(candidate, count);
                for (var k = 0; k < count; k++)
                {
                    var gate = V.Load(z + k * V.Count);
                    var h = V.MultiplyAdd(gate, V.Load(candidate + k * V.Count), (one - gate) * V.Load(state + k * V.Count));
                    h.Store(state + k * V.Count);
                    var n = columns[k].Count;
                    TFill.Store<V, T>(h, states + (columns[k].Batch * steps + step) * channels + columns[k].Channel, n);
                    if (gates == null) continue;
                    var kept = gates + columns[k].Inputs + step * 3 * width;
                    TFill.Store<V, T>(gate, kept, n);
                    TFill.Store<V, T>(V.Load(r + k * V.Count), kept + width, n);
                    TFill.Store<V, T>(V.Load(candidate + k * V.Count), kept + 2 * width, n);
                }
            }
        }
    }

    private readonly struct BackwardUnit<T>(SeriesLayout layout, long first, long end, T* gates, T* a, T* initial, T* states, T* byStates,
        T* byInputs, T* byInitial, T* sums)
        : ILanesKernel<T> where T : unmanaged, IFloatingPointIeee754<T>
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
            // Of each column J λ of the step behind, and sums.
            T* carried = stackalloc T[(1 + Sums) * SeriesLayout.Side * V.Count], ownSums = carried + SeriesLayout.Side * V.Count;
            for (var k = 0; k < count; k++) columns[k] = layout[first + k];
            for (var i = 0; i < (1 + Sums) * SeriesLayout.Side; i++) V.Zero.Store(carried + i * V.Count);
            var group = 0;
            for (var to = layout.Steps; to > 0; to -= TimeSums.Steps)
            {
                var from = Math.Max(0, to - TimeSums.Steps);
                for (var k = 0; k < count; k++)
                {
                    T* carry = carried + k * V.Count, own = ownSums + k * Sums * V.Count;
                    Steps<V, TFill>(columns + k, Math.Max(from, 1), to, carry, own);
                    if (from == 0) FirstStep<V, TFill>(columns + k, carry, own);
                }
                if (++group % TimeSums.Groups == 0 || from == 0)
                    for (var k = 0; k < count; k++)
                        TimeSums.Flush<V, T, TFill>(ownSums + k * Sums * V.Count,
                            sums + columns[k].Batch * Sums * layout.Channels + columns[k].Channel, Sums,
                            layout.Channels, columns[k].Count);
            }
            if (byInitial == null) return;
            for (var k = 0; k < count; k++)
                TFill.Store<V, T>(V.Load(carried + k * V.Count), byInitial + columns[k].Batch * layout.Channels + columns[k].Channel,
                    columns[k].Count);
        }

        // The state before it isn't among the states.
        private void FirstStep<V, TFill>(SeriesColumn* column, T* carried, T* sums)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            var before = stackalloc T[V.Count];
            var h = initial == null ? V.Zero : TFill.Load<V, T>(initial + column->Batch * layout.Channels + column->Channel, column->Count);
            h.Store(before);
            Steps<V, TFill>(column, 0, 1, before, carried, sums);
        }

        private void Steps<V, TFill>(SeriesColumn* column, long from, long to, T* carried, T* sums)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill =>
            Steps<V, TFill>(column, from, to, states + (column->Batch * layout.Steps + from - 1) * layout.Channels + column->Channel, carried,
                sums);

        // From the last step to the first one; before: the state before this.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Steps<V, TFill>(SeriesColumn* column, long from, long to, T* before, T* carried, T* sums)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long width = layout.Width, channels = layout.Channels, n = column->Count, channel = column->Channel;
            T* at = a + channel, byOutput = byStates + (column->Batch * layout.Steps + from) * channels + channel,
                kept = gates + column->Inputs + from * 3 * width, byInput = byInputs + column->Inputs + from * 3 * width;
            V a0 = TFill.Load<V, T>(at, n), a1 = TFill.Load<V, T>(at + channels, n), a2 = TFill.Load<V, T>(at + 2 * channels, n);
            V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, t0 = V.Zero, t1 = V.Zero, t2 = V.Zero, one = V.Create(T.One), carry = V.Load(carried);
            for (var i = to - from - 1; i >= 0; i--)
            {
                T* gate = kept + i * 3 * width, by = byInput + i * 3 * width;
                V h = TFill.Load<V, T>(before + i * channels, n), z = TFill.Load<V, T>(gate, n), r = TFill.Load<V, T>(gate + width, n),
                    candidate = TFill.Load<V, T>(gate + 2 * width, n);
                // ∂h' by what goes into the gates; σ' = σ (1 − σ), tanh' = 1 − tanh².
                V keep = one - z, rh = r * h, dz = (candidate - h) * (z * keep), dn = z * (one - candidate * candidate),
                    dr = dn * a2 * (rh * (one - r));
                var slope = V.MultiplyAdd(dz, a0, V.MultiplyAdd(dr, a1, V.MultiplyAdd(dn * r, a2, keep)));
                var lambda = TFill.Load<V, T>(byOutput + i * channels, n) + carry;
                carry = slope * lambda;
                V gz = lambda * dz, gr = lambda * dr, gn = lambda * dn;
                TFill.Store<V, T>(gz, by, n);
                TFill.Store<V, T>(gr, by + width, n);
                TFill.Store<V, T>(gn, by + 2 * width, n);
                s0 = V.MultiplyAdd(gz, h, s0);
                s1 = V.MultiplyAdd(gr, h, s1);
                s2 = V.MultiplyAdd(gn, rh, s2);
                t0 += gz;
                t1 += gr;
                t2 += gn;
            }
            carry.Store(carried);
            TimeSums.Add<V, T>(sums, s0);
            TimeSums.Add<V, T>(sums + V.Count, s1);
            TimeSums.Add<V, T>(sums + 2 * V.Count, s2);
            TimeSums.Add<V, T>(sums + 3 * V.Count, t0);
            TimeSums.Add<V, T>(sums + 4 * V.Count, t1);
            TimeSums.Add<V, T>(sums + 5 * V.Count, t2);
        }
    }
}
