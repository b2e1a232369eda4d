using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>
/// A sine network's values, first derivatives and second-order operators applied to it, in one forward pass. Everything about a point is
/// stacked, its value, d first derivatives, m operators: (1 + d + m, points, width). So each linear map is one matrix product, and between
/// them stands a <see cref="SineJet"/>.
/// </summary>
/// <remarks>
/// On CPUs in float32 and float64 the points go through the whole network in chunks that stay in the cache, forward and backward, some
/// threads side by side; only pre-activations are kept for the gradients. On other devices the network is gone through layer by layer,
/// with <see cref="SineJet.Compute"/> between the products. Higher derivatives go through torch operations. With as many threads the
/// results are the same to the bit.
/// </remarks>
public sealed class SineMlpJet
{
    // A chunk's stack at one layer. Two of them and a weight matrix should fit a second-level cache.
    private const long ChunkBytes = 256 << 10;

    private readonly double[] _omegas;
    private readonly double[,] _second;
    private readonly int _d, _m, _blocks;

    /// <summary>Describes a network and what of it is wanted.</summary>
    /// <param name="d">Coordinates.</param>
    /// <param name="omegas">ω of each layer x ↦ sin(ω (W x + b)); 0 for a last layer that is linear.</param>
    /// <param name="second">S: the operators Σ_i S_ji ∂²/∂x_i², a row of d weights each; no rows: none.</param>
    /// <exception cref="ArgumentException">There is no layer, an ω is out of range, or a row hasn't d weights.</exception>
    public SineMlpJet(int d, IReadOnlyList<double> omegas, double[,] second)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(d);
        ArgumentNullException.ThrowIfNull(omegas);
        ArgumentNullException.ThrowIfNull(second);
        if (omegas.Count == 0 || omegas.Any(w => !(w >= 0) || !double.IsFinite(w)) || omegas.SkipLast(1).Contains(0))
            throw new ArgumentException($"Expected positive numbers, the last ≥ 0, got [{string.Join(", ", omegas)}]", nameof(omegas));
        if (second.GetLength(0) > 0 && second.GetLength(1) != d)
            throw new ArgumentException($"Expected rows of {d} weights, got {second.GetLength(1)}", nameof(second));
        (_d, _m, _omegas, _second) = (d, second.GetLength(0), [.. omegas], second);
        _blocks = 1 + _d + _m;
    }

    private int Layers => _omegas.Length;

    /// <summary>The stack at the network's end. It can be differentiated by the coordinates and the parameters, any number of
    /// times.</summary>
    /// <param name="coords">(points, d)</param>
    /// <param name="parameters">Weight (out, in) and bias (out) of each layer in turn.</param>
    /// <returns>(1 + d + m, points, out)</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, or types or devices differ.</exception>
    public Tensor Compute(Tensor coords, IReadOnlyList<Tensor> parameters)
    {
        Check(coords, parameters);
        return coords.device_type == DeviceType.CPU ? new Function(this).Apply([coords, .. parameters])[0]
            : LayerByLayer(coords, parameters, SineJet.Compute);
    }

    /// <summary>The reference: the same in torch operations.</summary>
    /// <inheritdoc cref="Compute"/>
    public Tensor Eager(Tensor coords, IReadOnlyList<Tensor> parameters)
    {
        Check(coords, parameters);
        return LayerByLayer(coords, parameters, SineJet.Eager);
    }

    internal Tensor LayerByLayer(Tensor coords, IReadOnlyList<Tensor> parameters, Func<Tensor, Tensor?, double[,], double, Tensor> sine)
    {
        using var scope = NewDisposeScope();
        var n = coords.shape[0];
        var a = cat([coords.unsqueeze(0), eye(_d, dtype: coords.dtype, device: coords.device).unsqueeze(1).expand(_d, n, _d),
            zeros([_m, n, _d], coords.dtype, coords.device)], 0);
        for (var l = 0; l < Layers; l++)
        {
            var (weight, bias) = (parameters[2 * l], parameters[2 * l + 1]);
            var z = matmul(a, weight.t());
            a = _omegas[l] > 0 ? sine(z, bias, _second, _omegas[l])
                : cat([z.narrow(0, 0, 1) + bias, z.narrow(0, 1, _blocks - 1)], 0);
        }
        return a.MoveToOuterDisposeScope();
    }

    private void Check(Tensor coords, IReadOnlyList<Tensor> parameters)
    {
        ArgumentNullException.ThrowIfNull(coords);
        ArgumentNullException.ThrowIfNull(parameters);
        if (coords.dim() != 2 || coords.shape[1] != _d || !coords.is_floating_point())
            throw new ArgumentException($"Expected (points, {_d}), got {coords.dtype} ({string.Join(", ", coords.shape)})", nameof(coords));
        if (parameters.Count != 2 * Layers)
            throw new ArgumentException($"Expected weight and bias of {Layers} layers, got {parameters.Count} tensors", nameof(parameters));
        long width = _d;
        for (var l = 0; l < Layers; l++)
        {
            var (weight, bias) = (parameters[2 * l], parameters[2 * l + 1]);
            if (weight.dim() != 2 || weight.shape[1] != width || !bias.shape.AsSpan().SequenceEqual([weight.shape[0]]))
                throw new ArgumentException($"Expected (out, {width}) and (out) for layer {l}, got ({string.Join(", ", weight.shape)}) and "
                    + $"({string.Join(", ", bias.shape)})", nameof(parameters));
            if (weight.dtype != coords.dtype || bias.dtype != coords.dtype || weight.device_type != coords.device_type)
                throw new ArgumentException(
                    $"Expected {coords.dtype} on {coords.device}, as the coordinates, got {weight.dtype} on {weight.device}",
                    nameof(parameters));
            width = weight.shape[0];
        }
    }

    // The pre-activations of the sine layers go to `kept`, chunk by chunk, if it isn't null.
    private Tensor Forward(Tensor coords, Tensor[] parameters, List<Tensor>? kept)
    {
        using var scope = NewDisposeScope();
        var n = coords.shape[0];
        var output = empty([_blocks, n, parameters[^2].shape[0]], coords.dtype);
        for (var l = 0; l < Layers && kept is not null; l++)
            if (_omegas[l] > 0) kept.Add(empty([_blocks * n, parameters[2 * l].shape[0]], coords.dtype).MoveToOuterDisposeScope());
        if (coords.dtype == ScalarType.Float32) new Pass<float>(this, coords, parameters, kept).Forward(output);
        else new Pass<double>(this, coords, parameters, kept).Forward(output);
        return output.MoveToOuterDisposeScope();
    }

    // Gradients by coordinates and parameters, in their order.
    private List<Tensor> Backward(Tensor coords, Tensor[] parameters, IReadOnlyList<Tensor> kept, Tensor byOutput)
    {
        using var scope = NewDisposeScope();
        var gradients = coords.dtype == ScalarType.Float32
            ? new Pass<float>(this, coords, parameters, kept).Backward(byOutput)
            : new Pass<double>(this, coords, parameters, kept).Backward(byOutput);
        return [.. gradients.Select(g => g.MoveToOuterDisposeScope())];
    }

    /// <summary>One call's way through the network on raw memory. The tensors live in the caller's dispose scope.</summary>
    private sealed unsafe class Pass<T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        private static readonly T[] One = [T.One];

        private readonly SineMlpJet _jet;
        private readonly Tensor _coords;
        private readonly Tensor[] _parameters, _transposed;
        private readonly IReadOnlyList<Tensor>? _kept;
        private readonly long[] _widths;
        private readonly long _chunk, _chunks, _widest;
        private readonly T[] _second;

        public Pass(SineMlpJet jet, Tensor coords, Tensor[] parameters, IReadOnlyList<Tensor>? kept)
        {
            (_jet, _coords, _kept) = (jet, coords.contiguous(), kept);
            _parameters = [.. parameters.Select(p => p.contiguous())];
            _transposed = [.. Enumerable.Range(0, jet.Layers).Select(l => parameters[2 * l].t().contiguous())];
            _widths = [jet._d, .. Enumerable.Range(0, jet.Layers).Select(l => parameters[2 * l].shape[0])];
            _widest = _widths.Max();
            // A multiple of six, so that every product's rows are.
            _chunk = Math.Max(6, ChunkBytes / (sizeof(T) * _widest * jet._blocks) / 6 * 6);
            _chunks = (coords.shape[0] + _chunk - 1) / _chunk;
            _second = SineJet.Weights<T>(jet._second);
        }

        private long Points => _coords.shape[0];

        private long Outputs => _widths[^1];

        public void Forward(Tensor output) => Run(Workers(), (first, last, scratch, _) =>
        {
            var result = Pointer(output);
            for (var c = first; c < last; c++)
            {
                var (start, count) = Chunk(c);
                T* a = Seed(start, count, scratch[2]);
                for (var l = 0; l < _jet.Layers; l++)
                {
                    long rows = _jet._blocks * count, from = _widths[l], to = _widths[l + 1];
                    T* z = _kept is not null && _jet._omegas[l] > 0 ? Kept(l, start) : scratch[l % 2];
                    if (to < Vector<T>.Count) MatrixProduct.MultiplyRows(rows, to, from, a, Pointer(_parameters[2 * l]), z);
                    else MatrixProduct.Multiply(rows, to, from, a, from, 1, Pointer(_transposed[l]), z, false);
                    a = scratch[l % 2];
                    if (_jet._omegas[l] > 0) Sine(l, count, z, null, a);
                    else AddBias(z, Pointer(_parameters[2 * l + 1]), count, to);
                }
                for (var k = 0; k < _jet._blocks; k++)
                    Copy(a + k * count * Outputs, result + (k * Points + start) * Outputs, count * Outputs);
            }
        });

        public IReadOnlyList<Tensor> Backward(Tensor byOutput)
        {
            var gradient = byOutput.contiguous();
            var byCoords = empty_like(_coords);
            // Each worker sums its own: parameter after parameter, weights of few columns transposed.
            long[] offsets = [0, .. Enumerable.Range(0, 2 * _jet.Layers).Select(i => _parameters[i].numel())];
            for (var i = 1; i < offsets.Length; i++) offsets[i] += offsets[i - 1];
            var workers = Workers();
            var sums = zeros([workers, offsets[^1]], _coords.dtype);
            Run(workers, (first, last, scratch, worker) =>
            {
                var sum = Pointer(sums) + worker * offsets[^1];
                for (var c = first; c < last; c++)
                {
                    var (start, count) = Chunk(c);
                    var rows = _jet._blocks * count;
                    var l = _jet.Layers - 1;
                    T* g = scratch[l % 2];
                    for (var k = 0; k < _jet._blocks; k++)
                        Copy(Pointer(gradient) + (k * Points + start) * Outputs, g + k * count * Outputs, count * Outputs);
                    if (_jet._omegas[l] > 0) Sine(l, count, Kept(l, start), g, scratch[2]);
                    for (; l > 0; l--)
                    {
                        // g is by this layer's linear map. Going back through the sine before it also gives what the map was applied to.
                        T* before = scratch[(l + 1) % 2];
                        long from = _widths[l], to = _widths[l + 1];
                        MatrixProduct.Multiply(rows, from, to, g, to, 1, Pointer(_parameters[2 * l]), before, false);
                        Sine(l - 1, count, Kept(l - 1, start), before, scratch[2]);
                        Accumulate(l, g, scratch[2]);
                        g = before;
                    }
                    Accumulate(0, g, Seed(start, count, scratch[2]));
                    MatrixProduct.MultiplyRows(count, _jet._d, _widths[1], g, Pointer(_transposed[0]), Pointer(byCoords) + start * _jet._d);

                    void Accumulate(int layer, T* byMap, T* input)
                    {
                        long from = _widths[layer], to = _widths[layer + 1];
                        if (Narrow(layer)) MatrixProduct.Multiply(from, to, rows, input, 1, from, byMap, sum + offsets[2 * layer], true);
                        else MatrixProduct.Multiply(to, from, rows, byMap, 1, to, input, sum + offsets[2 * layer], true);
                        fixed (T* one = One) MatrixProduct.Multiply(1, to, count, one, 0, 0, byMap, sum + offsets[2 * layer + 1], true);
                    }
                }
            });
            var total = sums.sum([0]);
            return [byCoords, .. _parameters.Select((p, i) =>
            {
                var flat = total.narrow(0, offsets[i], p.numel());
                return i % 2 == 0 && Narrow(i / 2) ? flat.view(p.shape[1], p.shape[0]).t().contiguous() : flat.view(p.shape).clone();
            })];
        }

        private bool Narrow(int layer) => _widths[layer] < Vector<T>.Count;

        private (long Start, long Count) Chunk(long c) => (c * _chunk, Math.Min(_chunk, Points - c * _chunk));

        private int Workers() => WorkerThreads.Worth(_chunks, 1);

        // Contiguous shares of the chunks, so that sums don't depend on who is faster.
        private void Run(int workers, Work work)
        {
            WorkerThreads.Run(workers, Share);

            void Share(int worker)
            {
                var length = (nuint)(_jet._blocks * _chunk * _widest * sizeof(T));
                var memory = (byte*)NativeMemory.AlignedAlloc(3 * length + 192, 64);
                try
                {
                    var stride = (length + 63) / 64 * 64;
                    var scratch = stackalloc T*[3] { (T*)memory, (T*)(memory + stride), (T*)(memory + 2 * stride) };
                    work(_chunks * worker / workers, _chunks * (worker + 1) / workers, scratch, worker);
                }
                finally
                {
                    NativeMemory.AlignedFree(memory);
                }
            }
        }

        private delegate void Work(long first, long last, T** scratch, int worker);

        // The coordinates themselves, with ∂x_i/∂x_j = δ_ij and no second derivatives.
        private T* Seed(long start, long count, T* to)
        {
            var d = _jet._d;
            new Span<T>(to, (int)(_jet._blocks * count * d)).Clear();
            Copy(Pointer(_coords) + start * d, to, count * d);
            for (var i = 0; i < d; i++)
                for (long p = 0; p < count; p++) to[((1 + i) * count + p) * d + i] = T.One;
            return to;
        }

        private void Sine(int layer, long count, T* z, T* gradient, T* y)
        {
            fixed (T* second = _second)
                SineJet.Apply(z, Pointer(_parameters[2 * layer + 1]), gradient, y, count, _widths[layer + 1], _jet._d, _jet._m, second,
                    T.CreateChecked(_jet._omegas[layer]));
        }

        private static void AddBias(T* z, T* bias, long rows, long width)
        {
            for (long i = 0; i < rows; i++)
                for (long j = 0; j < width; j++) z[i * width + j] += bias[j];
        }

        private static void Copy(T* from, T* to, long count) => Buffer.MemoryCopy(from, to, count * sizeof(T), count * sizeof(T));

        private T* Kept(int layer, long start) => Pointer(_kept![layer]) + _jet._blocks * start * _widths[layer + 1];

        private static T* Pointer(Tensor tensor) => (T*)Checkpoints.TensorMemory.Pointer(tensor);
    }

    private sealed class Function(SineMlpJet jet) : KernelFunction
    {
        protected override bool HasKernel(KernelCall call) => SineJet.HasKernel(call[0]);

        protected override Tensor[] Forward(KernelCall call)
        {
            var kept = call.IsRecorded ? new List<Tensor>() : null;
            Tensor[] outputs = [jet.Forward(call[0], Parameters(call), kept)];
            call.Save([.. kept ?? []]);
            return outputs;
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            Tensor[] kept = [.. Enumerable.Range(0, jet._omegas.Count(w => w > 0)).Select(call.Saved)];
            return [.. jet.Backward(call[0], Parameters(call), kept, byOutputs[0]!)];
        }

        protected override Tensor[] Eager(KernelCall call) => [jet.Eager(call[0], Parameters(call))];

        private static Tensor[] Parameters(KernelCall call) => [.. Enumerable.Range(1, call.Count - 1).Select(i => call[i])];
    }
}
