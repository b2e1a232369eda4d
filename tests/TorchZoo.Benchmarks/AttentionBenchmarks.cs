using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>Sparse attention, forward and backward pass, batch 1, four heads of 64 features, float32, one thread.</summary>
internal static class AttentionBenchmarks
{
    private const string Dense = "libtorch's causal attention";

    [Benchmark("attention/strided-8192", $"{Dense}; mean of Local and Strided, l = 128", "≥ 6")]
    public static Measurement Strided8192(Stopwatches clock) =>
        Against(clock, 8192, AttentionPattern.Local(8192, 128), AttentionPattern.Strided(8192, 128));

    [Benchmark("attention/strided-16384", $"{Dense}; mean of Local and Strided, l = 128", "≥ 8")]
    public static Measurement Strided16384(Stopwatches clock) =>
        Against(clock, 16384, AttentionPattern.Local(16384, 128), AttentionPattern.Strided(16384, 128));

    [Benchmark("attention/fixed-8192", $"{Dense}; Fixed in one softmax, l = 128, c = 8", "≥ 4")]
    public static Measurement Fixed8192(Stopwatches clock) => Against(clock, 8192, AttentionPattern.Fixed(8192, 128, 8));

    [Benchmark("attention/fixed-8192-c32", $"{Dense}; Fixed in one softmax, l = 128, c = 32")]
    public static Measurement Fixed8192Wide(Stopwatches clock) => Against(clock, 8192, AttentionPattern.Fixed(8192, 128, 32));

    [Benchmark("attention/merged-8192", $"{Dense}; Local and Strided in one softmax, l = 128")]
    public static Measurement Merged8192(Stopwatches clock) => Against(clock, 8192, AttentionPattern.StridedMerged(8192, 128));

    [Benchmark("attention/causal-4096", $"{Dense}; the kernel on the dense pattern")]
    public static Measurement Causal(Stopwatches clock) => Against(clock, 4096, AttentionPattern.Causal(4096));

    [Benchmark("attention/growth-local", "itself at n = 2048, l = 64: times longer at n = 8192, l = 128", "≤ 12")]
    public static Measurement GrowthLocal(Stopwatches clock) => Growth(clock, AttentionPattern.Local);

    [Benchmark("attention/growth-strided", "itself at n = 2048, l = 64: times longer at n = 8192, l = 128", "≤ 12")]
    public static Measurement GrowthStrided(Stopwatches clock) => Growth(clock, AttentionPattern.Strided);

    [Benchmark("attention/growth-fixed", "itself at n = 2048, l = 64, c = 8: times longer at n = 8192, l = 128", "≤ 12")]
    public static Measurement GrowthFixed(Stopwatches clock) => Growth(clock, (n, l) => AttentionPattern.Fixed(n, l, 8));

    [Benchmark("attention/threads-8192", "itself on one thread; two threads, Local, l = 128")]
    public static Measurement Threads(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var run = Pass(8192, (q, k, v) => SparseAttention.Apply(q, k, v, Local));
        var before = get_num_threads();
        try
        {
            var times = clock.Time(On(2), On(1));
            return Measurement.SpeedUp(times[0], times[1]);
        }
        finally { set_num_threads(before); }

        Action On(int count) => () =>
        {
            set_num_threads(count);
            run();
        };
    }

    private static AttentionPattern Local { get; } = AttentionPattern.Local(8192, 128);

    private static Measurement Against(Stopwatches clock, int n, params AttentionPattern[] patterns) => OnOneThread(() =>
    {
        using var scope = NewDisposeScope();
        var dense = Pass(n, (q, k, v) => nn.functional.scaled_dot_product_attention(q, k, v, is_casual: true));
        var times = clock.Time([.. patterns.Select(p => Pass(n, (q, k, v) => SparseAttention.Apply(q, k, v, p))), dense]);
        // Ten products of a pair and a feature in the backward pass, four in the forward pass.
        var flops = patterns.Average(p => (double)p.PairCount) * 4 * 64 * 14;
        return Measurement.SpeedUp(times[..^1].Average(), times[^1], clock.OneThread.Seconds(flops, 0));
    });

    private static Measurement Growth(Stopwatches clock, Func<int, int, AttentionPattern> make) => OnOneThread(() =>
    {
        using var scope = NewDisposeScope();
        AttentionPattern large = make(8192, 128), small = make(2048, 64);
        var times = clock.Time(Pass(8192, (q, k, v) => SparseAttention.Apply(q, k, v, large)),
            Pass(2048, (q, k, v) => SparseAttention.Apply(q, k, v, small)));
        return Measurement.Share(times[0], times[1]);
    });

    private static Action Pass(int n, Func<Tensor, Tensor, Tensor, Tensor> attention)
    {
        var inputs = Enumerable.Range(0, 3).Select(_ => randn(1, 4, n, 64).requires_grad_()).ToArray();
        var cotangent = randn(1, 4, n, 64);
        return () =>
        {
            using var step = NewDisposeScope();
            attention(inputs[0], inputs[1], inputs[2]).backward([cotangent]);
            foreach (var input in inputs) input.grad = null;
        };
    }

    private static Measurement OnOneThread(Func<Measurement> measure)
    {
        var before = get_num_threads();
        try
        {
            set_num_threads(1);
            return measure();
        }
        finally { set_num_threads(before); }
    }
}
