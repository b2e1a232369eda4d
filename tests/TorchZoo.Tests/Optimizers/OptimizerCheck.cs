using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Optimizers;

/// <summary>An optimizer against another on a problem with all that is awkward: a scalar, a length that fills no vector, a large tensor, an
/// empty one, a parameter without a gradient, and one that has its first late.</summary>
internal static class OptimizerCheck
{
    /// <summary>Steps with both and compares.</summary>
    /// <param name="steps">How many.</param>
    /// <param name="tolerance">Largest difference, relative to numbers above 1.</param>
    /// <param name="sign">What our loss is multiplied by.</param>
    /// <param name="ours">Makes ours.</param>
    /// <param name="theirs">Makes the other.</param>
    public static void Equal(int steps, double tolerance, int sign, Func<Parameter[], FusedOptimizer> ours, Func<Parameter[], optim.Optimizer> theirs)
    {
        var (p, q) = (Parameters(), Parameters());
        using var one = ours(p);
        using var other = theirs(q);
        for (var i = 0; i < steps; i++)
        {
            Run(one, p, i, sign);
            Run(other, q, i, 1);
        }
        for (var i = 0; i < p.Length; i++)
            Assert.That(p[i].numel() == 0 ? 0 : ((p[i] - q[i]).abs() / q[i].abs().clamp_min(1)).max().item<float>(), Is.LessThan(tolerance), $"parameter {i}, {one.Path}");
        Assert.That(p[3].allclose(ones(3)), Is.True, "a parameter without gradient must stay");
    }

    private static Parameter[] Parameters()
    {
        using var generator = new Generator(5);
        return [new(randn([7, 3], generator: generator)), new(randn([5], generator: generator)), new(randn([], generator: generator)),
            new(ones(3)), new(zeros(0)), new(randn([19], generator: generator)), new(randn([300, 301], generator: generator))];
    }

    private static void Run(optim.Optimizer optimizer, Parameter[] p, int i, int sign)
    {
        using var inner = NewDisposeScope();
        optimizer.zero_grad();
        var loss = (p[0] * Math.Cos(i)).square().sum() + (p[1] - i % 7).abs().sum() + p[2] * p[0].mean() + p[4].sum()
            + (p[6] - 2 * Math.Sin(i)).square().sum() * (0.5 + i % 3);
        if (i >= 5) loss += (p[5] - 2).square().sum();
        (sign * loss).backward();
        optimizer.step();
    }
}
