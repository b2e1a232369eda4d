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
