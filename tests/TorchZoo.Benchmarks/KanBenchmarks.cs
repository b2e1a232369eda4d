using TorchZoo.Kernels;
using TorchZoo.Models.Neurons;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>Layers of learned curves.</summary>
internal static class KanBenchmarks
{
    [Benchmark("kan/layer-64x64", "the same layer in torch operations; forward and backward, grid 5, order 3, batch 1024", "≥ 3")]
    public static Measurement Layer(Stopwatches clock) => Layer(clock, 5);

    [Benchmark("kan/layer-64x64-g50", "the same with grid 50")]
    public static Measurement FineLayer(Stopwatches clock) => Layer(clock, 50);

    private static Measurement Layer(Stopwatches clock, int grid)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(0);
        var layer = new KanLinear(64, 64, grid, generator: generator);
        var x = (rand([1024, 64], generator: generator) * 2 - 1).requires_grad_();
        var byOutput = randn([1024, 64], generator: generator);
        var times = clock.Time(() => Pass(() => layer.forward(x)), () => Pass(Eager));
        return Measurement.SpeedUp(times[0], times[1], null);

        void Pass(Func<Tensor> forward)
        {
            using var step = NewDisposeScope();
            forward().backward([byOutput]);
            x.grad = null;
            layer.zero_grad();
        }

        Tensor Eager() => nn.functional.linear(nn.functional.silu(x), layer.BaseWeight)
            + SplineSum.Eager(x, layer.Grid, (layer.SplineWeight * layer.SplineScaler!.unsqueeze(-1)).permute(1, 2, 0), layer.SplineOrder);
    }
}
