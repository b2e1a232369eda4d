using TorchZoo.Kernels;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>Forward and backward pass of ParaRNN's cells against an eager loop over time written the fast way (unbind, no slices),
/// float32.</summary>
internal static class ParaRnnBenchmarks
{
    // The recurrence alone, which is what kernel and loop do differently: few inputs, so that the projection costs next to nothing.
    private const string Loop = "the eager loop; one thread",
        Layer = "the eager loop, with the projection of as many inputs as channels; one thread";

    [Benchmark("pararnn/gru-8x512x128", Loop, "≥ 20")]
    public static Measurement Gru(Stopwatches clock) => Cell(clock, CellKind.Gru, 8, 512, 128, 2);

    [Benchmark("pararnn/gru-1x8192x128", Loop, "≥ 50")]
    public static Measurement Long(Stopwatches clock) => Cell(clock, CellKind.Gru, 1, 8192, 128, 2);

    [Benchmark("pararnn/gru-32x512x256", Loop, "≥ 8")]
    public static Measurement Wide(Stopwatches clock) => Cell(clock, CellKind.Gru, 32, 512, 256, 2);

    [Benchmark("pararnn/gru-layer-8x512x128", Layer)]
    public static Measurement GruLayer(Stopwatches clock) => Cell(clock, CellKind.Gru, 8, 512, 128, 128);

    [Benchmark("pararnn/gru-layer-1x8192x128", Layer)]
    public static Measurement LongLayer(Stopwatches clock) => Cell(clock, CellKind.Gru, 1, 8192, 128, 128);

    [Benchmark("pararnn/lstm-8x512x128", Loop)]
    public static Measurement Lstm(Stopwatches clock) => Cell(clock, CellKind.Lstm, 8, 512, 128, 2);

    [Benchmark("pararnn/newton-gru-8x512x128", "the eager loop against Newton's method in torch operations; one thread")]
    public static Measurement Newton(Stopwatches clock) => Cell(clock, CellKind.Gru, 8, 512, 128, 2, RecurrenceMode.Parallel);

    [Benchmark("pararnn/newton-gru-1x8192x128", "the eager loop against Newton's method in torch operations; one thread")]
    public static Measurement NewtonLong(Stopwatches clock) => Cell(clock, CellKind.Gru, 1, 8192, 128, 2, RecurrenceMode.Parallel);

    [Benchmark("pararnn/gru-32x512x256-threads", "itself on one thread; two threads", "≥ 1.7")]
    public static Measurement Threads(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var pass = Pass(CellKind.Gru, 32, 512, 256, 2, RecurrenceMode.Fused);
        return OnThreads(clock, pass, 2, pass, null);
    }

    [Benchmark("pararnn/scan-8x4096x128", "the associative scan in torch operations, forward and backward; one thread")]
    public static Measurement Scan(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        Tensor a = rand([8, 4096, 128]).requires_grad_(), b = randn([8, 4096, 128]).requires_grad_(), g = randn([8, 4096, 128]);
        // A, b and h once, then A, g, h and both gradients.
        return OnThreads(clock, Of(() => LinearRecurrence.Scan(a, b)), 1, Of(() => LinearRecurrence.AssociativeScan(a, b)),
            clock.OneThread.Seconds(0, 8.0 * 4 * a.numel()));

        Action Of(Func<Tensor> scan) => () =>
        {
            using var step = NewDisposeScope();
            scan().backward([g]);
            (a.grad, b.grad) = (null, null);
        };
    }

    private static Measurement Cell(Stopwatches clock, CellKind kind, long batch, long steps, long channels, long inputs,
        RecurrenceMode mode = RecurrenceMode.Fused)
    {
        using var scope = NewDisposeScope();
        // What must go through memory: three inputs and a state there, these and a gradient back, and three gradients; in the LSTM c as
        // well.
        double numbers = batch * steps * channels, bytes = (4 + 8 + (kind == CellKind.Lstm ? 2 : 0)) * 4 * numbers;
        // Products, sums and quotients of the gates, in both passes.
        var flops = (kind == CellKind.Lstm ? 180 : 130) * numbers;
        return OnThreads(clock, Pass(kind, batch, steps, channels, inputs, mode), 1,
            Pass(kind, batch, steps, channels, inputs, RecurrenceMode.Sequential),
            clock.OneThread.Seconds(flops, bytes));
    }

    private static Action Pass(CellKind kind, long batch, long steps, long channels, long inputs, RecurrenceMode mode)
    {
        ParaRnnCell cell = kind == CellKind.Gru ? new ParaGru(inputs, channels, mode: mode) : new ParaLstm(inputs, channels, mode: mode);
        Tensor x = randn(batch, steps, inputs).requires_grad_(), g = randn(batch, steps, channels);
        return () =>
        {
            using var step = NewDisposeScope();
            cell.call(x).backward([g]);
            x.grad = null;
            cell.zero_grad();
        };
    }

    private static Measurement OnThreads(Stopwatches clock, Action ours, int threads, Action baseline, double? bound)
    {
        var before = get_num_threads();
        try
        {
            var times = clock.Time(On(threads, ours), On(1, baseline));
            return Measurement.SpeedUp(times[0], times[1], bound);
        }
        finally { set_num_threads(before); }

        static Action On(int count, Action action) => () =>
        {
            set_num_threads(count);
            action();
        };
    }
}
