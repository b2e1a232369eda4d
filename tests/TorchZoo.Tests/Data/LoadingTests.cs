using CsCheck;
using NUnit.Framework;
using TorchZoo.Data;
using TorchZoo.Testing;
using TorchZoo.Tests.Training;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data;

/// <summary>How batches come to a training: orders, ranks, functions as datasets, streams, prefetching.</summary>
public class LoadingTests
{
    [Test, Category("Property")]
    public void RanksShareOutEveryExample() =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[1, 7], Gen.Int[1, 5], Gen.Bool, Gen.Int[0, 3]).Sample((count, size, ranks, shuffle, epoch) =>
        {
            using var scope = NewDisposeScope();
            var whole = new BatchOrder(count, size, shuffle, false, 9);
            var orders = Enumerable.Range(0, ranks).Select(rank => whole with { Rank = rank, Ranks = ranks }).ToList();
            var parts = orders.Select(order => order.Epoch(epoch).Select(b => b.data<long>().ToArray()).ToList()).ToList();
            Assert.Multiple(() =>
            {
                foreach (var (i, all) in whole.Epoch(epoch).Select(b => b.data<long>().ToArray()).Index())
                {
                    var own = orders.Select((order, rank) => parts[rank][i].Take((int)order.SharesOf(i).Own));
                    Assert.That(own.SelectMany(o => o), Is.EquivalentTo(all), "together the batch of one rank");
                    Assert.That(orders.Select(o => o.SharesOf(i).All), Is.All.EqualTo(all.Length));
                    Assert.That(parts.Select(p => p[i].Length), Is.All.Positive, "none is without an example");
                    Assert.That(parts.Max(p => p[i].Length) - parts.Min(p => p[i].Length), Is.LessThanOrEqualTo(1),
                        "all have as much to do");
                }
                Assert.That(parts.Select(p => p.Count), Is.All.EqualTo(whole.Batches));
            });
        }, iter: 60, threads: 1);

    [Test]
    public void AnEpochCanBeginInItsMiddle()
    {
        using var scope = NewDisposeScope();
        var order = new BatchOrder(23, 4, true, false, 1);
        var all = order.Epoch(2).Select(b => b.data<long>().ToArray()).ToList();
        Assert.That(order.Epoch(2, 3).Select(b => b.data<long>().ToArray()), Is.EqualTo(all[3..]));
        Assert.That(order.Epoch(1).Select(b => b.data<long>().ToArray()), Is.Not.EqualTo(all));
    }

    [Test]
    public void FunctionsAndPartsAreDatasets()
    {
        using var scope = NewDisposeScope();
        var squares = Datasets.FromExamples(10, i => [tensor((float)i), tensor((float)(i * i))], t => new Pairs(t[0], t[1]));
        var (first, second) = squares.Split(0.3, seed: 4);
        var doubled = squares.Subset([3, 1, 3]).Select(b => new Pairs(((Pairs)b).Input * 2, ((Pairs)b).Target));
        var batch = (Pairs)doubled.Take(tensor([0L, 1, 2]));
        Assert.Multiple(() =>
        {
            Assert.That(batch.Input.data<float>().ToArray(), Is.EqualTo(new[] { 6f, 2, 6 }));
            Assert.That(batch.Target.data<float>().ToArray(), Is.EqualTo(new[] { 9f, 1, 9 }));
            Assert.That((first.Count, second.Count), Is.EqualTo((3L, 7L)));
            Assert.That(All(first).Concat(All(second)), Is.EquivalentTo(Enumerable.Range(0, 10)));
            Assert.That(() => squares.Subset([10]), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => squares.Split(1.1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => Datasets.FromExamples(2, i => [zeros(i + 1)], t => new Pairs(t[0], t[0])).Take(tensor([0L, 1])), Throws.ArgumentException);
        });

        static float[] All(IDataset data) => ((Pairs)data.Take(arange(data.Count))).Input.data<float>().ToArray();
    }

    [Test]
    public void PrefetchingChangesNothing([Values(1, 3)] int ahead)
    {
        using var scope = NewDisposeScope();
        var nets = new[] { Regression.Net(), Regression.Net() };
        foreach (var (net, prefetch) in nets.Zip([0, ahead])) Fit(net, new TrainerOptions { Epochs = 3, BatchSize = 10, Prefetch = prefetch });
        Assert.That(Regression.Distance(nets[0], nets[1]), Is.Zero);
    }

    [Test]
    public void PrefetchedBatchesThatNobodyTookAreDisposedOf()
    {
        var made = new List<Tensor>();
        using (var prefetcher = new Prefetcher(Make(), CPU, 2))
        {
            using var scope = NewDisposeScope();
            scope.Attach(prefetcher.Batches().First().Tensors);
            SpinWait.SpinUntil(() => made.Count >= 3, TimeSpan.FromSeconds(10));
        }
        Assert.That(made, Has.Count.GreaterThanOrEqualTo(3));
        Assert.That(made.All(t => t.IsInvalid), Is.True);

        IEnumerable<Batch> Make()
        {
            while (true)
            {
                var x = zeros(100);
                made.Add(x);
                yield return new Pairs(x, x);
            }
        }
    }

    [Test]
    public void TensorsOfTheDatasetItselfOutliveTheBatch()
    {
        using var scope = NewDisposeScope();
        var shared = ones(3, 2);
        using (var prefetcher = new Prefetcher([new Pairs(shared, shared), new Pairs(shared, shared)], CPU, 1))
            foreach (var batch in prefetcher.Batches()) batch.Dispose();
        Assert.That(shared.sum().item<float>(), Is.EqualTo(6));
    }

    [Test]
    public void WhatABackgroundThreadThrowsNamesTheStep()
    {
        using var scope = NewDisposeScope();
        var data = Regression.Data().Select(b => throw new IOException("the disk is gone"));
        var error = Assert.Throws<TrainingException>(() =>
            new Trainer(Regression.Net(), new TrainerOptions { Prefetch = 2 }) { Step = Steps.Supervised(Regression.MeanSquare) }.Fit(data))!;
        Assert.That(error.InnerException, Is.TypeOf<IOException>());
        Assert.That(error.Message, Does.Contain("step 0"));
    }

    [Test]
    public void AStreamTrainsAndResumesBitExactly([Values(0, 2)] int prefetch)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var options = new TrainerOptions { Epochs = 3, BatchSize = 8, Prefetch = prefetch, Seed = 3 };
        var straight = Regression.Net();
        var result = Trainer(straight, options).Fit(new Stream(), batchesPerEpoch: 5);
        Assert.That(result.Steps, Is.EqualTo(15));

        using var stop = new CancellationTokenSource();
        var broken = new Trainer(Regression.Net(), options with { Directory = folder.Path })
        {
            Step = Steps.Supervised(Regression.MeanSquare),
            Callbacks = [new StopAt(7, stop)],
        };
        Assert.Throws<OperationCanceledException>(() => broken.Fit(new Stream(), 5, null, stop.Token));
        var resumed = Regression.Net(seed: 8);
        Trainer(resumed, options with { Directory = folder.Path, Resume = true }).Fit(new Stream(), 5);
        Assert.That(Regression.Distance(straight, resumed), Is.Zero);
    }

    [Test]
    public void AStreamThatEndsEarlySaysSo()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<TrainingException>(() => Trainer(Regression.Net(), new TrainerOptions()).Fit(new Stream(length: 3), 5))!;
        Assert.That(error.Message, Does.Contain("ended after 3 of 5 batches").And.Contain("step 3"));
        Assert.That(() => Trainer(Regression.Net(), new TrainerOptions()).Fit(new Stream(), 0), Throws.InstanceOf<ArgumentException>());
    }

    private static Trainer Trainer(nn.Module net, TrainerOptions options) => new(net, options) { Step = Steps.Supervised(Regression.MeanSquare) };

    private static void Fit(nn.Module net, TrainerOptions options) => Trainer(net, options).Fit(Regression.Data());

    private sealed class Stream(long length = long.MaxValue) : IStreamingDataset
    {
        public IEnumerable<Batch> Batches(StreamPosition position)
        {
            for (var i = position.FirstBatch; i < length; i++)
            {
                var (data, count) = (Regression.Data(position.BatchSize, Seed.Derive(position.Seed, (ulong)(position.Epoch * 1000L + i))), position.BatchSize);
                yield return new Pairs(data.Inputs, data.Targets);
            }
        }
    }

    private sealed class StopAt(long step, CancellationTokenSource stop) : TrainerCallback
    {
        public override void OnStep(Trainer trainer, StepReport report)
        {
            if (report.Step == step) stop.Cancel();
        }
    }
}
