using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Optimizers;

public class FusedAdamTests
{
    // TorchSharp's eager implementation is the oracle; the losses differ from step to step, one parameter has no gradient, and one has its
    // first late.
    [Test]
    public void EqualsTorchSharpOver100Steps([Values] bool decoupled, [Values] bool amsgrad, [Values] bool maximize, [Values(0, 0.1)] double decay)
    {
        using var scope = NewDisposeScope();
        foreach (var path in Enum.GetValues<UpdatePath>())
        {
            OptimizerCheck.Equal(100, 1e-6, 1,
                p => decoupled ? new FusedAdamW(p, 3e-3, 0.8, 0.95, 1e-7, decay, amsgrad, maximize) { Path = path }
                    : new FusedAdam(p, 3e-3, 0.8, 0.95, 1e-7, decay, amsgrad, maximize) { Path = path },
                p => decoupled ? optim.AdamW(p, 3e-3, 0.8, 0.95, 1e-7, decay, amsgrad, maximize)
                    : optim.Adam(p, 3e-3, 0.8, 0.95, 1e-7, decay, amsgrad, maximize));
        }
    }

    [Test]
    public void OtherTypesAreUpdatedToo([Values(ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16)] ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(ones([3], dtype));
        using var optimizer = new FusedAdam([parameter], lr: 0.125);
        parameter.sum().backward();
        optimizer.step();
        // Adam's first step is lr against the gradient's sign.
        Assert.That(parameter.to(ScalarType.Float32).allclose(full(3, 0.875f)), Is.True);
    }

    // Columns of a larger tensor: neither our vectors nor the layout of the moments may take them for contiguous.
    [Test]
    public void ParametersNeedNotBeContiguous()
    {
        using var scope = NewDisposeScope();
        Parameter strided = new(randn(4, 6).t()), plain = new(strided.detach().contiguous());
        using FusedAdam one = new([strided]), other = new([plain]);
        for (var i = 0; i < 3; i++)
        {
            foreach (var p in new[] { strided, plain }) (p * arange(24).reshape(6, 4)).square().sum().backward();
            one.step();
            other.step();
        }
        Assert.That((strided - plain).abs().max().item<float>(), Is.LessThan(1e-6));
    }

    [Test]
    public void TorchSharpsSchedulersWork()
    {
        using var scope = NewDisposeScope();
        Parameter a = new(ones(2)), b = new(ones(2));
        using FusedAdam ours = new([a], lr: 0.1);
        using var theirs = optim.Adam([b], lr: 0.1);
        optim.lr_scheduler.LRScheduler[] schedulers =
            [optim.lr_scheduler.OneCycleLR(ours, 0.3, total_steps: 20), optim.lr_scheduler.OneCycleLR(theirs, 0.3, total_steps: 20)];
        for (var i = 0; i < 19; i++)
        {
            foreach (var (p, optimizer) in new (Parameter, optim.Optimizer)[] { (a, ours), (b, theirs) })
            {
                optimizer.zero_grad();
                (p * i).sum().backward();
                optimizer.step();
            }
            foreach (var scheduler in schedulers) scheduler.step();
            Assert.That(ours.ParamGroups.Single().LearningRate, Is.EqualTo(theirs.ParamGroups.Single().LearningRate));
        }
        Assert.That((a - b).abs().max().item<float>(), Is.LessThan(1e-6));
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
