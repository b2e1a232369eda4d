using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Checkpoints;
using TorchZoo.Optimizers;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Optimizers;

public class FusedSgdTests
{
    [Test]
    public void EqualsTorchSharpOver100Steps(
        [Values(0, 0.9)] double momentum, [Values] bool nesterov, [Values(0, 0.3)] double dampening, [Values] bool maximize, [Values(0, 0.1)] double decay)
    {
        // Those that there are: Nesterov's look ahead goes with momentum, without dampening.
        nesterov &= momentum > 0 && dampening == 0;
        using var scope = NewDisposeScope();
        foreach (var path in Enum.GetValues<UpdatePath>())
            // To climb the negative loss is to descend. (TorchSharp's weight decay turns into growth where it maximises.)
            OptimizerCheck.Equal(100, 1e-6, maximize ? -1 : 1, p => new FusedSgd(p, 1e-3, momentum, dampening, decay, nesterov, maximize) { Path = path },
                p => optim.SGD(p, 1e-3, momentum, dampening, decay, nesterov));
    }

    [Test]
    public void GoesOnFromItsStateDict([Values(0, 0.9)] double momentum)
    {
        using var scope = NewDisposeScope();
        Parameter a = new(randn(5)), b = new(a.detach().clone());
        using FusedSgd one = new([a], 0.1, momentum);
        Step(one, a);
        Step(one, a);
        var state = OptimizerStateDict.Save(one);
        b.detach().copy_(a);
        using FusedSgd other = new([b], 0.5, 0.1);
        OptimizerStateDict.Load(other, state);
        Step(one, a);
        Step(other, b);
        Assert.Multiple(() =>
        {
            Assert.That(a.allclose(b, 0, 0), Is.True);
            Assert.That(state.Get<PyDict>("state", 0L).ContainsKey("momentum_buffer"), Is.True);
            Assert.That(state.Get<double>("param_groups", 0, "momentum"), Is.EqualTo(momentum));
        });

        static void Step(FusedSgd optimizer, Parameter p)
        {
            optimizer.zero_grad();
            p.square().sum().backward();
            optimizer.step();
        }
    }

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        var p = new Parameter(ones(2));
        Assert.Multiple(() =>
        {
            Assert.That(() => new FusedSgd([]), Throws.ArgumentException);
            Assert.That(() => new FusedSgd([p], lr: -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new FusedSgd([p], momentum: double.NaN), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new FusedSgd([p], nesterov: true), Throws.InstanceOf<ArgumentException>().With.Message.Contains("momentum"));
            Assert.That(() => new FusedSgd([p], momentum: 0.9, dampening: 0.1, nesterov: true), Throws.InstanceOf<ArgumentException>());
        });
    }
}
