using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// ParaGRU's recurrence and its gradient on the CPU, one pass each. The forward pass keeps the states alone; the backward pass makes the gates
/// from them again, which needs no state of a later step, so that one multiplication and addition is all that steps wait for.
/// </summary>
internal static unsafe class GruKernel
{
    // Sums over time: by A and b, three gates each.
    private const int Sums = 6;

    /// <summary>States (batch, time, channels) from inputs (heads, batch, time, 3, channels of a head).</summary>
    public static Tensor Forward<T>(Tensor inputs, Tensor a, Tensor b, Tensor? initial) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        var states = empty([layout.Batch, layout.Steps, layout.Channels], inputs.dtype);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pb = Plain<T>(b, nameof(b)), p0 = Plain<T>(initial, nameof(initial)),
            ph = Pinned<T>.Of(states, nameof(states));
        nint u = (nint)pu.Pointer, wa = (nint)pa.Pointer, wb = (nint)pb.Pointer, h0 = (nint)p0.Pointer, h = (nint)ph.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, ForwardUnit<T>>(new(layout, first, end, (T*)u, (T*)wa, (T*)wb, (T*)h0, (T*)h)));
        return states;
    }

    /// <summary>Gradients by inputs, A, b and the initial state.</summary>
    public static (Tensor ByInputs, Tensor ByA, Tensor ByB, Tensor? ByInitial) Backward<T>(Tensor inputs, Tensor a, Tensor b, Tensor? initial, Tensor states, Tensor byStates)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        var byInputs = empty(inputs.shape, inputs.dtype);
        var byInitial = initial is null ? null : zeros(initial.shape, initial.dtype);
        var sums = zeros([layout.Batch, Sums, layout.Channels], inputs.dtype);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pb = Plain<T>(b, nameof(b)), p0 = Plain<T>(initial, nameof(initial)),
            ph = Plain<T>(states, nameof(states)), pg = Plain<T>(byStates, nameof(byStates)), pby = Pinned<T>.Of(byInputs, nameof(byInputs)),
            pby0 = Plain<T>(byInitial, nameof(byInitial)), ps = Pinned<T>.Of(sums, nameof(sums));
        nint u = (nint)pu.Pointer, wa = (nint)pa.Pointer, wb = (nint)pb.Pointer, h0 = (nint)p0.Pointer, h = (nint)ph.Pointer, g = (nint)pg.Pointer,
            by = (nint)pby.Pointer, by0 = (nint)pby0.Pointer, s = (nint)ps.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, BackwardUnit<T>>(
            new(layout, first, end, (T*)u, (T*)wa, (T*)wb, (T*)h0, (T*)h, (T*)g, (T*)by, (T*)by0, (T*)s)));
        var total = TimeSums.OverBatch<T>(sums);
        return (byInputs, total.narrow(0, 0, 3), total.narrow(0, 3, 3), byInitial);
    }

    private static Pinned<T> Plain<T>(Tensor? tensor, string name) where T : unmanaged => tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);

    private readonly struct ForwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* weights, T* biases, T* initial, T* states) : ILanesKernel<T>
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
            T* state = stackalloc T[4 * SeriesLayout.Side * V.Count], z = state + count * V.Count, r = z + count * V.Count, candidate = r + count * V.Count;
            for (var k = 0; k < count; k++)
            {
                columns[k] = layout[first + k];
                var h = initial == null ? V.Zero : TFill.Load<V, T>(initial + columns[k].Batch * channels + columns[k].Channel, columns[k].Count);
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
                    V.MultiplyAdd(TFill.Load<V, T>(at + channels, n), h, TFill.Load<V, T>(u + width, n) + TFill.Load<V, T>(bias + channels, n)).Store(r + k * V.Count);
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
                    TFill.Store<V, T>(h, states + (columns[k].Batch * steps + step) * channels + columns[k].Channel, columns[k].Count);
                }
            }
        }
    }

    private readonly struct BackwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* a, T* b, T* initial, T* states, T* byStates, T* byInputs, T* byInitial, T* sums)
        : ILanesKernel<T> where T : unmanaged, IFloatingPointIeee754<T>
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
            // J λ of the step behind.
            var carried = stackalloc T[SeriesLayout.Side * V.Count];
            for (var k = 0; k < count; k++)
            {
                columns[k] = layout[first + k];
                V.Zero.Store(carried + k * V.Count);
            }
            // A column at a time, but not all of its steps: those of its neighbours lie in the same cache lines or near by.
            for (var last = layout.Steps; last > 0; last -= Math.Min(last, TimeSums.Steps))
                for (var k = 0; k < count; k++) Steps<V, TFill>(columns + k, Math.Max(0, last - TimeSums.Steps), last, carried + k * V.Count);
            if (byInitial == null) return;
            for (var k = 0; k < count; k++)
                TFill.Store<V, T>(V.Load(carried + k * V.Count), byInitial + columns[k].Batch * layout.Channels + columns[k].Channel, columns[k].Count);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Steps<V, TFill>(SeriesColumn* column, long from, long to, T* carried) where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long steps = layout.Steps, width = layout.Width, channels = layout.Channels, n = column->Count, channel = column->Channel, sample = column->Batch;
            T* at = a + channel, bias = b + channel;
            V a0 = TFill.Load<V, T>(at, n), a1 = TFill.Load<V, T>(at + channels, n), a2 = TFill.Load<V, T>(at + 2 * channels, n);
            V b0 = TFill.Load<V, T>(bias, n), b1 = TFill.Load<V, T>(bias + channels, n), b2 = TFill.Load<V, T>(bias + 2 * channels, n);
            V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, t0 = V.Zero, t1 = V.Zero, t2 = V.Zero, one = V.Create(T.One), carry = V.Load(carried);
            // The gates of all these steps, and their slopes, since none needs another step's.
            const int most = (int)TimeSums.Steps;
            var count = (int)(to - from);
            T* z = stackalloc T[7 * most * V.Count], r = z + count * V.Count, candidate = r + count * V.Count, zSlopes = candidate + count * V.Count,
                rSlopes = zSlopes + count * V.Count, nSlopes = rSlopes + count * V.Count, before = nSlopes + count * V.Count;
            for (var i = 0; i < count; i++)
            {
                var step = from + i;
                var u = inputs + column->Inputs + step * 3 * width;
                var h = step > 0 ? TFill.Load<V, T>(states + (sample * steps + step - 1) * channels + channel, n)
                    : initial == null ? V.Zero : TFill.Load<V, T>(initial + sample * channels + channel, n);
                h.Store(before + i * V.Count);
                V.MultiplyAdd(a0, h, TFill.Load<V, T>(u, n) + b0).Store(z + i * V.Count);
                V.MultiplyAdd(a1, h, TFill.Load<V, T>(u + width, n) + b1).Store(r + i * V.Count);
            }
            GateMath.Sigmoid<V, T>(z, zSlopes, count);
            GateMath.Sigmoid<V, T>(r, rSlopes, count);
            for (var i = 0; i < count; i++)
                V.MultiplyAdd(a2 * V.Load(before + i * V.Count), V.Load(r + i * V.Count), TFill.Load<V, T>(inputs + column->Inputs + ((from + i) * 3 + 2) * width, n) + b2)
                    .Store(candidate + i * V.Count);
            GateMath.Tanh<V, T>(candidate, nSlopes, count);
            for (var i = count - 1; i >= 0; i--)
            {
                var step = from + i;
                var by = byInputs + column->Inputs + step * 3 * width;
                V h = V.Load(before + i * V.Count), gate = V.Load(z + i * V.Count), reset = V.Load(r + i * V.Count);
                // ∂h' by what goes into the gates.
                V dz = (V.Load(candidate + i * V.Count) - h) * V.Load(zSlopes + i * V.Count), dn = gate * V.Load(nSlopes + i * V.Count),
                    dr = dn * (a2 * h) * V.Load(rSlopes + i * V.Count);
                var slope = V.MultiplyAdd(dz, a0, V.MultiplyAdd(dr, a1, V.MultiplyAdd(dn * reset, a2, one - gate)));
                var lambda = TFill.Load<V, T>(byStates + (sample * steps + step) * channels + channel, n) + carry;
                carry = slope * lambda;
                V gz = lambda * dz, gr = lambda * dr, gn = lambda * dn;
                TFill.Store<V, T>(gz, by, n);
                TFill.Store<V, T>(gr, by + width, n);
                TFill.Store<V, T>(gn, by + 2 * width, n);
                s0 = V.MultiplyAdd(gz, h, s0);
                s1 = V.MultiplyAdd(gr, h, s1);
                s2 = V.MultiplyAdd(gn, h * reset, s2);
                t0 += gz;
                t1 += gr;
                t2 += gn;
            }
            carry.Store(carried);
            var total = sums + sample * Sums * channels + channel;
            TimeSums.Add<V, T, TFill>(total, s0, n);
            TimeSums.Add<V, T, TFill>(total + channels, s1, n);
            TimeSums.Add<V, T, TFill>(total + 2 * channels, s2, n);
            TimeSums.Add<V, T, TFill>(total + 3 * channels, t0, n);
            TimeSums.Add<V, T, TFill>(total + 4 * channels, t1, n);
            TimeSums.Add<V, T, TFill>(total + 5 * channels, t2, n);
        }
    }
}
