using TorchZoo.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Benchmarks;

/// <summary>GELU of a sum, forward and backward, on a field of an FNO's layer: (8, 32, 64, 64). The bound is the time it takes to copy as
/// much memory as must be read and written.</summary>
internal static class ActivationBenchmarks
{
    private const int Batch = 8, Channels = 32, Size = 64;

    [Benchmark("activation/gelu-1", "libtorch's gelu(x + bias + residual), forward and backward, one thread", "≥ 1.5")]
    public static Measurement OneThread(Stopwatches clock) => OnThreads(1, clock);

    [Benchmark("activation/gelu-2", "libtorch's gelu(x + bias + residual), forward and backward, two threads", "≥ 1.5")]
    public static Measurement TwoThreads(Stopwatches clock) => OnThreads(2, clock);

    [Benchmark("self-gate/swish", "torch operations of x·σ(sx) with a slope a channel, forward and backward, one thread", "≥ 2")]
    public static Measurement Swish(Stopwatches clock) => Gate(GateFunction.Logistic, u => u.sigmoid(), clock);

    [Benchmark("self-gate/gelu", "torch operations of x·Φ(sx) with a slope a channel, forward and backward, one thread", "≥ 2")]
    public static Measurement Gelu(Stopwatches clock) =>
        Gate(GateFunction.Normal, u => 0.5 * (u * -Math.Sqrt(0.5)).erfc(), clock);

    [Benchmark("self-gate/mish", "torch operations of x·tanh(softplus(sx)) with a slope a channel, forward and backward, one thread",
        "≥ 2")]
    public static Measurement Mish(Stopwatches clock) => Gate(GateFunction.Mish, u => functional.softplus(u).tanh(), clock);

    private static Measurement Gate(GateFunction gate, Func<Tensor, Tensor> eager, Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var before = get_num_threads();
        set_num_threads(1);
        try
        {
            Tensor x = randn(Batch, Channels, Size, Size).requires_grad_(), slope = ones(Channels, 1, 1).requires_grad_();
            var cotangent = randn(x.shape);
            var times = clock.Time(Step(() => SelfGate.Apply(gate, x, slope)), Step(() => x * eager(slope * x)));
            return Measurement.SpeedUp(times[0], times[1]);

            Action Step(Func<Tensor> function) => () =>
            {
                using var step = NewDisposeScope();
                autograd.grad([function()], [x, slope], [cotangent]);
            };
        }
        finally { set_num_threads(before); }
    }

    private static Measurement OnThreads(int threads, Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            long[] shape = [Batch, Channels, Size, Size];
            Tensor x = randn(shape).requires_grad_(), residual = randn(shape).requires_grad_(), bias = randn(Channels).requires_grad_();
            var cotangent = randn(shape);
            // Forward x, residual → y; backward those, the gradient → one gradient: seven fields, and a copy moves two.
            Tensor[] from = [.. Enumerable.Range(0, 4).Select(_ => randn(shape))], to = [.. from.Select(t => t.clone())];
            var times = clock.Time(
                Step(() => PointwiseActivation.Apply(Activation.Gelu, x, bias, residual)),
                Step(() => functional.gelu(x + bias.view(Channels, 1, 1) + residual)),
                () =>
                {
                    for (var i = 0; i < from.Length; i++) to[i].copy_(from[i]);
                });
            return Measurement.SpeedUp(times[0], times[1], times[2] * 7 / 8);

            Action Step(Func<Tensor> function) => () =>
            {
                using var step = NewDisposeScope();
                autograd.grad([function()], [x, bias, residual], [cotangent]);
            };
        }
        finally { set_num_threads(before); }
    }
}
