using NUnit.Framework;
using TorchZoo.Data;
using TorchZoo.Data.Arithmetic;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data;

public class ArithmeticTaskTests
{
    [Test]
    public void TargetsByHand([Values] ArithmeticOperation operation)
    {
        using var scope = NewDisposeScope();
        var task = new ArithmeticTask(operation, 4, [0, 1, 3], [1, 2]);
        var x = tensor(new[] { 2.0, 3, 5, 7 });          // a = 12, b = 8
        var expected = operation switch
        {
            ArithmeticOperation.Add => 20.0,
            ArithmeticOperation.Subtract => 4,
            ArithmeticOperation.Multiply => 96,
            ArithmeticOperation.Divide => 1.5,
            ArithmeticOperation.Square => 144,
            _ => Math.Sqrt(12),
        };
        Assert.That(task.Target(x).item<double>(), Is.EqualTo(expected).Within(1e-14));
        Assert.That(task.Target(zeros(2, 0, 4)).shape, Is.EqualTo(new long[] { 2, 0, 1 }));
    }

    [Test]
    public void BlocksHaveTheirSizesAndOverlap()
    {
        var starts = new HashSet<long>();
        for (var seed = 0ul; seed < 50; seed++)
        {
            var task = ArithmeticTask.Create(ArithmeticOperation.Add, 20, 0.25, 0.4, seed);
            Assert.That(task.First, Has.Count.EqualTo(5));
            Assert.That(task.Second, Has.Count.EqualTo(5));
            Assert.That(task.First.Intersect(task.Second).Count(), Is.EqualTo(2));
            Assert.That(task.First.Concat(task.Second), Is.All.InRange(0, 19));
            starts.Add(task.First[0]);
        }
        Assert.That(starts, Has.Count.EqualTo(13), "every place comes up");
        var (once, again) = (ArithmeticTask.Create(ArithmeticOperation.Add, seed: 3), ArithmeticTask.Create(ArithmeticOperation.Add,
            seed: 3));
        Assert.That(once.First, Is.EqualTo(again.First));
    }

    [Test]
    public void SamplesLieInTheirRange([Values] bool bothSigns)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var task = ArithmeticTask.Create(ArithmeticOperation.Multiply, 10, 0.3);
        var pairs = task.Sample(new SampleRange(2, 6, bothSigns), generator, 3, 50);
        Assert.That(pairs.Input.shape, Is.EqualTo(new long[] { 3, 50, 10 }));
        Assert.That(pairs.Target.shape, Is.EqualTo(new long[] { 3, 50, 1 }));
        Assert.That(pairs.Input.abs().min().item<float>(), Is.InRange(2, 2.1));
        Assert.That(pairs.Input.abs().max().item<float>(), Is.InRange(5.9, 6));
        Assert.That(pairs.Input.lt(0).to(ScalarType.Float32).mean().item<float>(), bothSigns ? Is.InRange(0.42, 0.58) : Is.Zero);
    }

    [Test]
    public void AStreamGoesOnWhereItStopped()
    {
        using var scope = NewDisposeScope();
        var stream = new ArithmeticStream(ArithmeticTask.Create(ArithmeticOperation.Add), new(1, 2), 2);
        var position = new StreamPosition(1, 0, 4, 7);
        Pairs[] all = [.. stream.Batches(position).Take(3).Cast<Pairs>()];
        var later = (Pairs)stream.Batches(position with { FirstBatch = 2 }).First();
        Assert.That(all[2].Input.allclose(later.Input, 0, 0));
        Assert.That(all[1].Input.allclose(later.Input, 0, 0), Is.False);
        Assert.That(((Pairs)stream.Batches(position with { Rank = 1, Ranks = 2 }).First()).Input.allclose(all[0].Input, 0, 0), Is.False);
        Assert.That(later.Input.shape, Is.EqualTo(new long[] { 2, 4, 100 }));
    }

    [Test]
    public void ErrorsOfKnownModels()
    {
        using var scope = NewDisposeScope();
        var task = new ArithmeticTask(ArithmeticOperation.Add, 2, [0], [1]);
        var range = new SampleRange(1, 3);
        Assert.That(ExtrapolationError.Relative(task.Target, task, range), Is.EqualTo(new[] { 0.0 }));
        Assert.That(ExtrapolationError.Relative(x => task.Target(x) * 1.5, task, range).Single(), Is.EqualTo(0.5).Within(1e-6));
        var factors = tensor(new float[] { 1, 1.25f, 0 }).reshape(3, 1, 1);
        Assert.That(ExtrapolationError.Relative(x => task.Target(x) * factors, task, range, members: 3), Is.EqualTo(new[] { 0, 0.25,
            1 }).Within(1e-6));
        Assert.That(ExtrapolationError.MeanSquared(x => task.Target(x) + 2, task, range, members: null).Single(),
            Is.EqualTo(4).Within(1e-5));
        Assert.That(() => ExtrapolationError.Relative(x => x, task, range), Throws.ArgumentException);
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var task = ArithmeticTask.Create(ArithmeticOperation.Add, 8);
        Assert.Multiple(() =>
        {
            Assert.That(() => ArithmeticTask.Create(ArithmeticOperation.Add, 3, 0.25),
                Throws.ArgumentException.With.Message.Contains("share"));
            Assert.That(() => ArithmeticTask.Create(ArithmeticOperation.Add, 10, 0.6, 0),
                Throws.ArgumentException.With.Message.Contains("fit"));
            Assert.That(() => ArithmeticTask.Create(ArithmeticOperation.Add, 10, 0.5, double.NaN), Throws.ArgumentException);
            Assert.That(() => new ArithmeticTask(ArithmeticOperation.Add, 2, [0], [2]), Throws.ArgumentException);
            Assert.That(() => new ArithmeticTask(ArithmeticOperation.Add, 2, [0, 0], [1]), Throws.ArgumentException);
            Assert.That(() => new ArithmeticTask(ArithmeticOperation.Add, 2, [], [1]), Throws.ArgumentException);
            Assert.That(() => task.Target(zeros(2, 7)), Throws.ArgumentException.With.Message.Contains("8"));
            Assert.That(() => task.Apply(zeros(2, 3)), Throws.ArgumentException);
            Assert.That(() => task.Sample(new(2, 2), null, 3), Throws.ArgumentException);
            Assert.That(() => task.Sample(new(0, double.PositiveInfinity), null, 3), Throws.ArgumentException);
        });
    }
}
