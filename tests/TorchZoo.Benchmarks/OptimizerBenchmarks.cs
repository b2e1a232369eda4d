using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

internal static class OptimizerBenchmarks
{
    private const int Count = 100, Side = 128;

    [Benchmark("optimizers/adamw", "TorchSharp's AdamW, 100 parameters of 128×128", "≥ 10")]
    public static Measurement AdamW(Stopwatches clock) => Compare(clock, p => new FusedAdamW(p), p => optim.AdamW(p), passes: 7);

    [Benchmark("optimizers/sgd-momentum", "TorchSharp's SGD, 100 parameters of 128×128")]
    public static Measurement Sgd(Stopwatches clock) => Compare(clock, p => new FusedSgd(p, 1e-3, 0.9), p => optim.SGD(p, 1e-3, 0.9), passes: 5);

    [Benchmark("optimizers/clip-adamw", "TorchSharp's clip_grad_norm_ and AdamW, 100 parameters of 128×128")]
    public static Measurement Clipped(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        Parameter[] ours = Parameters(), theirs = Parameters();
        using var fused = new FusedAdamW(ours);
        using var eager = optim.AdamW(theirs);
        var times = clock.Time(() => fused.StepClipped(1), () =>
        {
            nn.utils.clip_grad_norm_(theirs, 1);
            eager.step();
        });
        return Measurement.SpeedUp(times[0], times[1], Bandwidth(clock, 8));
    }

    private static Measurement Compare(Stopwatches clock, Func<Parameter[], optim.Optimizer> ours, Func<Parameter[], optim.Optimizer> theirs, int passes)
    {
        using var scope = NewDisposeScope();
        using optim.Optimizer fused = ours(Parameters()), eager = theirs(Parameters());
        var times = clock.Time(() => fused.step(), () => eager.step());
        return Measurement.SpeedUp(times[0], times[1], Bandwidth(clock, passes));
    }

    // The time that so many reads and writes of all parameters take: of as many vectors as long as a copy of them.
    private static double Bandwidth(Stopwatches clock, int passes)
    {
        using var scope = NewDisposeScope();
        Tensor from = zeros(Count, Side, Side), to = zeros(Count, Side, Side);
        return clock.Time(() => to.copy_(from))[0] / 2 * passes;
    }

    private static Parameter[] Parameters() => [.. Enumerable.Range(0, Count).Select(_ =>
    {
        var p = new Parameter(randn(Side, Side));
        p.grad = randn(Side, Side);
        return p;
    })];
}
