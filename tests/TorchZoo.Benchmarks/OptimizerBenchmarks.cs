using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

internal static class OptimizerBenchmarks
{
    [Benchmark("optimizers/adamw", "TorchSharp's AdamW, 100 parameters of 128×128", "≥ 10")]
    public static Measurement AdamW(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        Parameter[] ours = Parameters(), theirs = Parameters();
        using var fused = new FusedAdamW(ours);
        using var eager = optim.AdamW(theirs);
        var times = clock.Time(() => fused.step(), () => eager.step());
        return Measurement.SpeedUp(times[0], times[1]);

        static Parameter[] Parameters() => [.. Enumerable.Range(0, 100).Select(_ =>
        {
            var p = new Parameter(randn(128, 128));
            p.grad = randn(128, 128);
            return p;
        })];
    }
}
