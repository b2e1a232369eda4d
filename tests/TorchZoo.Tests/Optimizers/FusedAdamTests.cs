using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Optimizers;

public class FusedAdamTests
{
    // TorchSharp's eager implementation is the oracle; the losses differ from step to step and one parameter has no gradient.
    [Test]
    public void EqualsTorchSharpOver100Steps([Values] bool decoupled, [Values] bool amsgrad, [Values] bool maximize, [Values(0, 0.1)] double decay)
    {
        using var scope = NewDisposeScope();
        var (ours, theirs) = (Parameters(), Parameters());
        using optim.Optimizer fused = decoupled
            ? new FusedAdamW(ours, 3e-3, 0.8, 0.95, 1e-7, decay, amsgrad, maximize)
            : new FusedAdam(ours, 3e-3, 0.8, 0.95, 1e-7, decay, amsgrad, maximize);
        using optim.Optimizer eager = decoupled
            ? optim.AdamW(theirs, 3e-3, 0.8, 0.95, 1e-7, decay, amsgrad, maximize)
            : optim.Adam(theirs, 3e-3, 0.8, 0.95, 1e-7, decay, amsgrad, maximize);
        for (var i = 0; i < 100; i++)
        {
            Run(fused, ours, i);
            Run(eager, theirs, i);
        }
        for (var i = 0; i < ours.Length; i++)
            Assert.That((ours[i] - theirs[i]).abs().max().item<float>(), Is.LessThan(1e-6), $"parameter {i}");
        Assert.That(ours[3].allclose(ones(3)), Is.True, "a parameter without gradient must stay");

        static Parameter[] Parameters()
        {
            using var generator = new Generator(5);
            return [new(randn([7, 3], generator: generator)), new(randn([5], generator: generator)), new(randn([], generator: generator)), new(ones(3))];
        }

        static void Run(optim.Optimizer optimizer, Parameter[] p, int i)
        {
            using var inner = NewDisposeScope();
            optimizer.zero_grad();
            ((p[0] * Math.Cos(i)).square().sum() + (p[1] - i % 7).abs().sum() + p[2] * p[0].mean()).backward();
            optimizer.step();
        }
    }

    [Test]
    public void GroupsKeepTheirOwnOptions()
    {
        using var scope = NewDisposeScope();
        Parameter a = new(ones(2)), b = new(ones(2));
        using var optimizer = new FusedAdam([a], lr: 0.1);
        optimizer.add_param_group(new Adam.ParamGroup([b], new Adam.Options { LearningRate = 0.01 }));
        (a.sum() + b.sum()).backward();
        optimizer.step();
        Assert.Multiple(() =>
        {
            Assert.That(a[0].item<float>(), Is.EqualTo(0.9f).Within(1e-5f));
            Assert.That(b[0].item<float>(), Is.EqualTo(0.99f).Within(1e-5f));
        });
    }

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        Parameter p = new(ones(2)), complex = new(zeros(2, dtype: ScalarType.ComplexFloat32));
        Assert.Multiple(() =>
        {
            Assert.That(() => new FusedAdam([]), Throws.ArgumentException);
            Assert.That(() => new FusedAdam([p, p]), Throws.ArgumentException.With.Message.Contains("twice"));
            Assert.That(() => new FusedAdam([complex]), Throws.ArgumentException.With.Message.Contains("complex"));
            Assert.That(() => new FusedAdam([p], lr: -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new FusedAdam([p], beta1: 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new FusedAdam([p], beta2: double.NaN), Throws.InstanceOf<ArgumentException>());
        });
    }
}
