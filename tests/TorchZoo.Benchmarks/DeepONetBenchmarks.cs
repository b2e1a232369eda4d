using TorchZoo.Models.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>Forward and backward pass of a DeepONet for 1000 functions, each at the same 1000 points; 100 sensors, width 100, p = 100.</summary>
internal static class DeepONetBenchmarks
{
    private const int Functions = 1000, Points = 1000, Width = 100, FunctionsAtOnce = 50;

    private static readonly DeepONetConfig Config = new()
    {
        LayerSizesBranch = [Width, Width, Width],
        LayerSizesTrunk = [2, Width, Width, Width],
    };

    [Benchmark("deeponet/cartesian", "the aligned form on the same data", "≥ 5")]
    public static Measurement AgainstAligned(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var aligned = new DeepONet(Config);
        Tensor u = randn(Functions, Width), y = rand(Points, 2), gradient = randn(Functions, Points);
        // All million rows at once would need gigabytes for the activations. Tiling the data isn't measured.
        var rows = Enumerable.Range(0, Functions / FunctionsAtOnce).Select(i =>
            (U: u.narrow(0, i * FunctionsAtOnce, FunctionsAtOnce).repeat_interleave(Points, dim: 0),
             Gradient: gradient.narrow(0, i * FunctionsAtOnce, FunctionsAtOnce).reshape(-1, 1))).ToArray();
        var tiledPoints = y.repeat(FunctionsAtOnce, 1);
        var times = clock.Time(
            Cartesian(u, y, gradient),
            () =>
            {
                foreach (var row in rows)
                {
                    using var step = NewDisposeScope();
                    aligned.call(row.U, tiledPoints).backward([row.Gradient]);
                }
                aligned.zero_grad();
            });
        return Measurement.SpeedUp(times[0], times[1]);
    }

    [Benchmark("deeponet/cartesian-bare", "its matrix products alone (share)", "≤ 1.25")]
    public static Measurement AgainstItsProducts(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        Tensor u = randn(Functions, Width), y = rand(Points, 2), gradient = randn(Functions, Points);
        var times = clock.Time(Cartesian(u, y, gradient), Products(u, y, gradient));
        return Measurement.Share(times[0], times[1], times[1]);
    }

    private static Action Cartesian(Tensor u, Tensor y, Tensor gradient)
    {
        var model = new DeepONetCartesianProd(Config);
        return () =>
        {
            using var step = NewDisposeScope();
            model.call(u, y).backward([gradient]);
            model.zero_grad();
        };
    }

    // Each linear layer forward, and backward to its weight and (but for the first) its input; and so for branch · trunkᵀ.
    private static Action Products(Tensor u, Tensor y, Tensor gradient)
    {
        Tensor hidden = randn(Points, Width), square = randn(Width, Width), first = randn(Width, 2);
        (Tensor Input, Tensor Weight, bool IsFirst)[] layers =
            [(u, square, true), (hidden, square, false), (y, first, true), (hidden, square, false), (hidden, square, false)];
        return () =>
        {
            using var step = NewDisposeScope();
            foreach (var (input, weight, isFirst) in layers)
            {
                input.mm(weight.t());
                hidden.t().mm(input);
                if (!isFirst) hidden.mm(weight);
            }
            hidden.mm(hidden.t());
            gradient.mm(hidden);
            gradient.t().mm(hidden);
        };
    }
}
