using TorchZoo.Kernels;
using TorchZoo.Models.Compression;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>Forward pass and both products of the backward pass, transposes included, of sparse layers against dense ones; one thread.</summary>
internal static class SparseBenchmarks
{
    private const string Dense = "the dense layer";

    [Benchmark("sparse/linear-1024-95", Dense, "≥ 3")]
    public static Measurement Linear95(Stopwatches clock) => Linear(clock, 1024, 1024, 128, 0.95);

    [Benchmark("sparse/linear-1024-99", Dense, "≥ 8")]
    public static Measurement Linear99(Stopwatches clock) => Linear(clock, 1024, 1024, 128, 0.99);

    [Benchmark("sparse/linear-512-95", Dense, "≥ 1.3")]
    public static Measurement Small(Stopwatches clock) => Linear(clock, 512, 256, 128, 0.95);

    [Benchmark("sparse/linear-2048-95", Dense)]
    public static Measurement Large(Stopwatches clock) => Linear(clock, 2048, 2048, 64, 0.95);

    private const string OneDnnDense = "the dense layer by oneDNN, which TorchZoo switches off where its gradients are wrong, as here";

    [Benchmark("sparse/conv-128x8-95-onednn", OneDnnDense, "≥ 2")]
    public static Measurement ConvOneDnn95(Stopwatches clock) => WithOneDnn(() => Conv(clock, 128, 128, 8, 32, 0.95));

    [Benchmark("sparse/conv-128x8-99-onednn", OneDnnDense, "≥ 2.5")]
    public static Measurement ConvOneDnn99(Stopwatches clock) => WithOneDnn(() => Conv(clock, 128, 128, 8, 32, 0.99));

    [Benchmark("sparse/conv-64x16-95-onednn", OneDnnDense)]
    public static Measurement MiddleOneDnn(Stopwatches clock) => WithOneDnn(() => Conv(clock, 64, 64, 16, 32, 0.95));

    [Benchmark("sparse/conv-32x32-95-onednn", OneDnnDense)]
    public static Measurement LargeOneDnn(Stopwatches clock) => WithOneDnn(() => Conv(clock, 32, 32, 32, 32, 0.95));

    private static Measurement WithOneDnn(Func<Measurement> measure)
    {
        OneDnn.Use(true);
        try { return measure(); }
        finally { OneDnn.SwitchOffIfWrong(); }
    }

    [Benchmark("sparse/conv-128x8-95", Dense, "≥ 2")]
    public static Measurement Conv95(Stopwatches clock) => Conv(clock, 128, 128, 8, 32, 0.95);

    [Benchmark("sparse/conv-128x8-99", Dense, "≥ 2.5")]
    public static Measurement Conv99(Stopwatches clock) => Conv(clock, 128, 128, 8, 32, 0.99);

    [Benchmark("sparse/conv-64x16-95", Dense)]
    public static Measurement ConvMiddle(Stopwatches clock) => Conv(clock, 64, 64, 16, 32, 0.95);

    [Benchmark("sparse/conv-32x32-95", Dense)]
    public static Measurement ConvLarge(Stopwatches clock) => Conv(clock, 32, 32, 32, 32, 0.95);

    [Benchmark("sparse/conv-64x56-95-one", "the dense layer, one image of 56²")]
    public static Measurement ConvOne(Stopwatches clock) => Conv(clock, 64, 64, 56, 1, 0.95);

    [Benchmark("sparse/linear-1024-95-threads", "itself on one thread; two threads", "≥ 1.7")]
    public static Measurement Threads(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var run = Pass(new SparseLinear(SparseWeight([1024, 1024], 0.95)), randn(128, 1024), 1024);
        return OnOneThread(clock, run, run, 2, 0);
    }

    [Benchmark("sparse/train-step-95", "a dense net's step: 784-1024-1024-10, batch 128, SGD (share of its time)", "≤ 0.6")]
    public static Measurement Step(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(128, 784), y = randint(0, 10, [128], ScalarType.Int64);
        var times = clock.Time(Step(0.95), Step(0));
        return Measurement.Share(times[0], times[1]);

        Action Step(double sparsity)
        {
            var net = new SparseProp(new SparsePropConfig { Sparsity = sparsity });
            var optimizer = new FusedSgd(net.parameters(), 1e-30, 0.9);
            return () =>
            {
                using var step = NewDisposeScope();
                nn.functional.cross_entropy(net.call(x), y).backward();
                optimizer.step();
                optimizer.zero_grad();
            };
        }
    }

    private static Measurement Linear(Stopwatches clock, long inputs, long outputs, long batch, double sparsity)
    {
        using var scope = NewDisposeScope();
        var sparse = new SparseLinear(SparseWeight([outputs, inputs], sparsity), zeros(outputs));
        return OnOneThread(clock, Pass(sparse, randn(batch, inputs), outputs), Pass(sparse.ToDense(), randn(batch, inputs), outputs), 1,
            Flops(sparse, batch));
    }

    private static Measurement Conv(Stopwatches clock, long inputs, long outputs, long size, long batch, double sparsity)
    {
        using var scope = NewDisposeScope();
        var sparse = new SparseConv2d(SparseWeight([outputs, inputs, 3, 3], sparsity), zeros(outputs), padding: 1);
        return OnOneThread(clock, Pass(sparse, randn(batch, inputs, size, size), outputs, size, size),
            Pass(sparse.ToDense(), randn(batch, inputs, size, size), outputs, size, size), 1, Flops(sparse, batch * size * size));
    }

    // A product and a sum for each stored weight and position, in the forward pass and twice in the backward pass.
    private static double Flops(SparseLayer layer, long positions) => 6.0 * layer.NonZeroCount * positions;

    private static Tensor SparseWeight(long[] shape, double sparsity) => randn(shape) * rand(shape).gt(sparsity);

    private static Action Pass(nn.Module<Tensor, Tensor> layer, Tensor input, params long[] output)
    {
        var x = input.requires_grad_();
        var gradient = randn([input.shape[0], .. output]);
        return () =>
        {
            using var step = NewDisposeScope();
            layer.call(x).backward([gradient]);
            x.grad = null;
            layer.zero_grad();
        };
    }

    private static Measurement OnOneThread(Stopwatches clock, Action ours, Action baseline, int oursThreads, double flops)
    {
        double? bound = flops > 0 ? clock.OneThread.Seconds(flops, 0) : null;
        var threads = get_num_threads();
        try
        {
            var times = clock.Time(On(oursThreads, ours), On(1, baseline));
            return Measurement.SpeedUp(times[0], times[1], bound);
        }
        finally { set_num_threads(threads); }

        static Action On(int count, Action action) => () =>
        {
            set_num_threads(count);
            action();
        };
    }
}
