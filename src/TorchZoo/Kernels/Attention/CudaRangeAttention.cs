using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Attention;

/// <summary><see cref="RangeAttention"/> on a GPU: on raw memory the kernels, on tensors what is around them.</summary>
internal static class CudaRangeAttention
{
    // As in range_attention.cu.
    private const int Rows = 32, Threads = 128, MostRowsOfGrid = 32768;

    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaRangeAttention).Assembly, "range_attention.cu");

    /// <summary>A part's lists on a device.</summary>
    /// <param name="QueryTiles">Pairs of a group and a tile's first query.</param>
    /// <param name="QueryTileCount">How many.</param>
    /// <param name="KeyTiles">Pairs of a group and a tile's first key.</param>
    /// <param name="KeyTileCount">How many.</param>
    /// <param name="Queries">See <see cref="RangePart"/>, as the others.</param>
    /// <param name="Keys">Keys.</param>
    /// <param name="Low">Beginnings of ranges.</param>
    /// <param name="High">Their ends.</param>
    /// <param name="QueryStarts">Where groups' queries begin.</param>
    /// <param name="KeyStarts">Where groups' keys begin.</param>
    public readonly record struct Lists(CudaArgument QueryTiles, int QueryTileCount, CudaArgument KeyTiles, int KeyTileCount,
        CudaArgument Queries, CudaArgument Keys, CudaArgument Low, CudaArgument High, CudaArgument QueryStarts, CudaArgument KeyStarts)
    {
        /// <summary>Lists that a function puts onto a device.</summary>
        public static Lists Of(RangePart part, Func<int[], CudaArgument> put)
        {
            int[] queryTiles = Tiles(part.QueryStarts), keyTiles = Tiles(part.KeyStarts);
            return new(put(queryTiles), queryTiles.Length / 2, put(keyTiles), keyTiles.Length / 2, put(part.Queries), put(part.Keys),
                put(part.Low), put(part.High), put(part.QueryStarts), put(part.KeyStarts));
        }

        private static int[] Tiles(int[] starts)
        {
            var tiles = new List<int>();
            for (var g = 0; g + 1 < starts.Length; g++)
                for (var t = starts[g]; t < starts[g + 1]; t += Rows) tiles.AddRange([g, t]);
            return [.. tiles];
        }
    }

    /// <summary>Sizes of an attention.</summary>
    /// <param name="Type">Of all numbers: float32 or float64.</param>
    /// <param name="Batch">Sequences.</param>
    /// <param name="Heads">Heads of each.</param>
    /// <param name="Length">Positions.</param>
    /// <param name="Width">Features of a query or key.</param>
    /// <param name="ValueWidth">Features of a value.</param>
    /// <param name="Scale">Factor of the scores.</param>
    public readonly record struct Sizes(ScalarType Type, long Batch, int Heads, long Length, int Width, int ValueWidth, double Scale)
    {
        internal int Padded => Math.Max(Width, ValueWidth) <= 64 ? 64 : 128;

        internal CudaArgument Factor => Type == ScalarType.Float64 ? CudaArgument.Of(Scale) : CudaArgument.Of((float)Scale);

        internal int Shared(int tiles, int squares) =>
            (tiles * Rows * (Padded + 1) + squares * Rows * (Rows + 1)) * TensorMemory.ElementSize(Type);
    }

    /// <summary>There is a kernel for these tensors.</summary>
    public static bool HasKernel(Tensor q, Tensor v)
    {
        if (q.device_type != DeviceType.CUDA || q.dtype is not (ScalarType.Float32 or ScalarType.Float64) || !CudaKernels.AreAvailable
            || Math.Max(q.shape[3], v.shape[3]) > 128) return false;
        var sizes = SizesOf(q, v, 1);
        return sizes.Shared(4, 2) <= CudaDevice.Of(q).MaxSharedBytes;
    }

    /// <summary>Continues the state of outputs with a part's pairs.</summary>
    public static void Forward(CudaStream stream, Sizes sizes, Lists part, CudaArgument heads, int planned, CudaArgument q, CudaArgument k,
        CudaArgument v, CudaArgument output, CudaArgument largest, CudaArgument sums)
    {
        var all = sizes.Batch * planned;
        Kernel(stream, sizes, "forward").Launch(Grid(part.QueryTileCount, all), Threads, sizes.Shared(3, 1), stream,
            q, k, v, output, largest, sums, part.QueryTiles, part.Queries, part.Keys, part.Low, part.High, part.QueryStarts, part.KeyStarts,
            heads, planned, sizes.Heads, all, sizes.Length, sizes.Width, sizes.ValueWidth, sizes.Factor);
    }

    /// <summary>Adds a part's gradients.</summary>
    public static void Backward(CudaStream stream, Sizes sizes, Lists part, CudaArgument heads, int planned, CudaArgument q,
        CudaArgument k, CudaArgument v, CudaArgument byOutput, CudaArgument logSums, CudaArgument deltas, CudaArgument byQ,
        CudaArgument byK, CudaArgument byV)
    {
        var all = sizes.Batch * planned;
        Kernel(stream, sizes, "by_queries").Launch(Grid(part.QueryTileCount, all), Threads, sizes.Shared(4, 1), stream,
            q, k, v, byOutput, logSums, deltas, byQ, part.QueryTiles, part.Queries, part.Keys, part.Low, part.High, part.QueryStarts,
            part.KeyStarts, heads, planned, sizes.Heads, all, sizes.Length, sizes.Width, sizes.ValueWidth, sizes.Factor);
        Kernel(stream, sizes, "by_keys").Launch(Grid(part.KeyTileCount, all), Threads, sizes.Shared(4, 2), stream,
            q, k, v, byOutput, logSums, deltas, byK, byV, part.KeyTiles, part.Queries, part.Keys, part.Low, part.High, part.QueryStarts,
            part.KeyStarts, heads, planned, sizes.Heads, all, sizes.Length, sizes.Width, sizes.ValueWidth, sizes.Factor);
    }

    /// <summary>Outputs, and the scores' log-sum-exp.</summary>
    public static (Tensor Output, Tensor LogSum) Forward(Tensor q, Tensor k, Tensor v, RangePlan[] heads, double scale)
    {
        var sizes = SizesOf(q, v, scale);
        var (device, stream) = (q.device, CudaStream.Of(q));
        Tensor sums = zeros(v.shape[..3], sizes.Type, device), output = zeros(v.shape, sizes.Type, device),
            largest = full(v.shape[..3], double.NegativeInfinity, sizes.Type, device);
        foreach (var (part, numbers, planned) in Parts(heads, device))
            Forward(stream, sizes, part, numbers, planned, q, k, v, output, largest, sums);
        // A query without keys: 0, and not 0 / 0.
        var divisors = sums.masked_fill(largest.eq(double.NegativeInfinity) & sums.eq(0), 1);
        return (output.div_(divisors.unsqueeze(-1)), largest.add_(divisors.log()));
    }

    /// <summary>The gradients by queries, keys and values.</summary>
    public static Tensor[] Backward(Tensor q, Tensor k, Tensor v, Tensor output, Tensor logSum, Tensor byOutput, RangePlan[] heads,
        double scale)
    {
        var sizes = SizesOf(q, v, scale);
        var (device, stream) = (q.device, CudaStream.Of(q));
        var deltas = (output * byOutput).sum(-1);
        Tensor byQ = zeros(q.shape, sizes.Type, device), byK = zeros(k.shape, sizes.Type, device), byV = zeros(v.shape, sizes.Type, device);
        foreach (var (part, numbers, planned) in Parts(heads, device))
            Backward(stream, sizes, part, numbers, planned, q, k, v, byOutput, logSum, deltas, byQ, byK, byV);
        return [byQ, byK, byV];
    }

    // Parts of all plans, with the heads that have them.
    private static IEnumerable<(Lists Part, Tensor Heads, int Planned)> Parts(RangePlan[] heads, Device device)
    {
        foreach (var group in heads.Index().GroupBy(h => h.Item))
        {
            int[] numbers = [.. group.Select(h => h.Index)];
            var onDevice = tensor(numbers, device: device);
            foreach (var part in group.Key.Parts)
                if (part.PairCount > 0) yield return (part.On(device), onDevice, numbers.Length);
        }
    }

    private static Sizes SizesOf(Tensor q, Tensor v, double scale) =>
        new(q.dtype, q.shape[0], (int)q.shape[1], q.shape[2], (int)q.shape[3], (int)v.shape[3], scale);

    private static Dim3 Grid(int tiles, long heads) => new(tiles, (int)Math.Min(heads, MostRowsOfGrid));

    private static CudaKernel Kernel(CudaStream stream, Sizes sizes, string name) =>
        stream.Device.Kernel(Source, $"{name}<{CudaSource.TypeName(sizes.Type)},{sizes.Padded}>");
}
