using CsCheck;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data;

public class ArrayStreamTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    // Rows that know their number: x has it, y ten times it.
    private string Write(string name, long first, long rows)
    {
        using var scope = NewDisposeScope();
        var x = arange(first, first + rows, ScalarType.Float32);
        var arrays = new Dictionary<string, Tensor> { ["x"] = x.unsqueeze(1).expand(-1, 3).contiguous(), ["y"] = 10 * x };
        if (name.EndsWith(".npz")) NpzFile.Save(_folder[name], arrays);
        else SafetensorsFile.Save(_folder[name], arrays);
        return _folder[name];
    }

    private static ArrayStream Stream(IEnumerable<string> paths, ArrayStreamOptions? options = null) => new(paths, ["x", "y"], t => new Pairs(t[0], t[1]), options);

    private static List<float[]> Rows(IStreamingDataset stream, StreamPosition position, long batches)
    {
        using var scope = NewDisposeScope();
        return [.. stream.Batches(position).Take((int)batches).Select(batch =>
        {
            var pairs = (Pairs)batch;
            Assert.That(pairs.Input.select(1, 2).mul(10).allclose(pairs.Target, 0, 0), "rows of two arrays were mixed up");
            return pairs.Input.select(1, 0).data<float>().ToArray();
        })];
    }

    [Test, Category("Property")]
    public void EveryRowIsSeenOnce() => Gen.Select(Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[1, 9], Gen.Int[1, 5], Gen.Int[1, 20], Gen.Bool, Gen.ULong)
        .Sample((first, second, blockRows, bufferBlocks, batchSize, shuffle, seed) =>
        {
            string[] paths = [Write("a.npz", 0, first), Write("b.safetensors", first, second)];
            using var stream = Stream(paths, new ArrayStreamOptions { BlockRows = blockRows, BufferBlocks = bufferBlocks, Shuffle = shuffle });
            var batches = Rows(stream, new StreamPosition(1, 0, batchSize, seed), stream.BatchesPerEpoch(batchSize));
            var rows = batches.SelectMany(b => b).ToArray();
            var all = Enumerable.Range(0, first + second).Select(i => (float)i).ToArray();
            Assert.That(stream.Rows, Is.EqualTo(first + second));
            Assert.That(batches.SkipLast(1).Select(b => b.Length), Is.All.EqualTo(batchSize));
            Assert.That(rows, shuffle ? Is.EquivalentTo(all) : Is.EqualTo(all));
            Assert.That(stream.PeakRows, Is.LessThanOrEqualTo(blockRows * bufferBlocks + batchSize - 1));
        }, iter: 60, threads: 1);

    [Test]
    public void ABigFileIsReadThroughASmallBuffer()
    {
        var path = Write("a.npz", 0, 100_000);
        using var stream = Stream([path], new ArrayStreamOptions { BlockRows = 256, BufferBlocks = 8 });
        var rows = Rows(stream, new StreamPosition(0, 0, 100, 3), 1000).SelectMany(b => b).ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(stream.PeakRows, Is.GreaterThanOrEqualTo(2048).And.LessThan(2048 + 100));
            Assert.That(rows.Order(), Is.EqualTo(Enumerable.Range(0, 100_000).Select(i => (float)i)));
            // A batch has rows of many places: of eight blocks of 390.
            Assert.That(rows[..100].Select(r => (int)r / 256).Distinct().Count(), Is.GreaterThan(4));
        });
    }

    [Test, Category("Property")]
    public void APositionIsFoundAgain() => Gen.Select(Gen.Int[1, 80], Gen.Int[1, 7], Gen.Int[1, 4], Gen.Int[1, 12], Gen.Int[0, 3], Gen.Int[1, 3])
        .Sample((count, blockRows, bufferBlocks, batchSize, epoch, ranks) =>
        {
            var path = Write("a.safetensors", 0, count);
            using var stream = Stream([path], new ArrayStreamOptions { BlockRows = blockRows, BufferBlocks = bufferBlocks });
            // Longer than a pass.
            var all = 2 * stream.BatchesPerEpoch(batchSize) + 3;
            var position = new StreamPosition(epoch, 0, batchSize, 9, ranks - 1, ranks);
            var whole = Rows(stream, position, all);
            for (var from = 0L; from < all; from += 3)
                Assert.That(Rows(stream, position with { FirstBatch = from }, all - from), Is.EqualTo(whole.Skip((int)from)));
        }, iter: 30, threads: 1);

    [Test]
    public void EpochsSeedsAndRanksDiffer()
    {
        var path = Write("a.npz", 0, 96);
        using var stream = Stream([path], new ArrayStreamOptions { BlockRows = 4, BufferBlocks = 3 });
        float[] Epoch(int epoch, ulong seed, int rank = 0, int ranks = 1) =>
            [.. Rows(stream, new StreamPosition(epoch, 0, 8, seed, rank, ranks), stream.BatchesPerEpoch(8, ranks)).SelectMany(b => b)];
        Assert.Multiple(() =>
        {
            Assert.That(Epoch(0, 1), Is.Not.EqualTo(Epoch(1, 1)));
            Assert.That(Epoch(0, 1), Is.Not.EqualTo(Epoch(0, 2)));
            var once = Epoch(0, 1);
            Assert.That(Epoch(0, 1), Is.EqualTo(once));
            Assert.That(Epoch(2, 1, 0, 2).Concat(Epoch(2, 1, 1, 2)).Order(), Is.EqualTo(Epoch(2, 1).Order()), "ranks share the rows out");
        });
    }

    [Test]
    public void SomeRowsAreKeptApart()
    {
        string[] paths = [Write("a.npz", 0, 10), Write("b.npz", 10, 10)];
        using var train = Stream(paths, new ArrayStreamOptions { BlockRows = 3, Rows = 14 });
        using var test = Stream(paths, new ArrayStreamOptions { BlockRows = 3, FirstRow = 14, Shuffle = false });
        Assert.Multiple(() =>
        {
            Assert.That(Rows(train, new StreamPosition(0, 0, 5, 0), 3).SelectMany(b => b).Order(), Is.EqualTo(Enumerable.Range(0, 14)));
            Assert.That(Rows(test, new StreamPosition(0, 0, 6, 0), 1).Single(), Is.EqualTo(Enumerable.Range(14, 6)));
            Assert.That(() => Stream(paths, new ArrayStreamOptions { FirstRow = 14, Rows = 7 }), Throws.ArgumentException.With.Message.Contains("21 rows"));
            Assert.That(() => Stream(paths, new ArrayStreamOptions { FirstRow = 20 }), Throws.ArgumentException);
        });
    }

    [Test]
    public void WhatDoesNotFitIsRefused()
    {
        using var scope = NewDisposeScope();
        var path = Write("a.npz", 0, 10);
        NpzFile.Save(_folder["b.npz"], new Dictionary<string, Tensor> { ["x"] = zeros(4, 2), ["y"] = zeros(4) });
        NpzFile.Save(_folder["c.npz"], new Dictionary<string, Tensor> { ["x"] = zeros(4, 3), ["y"] = zeros(5) });
        Assert.Multiple(() =>
        {
            Assert.That(() => Stream([]), Throws.ArgumentException);
            Assert.That(() => Stream([path, _folder["b.npz"]]), Throws.ArgumentException.With.Message.Contains("one kind"));
            Assert.That(() => Stream([_folder["c.npz"]]), Throws.ArgumentException.With.Message.Contains("as many rows"));
            Assert.That(() => new ArrayStream([path], ["z"], t => new Pairs(t[0], t[0])), Throws.ArgumentException.With.Message.Contains("no array 'z'"));
            Assert.That(() => new ArrayStreamOptions { BlockRows = 0 }, Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void NothingIsLeftInMemory()
    {
        var path = Write("a.npz", 0, 500);
        using var stream = Stream([path], new ArrayStreamOptions { BlockRows = 10, BufferBlocks = 4 });
        using (var scope = NewDisposeScope()) _ = stream.Batches(new StreamPosition(0, 0, 7, 0)).Take(30).Count();
        var held = Tensor.TotalCount;
        using (var scope = NewDisposeScope()) _ = stream.Batches(new StreamPosition(0, 0, 7, 0)).Take(30).Count();
        Assert.That(Tensor.TotalCount, Is.EqualTo(held));
    }

    // Training that was stopped within an epoch ends with the weights of one that wasn't.
    [Test]
    public void TrainingGoesOnWhereItStopped([Values(0, 2)] int prefetch)
    {
        string[] paths = [Write("a.npz", 0, 30), Write("b.npz", 30, 33)];
        var whole = Train(null, int.MaxValue, false);
        Assert.That(() => Train(_folder.Path, 5, false), Throws.InstanceOf<OperationCanceledException>());
        var resumed = Train(_folder.Path, int.MaxValue, true);
        Assert.That(resumed, Is.EqualTo(whole));

        float[] Train(string? directory, int stopAfter, bool resume)
        {
            using var scope = NewDisposeScope();
            random.manual_seed(1);
            using var stop = new CancellationTokenSource();
            using var stream = Stream(paths, new ArrayStreamOptions { BlockRows = 4, BufferBlocks = 3 });
            using var model = nn.Linear(3, 1);
            var steps = 0;
            var trainer = new Trainer(model, new TrainerOptions { Epochs = 3, BatchSize = 8, Seed = 4, Prefetch = prefetch, Directory = directory, Resume = resume })
            {
                Step = Steps.Supervised((prediction, truth) =>
                {
                    if (++steps == stopAfter) stop.Cancel();
                    return (prediction.squeeze(1) / 100 - truth / 1000).square().mean();
                }),
            };
            trainer.Fit(stream, stream.BatchesPerEpoch(8), null, stop.Token);
            return [.. model.weight.data<float>()];
        }
    }
}
