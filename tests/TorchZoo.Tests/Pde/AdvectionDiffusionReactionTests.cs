using NUnit.Framework;
using TorchZoo.Data.Pde;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Pde;

public sealed class AdvectionDiffusionReactionTests
{
    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    private static Tensor Grid(double from, double to, long n) => linspace(from, to, n, dtype: ScalarType.Float64);

    // u = e^−t (1 − x²) on [−1, 1] with k = v = 1 and g = u³.
    private static double CubicReactionError(long nodes)
    {
        using var scope = NewDisposeScope();
        var x = Grid(-1, 1, nodes);
        Tensor Exact(double t) => (1 - x.square()) * Math.Exp(-t);
        var u = AdvectionDiffusionReaction.Solve(Exact(0), ones(1), ones(1), length: 2, duration: 1, nodes - 1,
            new Reaction(s => s.pow(3), s => s.square() * 3), t => (x.square() + 1 - x * 2) * Math.Exp(-t) - Exact(t).pow(3));
        Assert.That(u.shape, Is.EqualTo(new[] { 1, nodes, nodes }));
        return Distance(u[0], stack(Enumerable.Range(0, (int)nodes).Select(i => Exact(i / (nodes - 1.0)))));
    }

    [Test]
    public void ErrorsAreThePublishedOnes()
    {
        var errors = new long[] { 51, 101, 201 }.Select(CubicReactionError).ToArray();
        TestContext.Out.WriteLine(string.Join(", ", errors));
        Assert.That(errors[0], Is.EqualTo(9.9e-5).Within(5e-7));
        Assert.That(errors[1], Is.EqualTo(2.5e-5).Within(5e-7));
        Assert.That(errors[2], Is.EqualTo(6.2e-6).Within(5e-8));
        Assert.That(Math.Log2(errors[1] / errors[2]), Is.EqualTo(2).Within(0.02));
    }

    // u = e^−t sin πx with k = 1 + x/2 and v = x, each function its own amplitude: f by hand.
    [Test]
    public void VariableCoefficientsHaveOrderTwo()
    {
        double Error(long nodes)
        {
            using var scope = NewDisposeScope();
            var x = Grid(0, 1, nodes);
            var amplitude = tensor(new[] { 1.0, -2 }).unsqueeze(1);
            var (sin, cos) = ((x * Math.PI).sin(), (x * Math.PI).cos());
            // f = u_t − ((1 + x/2) u_x)_x + x u_x
            var f = amplitude * (-sin - cos * (Math.PI / 2) + (1 + x / 2) * sin * (Math.PI * Math.PI) + x * cos * Math.PI);
            var u = AdvectionDiffusionReaction.Solve(amplitude * sin, 1 + x / 2, x.expand(2, nodes), 1, 1, nodes - 1, source: t => f * Math.Exp(-t));
            return Distance(u[.., -1], amplitude * sin * Math.Exp(-1));
        }
        Assert.That(Math.Log2(Error(41) / Error(81)), Is.EqualTo(2).Within(0.05));
        Assert.That(Error(81), Is.LessThan(1e-3));
    }

    [Test]
    public void DiffusionKeepsWhatFluxesKeep()
    {
        // While nothing reaches the ends, ∫ u does not change, whatever k is: the fluxes cancel exactly.
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var initial = zeros(1, 201, dtype: ScalarType.Float64);
        initial[0, 90..110] = rand([20], dtype: ScalarType.Float64, generator: generator);
        var k = rand([3, 201], dtype: ScalarType.Float64, generator: generator) * 1e-4;
        var u = AdvectionDiffusionReaction.Solve(initial.expand(3, -1), k, zeros(1), 1, 0.1, 20);
        Assert.That(Distance(u.sum(2), initial.sum().expand(3, 21)), Is.LessThan(1e-12));
    }

    [Test]
    public void BadArgumentsAreRefused()
    {
        using var scope = NewDisposeScope();
        var (u, one) = (zeros(2, 11), ones(1));
        void Refused(Func<Tensor> solve, string name) => Assert.That(solve, Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(name));
        Refused(() => AdvectionDiffusionReaction.Solve(zeros(2, 2), one, one, 1, 1, 5), "initial");
        Refused(() => AdvectionDiffusionReaction.Solve(zeros(2, 2, 9), one, one, 1, 1, 5), "initial");
        Refused(() => AdvectionDiffusionReaction.Solve(u, ones(10), one, 1, 1, 5), "diffusivity");
        Refused(() => AdvectionDiffusionReaction.Solve(u, one, ones(3, 11), 1, 1, 5), "velocity");
        Refused(() => AdvectionDiffusionReaction.Solve(u, one, one, 0, 1, 5), "length");
        Refused(() => AdvectionDiffusionReaction.Solve(u, one, one, 1, -1, 5), "duration");
        Refused(() => AdvectionDiffusionReaction.Solve(u, one, one, 1, 1, 0), "steps");
        Refused(() => AdvectionDiffusionReaction.Solve(u, one, one, 1, 1, 5, source: _ => ones(4)), "source");
    }
}
