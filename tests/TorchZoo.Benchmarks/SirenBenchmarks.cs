using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>Derivatives of the paper's five-layer, 256-wide network at the points of an image.</summary>
internal static class SirenBenchmarks
{
    [Benchmark("siren/laplacian", "value, gradient and Laplacian by double backward, 64² points", "≥ 3")]
    public static Measurement Laplacian64(Stopwatches clock) => Laplacian(clock, 64);

    [Benchmark("siren/laplacian-128", "value, gradient and Laplacian by double backward, 128² points", "≥ 3")]
    public static Measurement Laplacian128(Stopwatches clock) => Laplacian(clock, 128);

    [Benchmark("siren/poisson-step", "a training step on the Laplacian by double backward, 64² points, Adam", "≥ 1.5")]
    public static Measurement PoissonStep(Stopwatches clock) => Step(clock,
        (net, x) => net.Jet(x).Laplacian, (net, x) => DifferentialOperators.Laplace(net.forward(x), x), 1);

    [Benchmark("siren/gradient-step", "a training step on the gradient by double backward, 64² points, Adam")]
    public static Measurement GradientStep(Stopwatches clock) => Step(clock,
        (net, x) => net.Jet(x, SecondOrder.None).Gradient.squeeze(-2), (net, x) => DifferentialOperators.Gradient(net.forward(x), x), 2);

    private static Measurement Laplacian(Stopwatches clock, long side)
    {
        using var scope = NewDisposeScope();
        var net = new Siren(new SirenConfig());
        var x = FieldCoordinates.Grid([side, side]);
        var recorded = x.clone().requires_grad_();
        var times = clock.Time(
            () =>
            {
                using var call = NewDisposeScope();
                using var off = no_grad();
                net.Jet(x);
            },
            () =>
            {
                using var call = NewDisposeScope();
                DifferentialOperators.Divergence(DifferentialOperators.Gradient(net.forward(recorded), recorded), recorded);
            });
        return Measurement.SpeedUp(times[0], times[1]);
    }

    private static Measurement Step(Stopwatches clock, Func<Siren, Tensor, Tensor> ours, Func<Siren, Tensor, Tensor> theirs, long channels)
    {
        using var scope = NewDisposeScope();
        var x = FieldCoordinates.Grid([64, 64]);
        var target = randn(64 * 64, channels);
        var times = clock.Time(Train(ours, x), Train(theirs, x.clone().requires_grad_()));
        return Measurement.SpeedUp(times[0], times[1]);

        Action Train(Func<Siren, Tensor, Tensor> derivative, Tensor coords)
        {
            var net = new Siren(new SirenConfig());
            var optimizer = new FusedAdam(net.parameters(), 1e-4);
            return () =>
            {
                using var step = NewDisposeScope();
                (derivative(net, coords) - target).square().mean().backward();
                optimizer.step();
                optimizer.zero_grad();
                coords.grad?.zero_();
            };
        }
    }
}
