using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class InitializersTests
{
    [TestCase("Glorot normal", 2.0 / 500, double.PositiveInfinity)]
    [TestCase("glorot UNIFORM", 2.0 / 500, 1.733)]
    [TestCase("He normal", 2.0 / 300, double.PositiveInfinity)]
    [TestCase("He uniform", 2.0 / 300, 1.733)]
    [TestCase("LeCun normal", 1.0 / 300, double.PositiveInfinity)]
    [TestCase("LeCun uniform", 1.0 / 300, 1.733)]
    [TestCase("stacked He normal", 2.0 / 300, 2.274)]
    [TestCase("stacked He uniform", 2.0 / 300, 1.733)]
    [TestCase("stacked LeCun normal", 1.0 / 300, 2.274)]
    [TestCase("stacked LeCun uniform", 1.0 / 300, 1.733)]
    public void Mean_deviation_and_range_are_the_rules(string name, double variance, double most)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(0);
        var weight = empty(200, 300, dtype: ScalarType.Float64);
        Initializers.Apply(name, weight, fanIn: 300, fanOut: 200);
        var z = weight / Math.Sqrt(variance);
        var extreme = z.abs().max().item<double>();
        Assert.Multiple(() =>
        {
            Assert.That(z.mean().item<double>(), Is.Zero.Within(0.02)); // 5 σ of 60 000 draws
            Assert.That(z.std().item<double>(), Is.EqualTo(1).Within(0.015));
            if (double.IsFinite(most)) Assert.That(extreme, Is.InRange(0.99 * most, most));
            else Assert.That(extreme, Is.GreaterThan(3.5));
        });
    }

    [Test]
    public void Orthogonal_weights_are_orthogonal_each_by_itself()
    {
        using var scope = NewDisposeScope();
        var weight = empty(3, 4, 7);
        Initializers.Apply("Orthogonal", weight, 7, 4);
        Assert.Multiple(() =>
        {
            Assert.That((weight.bmm(weight.transpose(1, 2)) - eye(4)).abs().max().item<float>(), Is.LessThan(1e-5));
            Assert.That(weight[0].Equals(weight[1]), Is.False);
        });
    }

    [Test]
    public void A_fresh_net_follows_its_rule_and_has_zero_biases()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(0);
        var net = new FullyConnectedNet(new() { LayerSizes = [100, 40, 100] });
        var state = StateDict.Of(net);
        Assert.Multiple(() =>
        {
            foreach (var layer in new[] { 0, 1 })
            {
                Assert.That(state[$"linears.{layer}.bias"].abs().max().item<float>(), Is.Zero);
                Assert.That(state[$"linears.{layer}.weight"].std().item<float>(), Is.EqualTo(Math.Sqrt(2.0 / 140)).Within(5).Percent);
            }
        });
    }

    [Test]
    public void A_stack_follows_the_rule_net_by_net()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(0);
        var glorot = StateDict.Of(new StackedBranchNet(new() { LayerSizes = [100, 40, 50] }));
        var he = StateDict.Of(new StackedBranchNet(new() { LayerSizes = [100, 40, 50], KernelInitializer = "He normal" }));
        Assert.Multiple(() =>
        {
            Assert.That(glorot["linears.0.weight"].std().item<float>(), Is.EqualTo(Math.Sqrt(2.0 / 140)).Within(2).Percent);
            Assert.That(glorot["linears.1.weight"].std().item<float>(), Is.EqualTo(Math.Sqrt(2.0 / 41)).Within(5).Percent);
            Assert.That(he["linears.0.weight"].std().item<float>(), Is.EqualTo(Math.Sqrt(2.0 / 100)).Within(2).Percent);
            Assert.That(he["linears.0.weight"].abs().max().item<float>(), Is.LessThan(2.274 * Math.Sqrt(2.0 / 100)));
            Assert.That(he["linears.0.bias"].abs().max().item<float>(), Is.Zero);
            Assert.That(he["linears.1.weight"].shape, Is.EqualTo(new long[] { 50, 40, 1 }));
        });
    }
}
