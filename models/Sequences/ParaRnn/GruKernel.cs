using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// ParaGRU's recurrence and its gradient on the CPU, one pass each. The forward pass keeps the states alone; the backward pass makes the
/// gates from them again, which needs no state of a later step, so that one multiplication and addition is all that steps wait for.
/// </summary>
internal static unsafe class GruKernel
{
    // Sums over time: by A and b, three gates each.
    private const int Sums = 6;

    /// <summary>States (batch, time, channels) from inputs (heads, batch, time, 3, channels of a head).</summary>
    public static void Forward<T>(Tensor inputs, Tensor a, Tensor b, Tensor? initial, Tensor states)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pb = Plain<T>(b, nameof(b)),
            p0 = Plain<T>(initial, nameof(initial)),
            ph = Pinned<T>.Of(states, nameof(states));
        nint u = (nint)pu.Pointer, wa = (nint)pa.Pointer, wb = (nint)pb.Pointer, h0 = (nint)p0.Pointer, h = (nint)ph.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, ForwardUnit<T>>(new(layout, first, end, (T*)u, (T*)wa, (T*)wb, (T*)h0, (T*)h)));
    }

    /// <summary>Gradients by inputs, A, b and the initial state.</summary>
    public static (Tensor ByInputs, Tensor ByA, Tensor ByB, Tensor? ByInitial) Backward<T>(Tensor inputs, Tensor a, Tensor b,
        Tensor? initial, Tensor states, Tensor byStates)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var layout = SeriesLayout.Of<T>(inputs);
        var byInputs = empty(inputs.shape, inputs.dtype);
        var byInitial = initial is null ? null : zeros(initial.shape, initial.dtype);
        var sums = zeros([layout.Batch, Sums, layout.Channels], inputs.dtype);
        using Pinned<T> pu = Plain<T>(inputs, nameof(inputs)), pa = Plain<T>(a, nameof(a)), pb = Plain<T>(b, nameof(b)),
            p0 = Plain<T>(initial, nameof(initial)),
            ph = Plain<T>(states, nameof(states)), pg = Plain<T>(byStates, nameof(byStates)),
            pby = Pinned<T>.Of(byInputs, nameof(byInputs)),
            pby0 = Plain<T>(byInitial, nameof(byInitial)), ps = Pinned<T>.Of(sums, nameof(sums));
        nint u = (nint)pu.Pointer, wa = (nint)pa.Pointer, wb = (nint)pb.Pointer, h0 = (nint)p0.Pointer, h = (nint)ph.Pointer,
            g = (nint)pg.Pointer,
            by = (nint)pby.Pointer, by0 = (nint)pby0.Pointer, s = (nint)ps.Pointer;
        layout.Run((first, end) => layout.Dispatch<T, BackwardUnit<T>>(
            new(layout, first, end, (T*)u, (T*)wa, (T*)wb, (T*)h0, (T*)h, (T*)g, (T*)by, (T*)by0, (T*)s)));
        var total = TimeSums.OverBatch<T>(sums);
        return (byInputs, total.narrow(0, 0, 3), total.narrow(0, 3, 3), byInitial);
    }

    private static Pinned<T> Plain<T>(Tensor? tensor, string name) where T : unmanaged =>
        tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);

    private readonly struct ForwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* weights, T* biases, T* initial,
        T* states) : ILanesKernel<T>
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
                    TFill.Store<V, T>(h, states + (columns[k].Batch * steps + step) * channels + columns[k].Channel, columns[k].Count);
                }
            }
        }
    }

    private readonly struct BackwardUnit<T>(SeriesLayout layout, long first, long end, T* inputs, T* a, T* b, T* initial, T* states,
        T* byStates, T* byInputs, T* byInitial, T* sums)
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
            const int most = SeriesLayout.Side * TimeSums.Steps;
            var count = (int)(end - first);
            var columns = stackalloc SeriesColumn[SeriesLayout.Side];
            // Of each column J λ of the step behind, and sums.
            T* carried = stackalloc T[(1 + Sums) * SeriesLayout.Side * V.Count], ownSums = carried + SeriesLayout.Side * V.Count;
            // Of some steps, column by column: states before, gates and their slopes.
            T* before = stackalloc T[7 * most * V.Count], z = before + most * V.Count, r = z + most * V.Count,
                candidate = r + most * V.Count,
                zSlopes = candidate + most * V.Count, rSlopes = zSlopes + most * V.Count, nSlopes = rSlopes + most * V.Count;
            for (var k = 0; k < count; k++) columns[k] = layout[first + k];
            for (var i = 0; i < (1 + Sums) * SeriesLayout.Side; i++) V.Zero.Store(carried + i * V.Count);
            var group = 0;
            for (var to = layout.Steps; to > 0; to -= TimeSums.Steps)
            {
                var from = Math.Max(0, to - TimeSums.Steps);
                var steps = (int)(to - from);
                // Row by row: no gate needs a later step's.
                for (var i = 0; i < steps; i++)
                    for (var k = 0; k < count; k++) Enter<V, TFill>(columns + k, from + i, (k * steps + i) * V.Count, before, z, r,
                        candidate, nSlopes);
                GateMath.Sigmoid<V, T>(z, zSlopes, count * steps);
                GateMath.Sigmoid<V, T>(r, rSlopes, count * steps);
                for (var i = 0; i < count * steps * V.Count; i += V.Count)
                    V.MultiplyAdd(V.Load(nSlopes + i), V.Load(r + i), V.Load(candidate + i)).Store(candidate + i);
                GateMath.Tanh<V, T>(candidate, nSlopes, count * steps);
                for (var k = 0; k < count; k++)
                {
                    var at = k * steps * V.Count;
                    Leave<V, TFill>(columns + k, from, steps, before + at, z + at, r + at, candidate + at, zSlopes + at, rSlopes + at,
                        nSlopes + at,
                        carried + k * V.Count, ownSums + k * Sums * V.Count);
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

        // What goes into the gates. The candidate's needs r: its two parts are u + b and, where its slope will be, A h.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Enter<V, TFill>(SeriesColumn* column, long step, int to, T* before, T* z, T* r, T* candidate, T* scaled)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long width = layout.Width, channels = layout.Channels, n = column->Count, channel = column->Channel, sample = column->Batch;
            T* u = inputs + column->Inputs + step * 3 * width, at = a + channel, bias = b + channel;
            var h = step > 0 ? TFill.Load<V, T>(states + (sample * layout.Steps + step - 1) * channels + channel, n)
                : initial == null ? V.Zero : TFill.Load<V, T>(initial + sample * channels + channel, n);
            h.Store(before + to);
            V.MultiplyAdd(TFill.Load<V, T>(at, n), h, TFill.Load<V, T>(u, n) + TFill.Load<V, T>(bias, n)).Store(z + to);
            V.MultiplyAdd(TFill.Load<V, T>(at + channels, n), h,
                TFill.Load<V, T>(u + width, n) + TFill.Load<V, T>(bias + channels, n)).Store(r + to);
            (TFill.Load<V, T>(u + 2 * width, n) + TFill.Load<V, T>(bias + 2 * channels, n)).Store(candidate + to);
            (TFill.Load<V, T>(at + 2 * channels, n) * h).Store(scaled + to);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Leave<V, TFill>(SeriesColumn* column, long from, int count, T* before, T* z, T* r, T* candidate, T* zSlopes,
            T* rSlopes, T* nSlopes, T* carried, T* sums)
            where V : struct, ILanes<V, T> where TFill : IRegisterFill
        {
            long width = layout.Width, channels = layout.Channels, n = column->Count, channel = column->Channel;
            T* at = a + channel, byOutput = byStates + (column->Batch * layout.Steps + from) * channels + channel,
                byInput = byInputs + column->Inputs + from * 3 * width;
            V a0 = TFill.Load<V, T>(at, n), a1 = TFill.Load<V, T>(at + channels, n), a2 = TFill.Load<V, T>(at + 2 * channels, n);
            V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, t0 = V.Zero, t1 = V.Zero, t2 = V.Zero, one = V.Create(T.One), carry = V.Load(carried);
            for (var i = count - 1; i >= 0; i--)
            {
                var by = byInput + i * 3 * width;
                V h = V.Load(before + i * V.Count), gate = V.Load(z + i * V.Count), reset = V.Load(r + i * V.Count);
                // ∂h' by what goes into the gates.
                V dz = (V.Load(candidate + i * V.Count) - h) * V.Load(zSlopes + i * V.Count), dn = gate * V.Load(nSlopes + i * V.Count),
                    dr = dn * (a2 * h) * V.Load(rSlopes + i * V.Count);
                var slope = V.MultiplyAdd(dz, a0, V.MultiplyAdd(dr, a1, V.MultiplyAdd(dn * reset, a2, one - gate)));
                var lambda = TFill.Load<V, T>(byOutput + i * channels, n) + carry;
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
            TimeSums.Add<V, T>(sums, s0);
            TimeSums.Add<V, T>(sums + V.Count, s1);
            TimeSums.Add<V, T>(sums + 2 * V.Count, s2);
            TimeSums.Add<V, T>(sums + 3 * V.Count, t0);
            TimeSums.Add<V, T>(sums + 4 * V.Count, t1);
            TimeSums.Add<V, T>(sums + 5 * V.Count, t2);
        }
    }
}
