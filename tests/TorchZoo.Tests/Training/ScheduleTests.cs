using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Optimizers;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

public class ScheduleTests
{
    private static double[] Rates(Schedule schedule, int total, int perEpoch = 10, double lr = 0.5)
    {
        using var scope = NewDisposeScope();
        using var optimizer = new FusedAdam([new Parameter(zeros(1))], lr);
        return [.. Enumerable.Range(0, total).Select(i =>
        {
            schedule.Apply(optimizer, new ScheduleClock(i, total, perEpoch));
            return optimizer.ParamGroups.Single().LearningRate;
        })];
    }

    [Test]
    public void ConstantIsConstant() => Assert.That(Rates(Schedules.Constant(), 5), Is.All.EqualTo(0.5));

    [Test]
    public void StepHalvesAfterEpochs()
    {
        var rates = Rates(Schedules.Step(everyEpochs: 2, gamma: 0.5), 50);
        Assert.That(rates, Is.EqualTo(Enumerable.Range(0, 50).Select(i => 0.5 * Math.Pow(0.5, i / 20))).Within(1e-15));
    }

    [Test]
    public void CosineIsTheClosedForm()
    {
        var rates = Rates(Schedules.Cosine(final: 0.1), 21);
        Assert.That(rates, Is.EqualTo(Enumerable.Range(0, 21).Select(i => 0.5 * (0.1 + 0.9 * (1 + Math.Cos(Math.PI * i / 20)) / 2))).Within(1e-12));
    }

    [Test]
    public void WarmUpRisesThenFollows()
    {
        var rates = Rates(Schedules.WarmUp(4, Schedules.Cosine()), 14);
        Assert.Multiple(() =>
        {
            Assert.That(rates[..4], Is.EqualTo([0.125, 0.25, 0.375, 0.5]).Within(1e-15));
            Assert.That(rates[4..], Is.EqualTo(Rates(Schedules.Cosine(), 10)).Within(1e-15));
        });
    }

    // PyTorch's own scheduler, as TorchSharp has it, is the oracle.
    [TestCase(100, 0.3), TestCase(57, 0.1), TestCase(10, 0.5)]
    public void OneCycleEqualsTorch(int total, double warmUp)
    {
        using var scope = NewDisposeScope();
        using var optimizer = optim.SGD([new Parameter(zeros(1))], 0.5, momentum: 0.9);
        var oracle = optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps: total, pct_start: warmUp, cycle_momentum: false);
        var expected = new double[total];
        for (var i = 0; i < total; i++)
        {
            expected[i] = optimizer.ParamGroups.Single().LearningRate;
            if (i + 1 < total) oracle.step();
        }
        Assert.That(Rates(Schedules.OneCycle(warmUp), total), Is.EqualTo(expected).Within(1e-9));
    }

    [Test]
    public void ATorchSharpSchedulerCatchesUpWhenResumed()
    {
        var whole = Rates(Schedules.Scheduler(o => optim.lr_scheduler.ExponentialLR(o, 0.9)), 12);
        using var scope = NewDisposeScope();
        using var optimizer = new FusedAdam([new Parameter(zeros(1))], 0.5);
        optimizer.ParamGroups.Single().LearningRate = 0.123; // what a checkpoint left
        Schedules.Scheduler(o => optim.lr_scheduler.ExponentialLR(o, 0.9)).Apply(optimizer, new ScheduleClock(7, 12, 10));
        Assert.Multiple(() =>
        {
            Assert.That(whole, Is.EqualTo(Enumerable.Range(0, 12).Select(i => 0.5 * Math.Pow(0.9, i))).Within(1e-12));
            Assert.That(optimizer.ParamGroups.Single().LearningRate, Is.EqualTo(whole[7]).Within(1e-12));
        });
    }

    [Test]
    public void BadNumbersAreRefused() => Assert.Multiple(() =>
    {
        Assert.That(() => Schedules.OneCycle(warmUp: 0), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => Schedules.OneCycle(warmUp: 1), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => Schedules.Step(0, 0.5), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => Schedules.WarmUp(0), Throws.InstanceOf<ArgumentException>());
    });
}
