using System.Collections.Concurrent;
using NUnit.Framework;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

public class WorkerThreadsTests
{
    [Test]
    public void EveryShareIsDoneOnce([Values(1, 2, 3, 7)] int workers)
    {
        for (var i = 0; i < 200; i++)
        {
            var done = new ConcurrentBag<int>();
            WorkerThreads.Run(workers, done.Add);
            Assert.That(done, Is.EquivalentTo(Enumerable.Range(0, workers)));
        }
    }

    [Test]
    public void TheyAreLibtorchsOnLinux()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("only GNU's OpenMP is known");
        Assert.That(WorkerThreads.AreOfLibtorch, Is.True);
    }

    [Test]
    public void AShareStaysWithItsThread()
    {
        if (!WorkerThreads.AreOfLibtorch) Assert.Ignore("only libtorch's own threads are numbered");
        var first = Threads();
        Assert.That(first[0], Is.EqualTo(Environment.CurrentManagedThreadId));
        for (var i = 0; i < 100; i++) Assert.That(Threads(), Is.EqualTo(first));

        static int[] Threads()
        {
            var threads = new int[2];
            WorkerThreads.Run(2, share => threads[share] = Environment.CurrentManagedThreadId);
            return threads;
        }
    }

    [Test]
    public void AnExceptionComesOutWhenTheOthersAreDone()
    {
        var done = 0;
        Assert.That(() => WorkerThreads.Run(4, i =>
        {
            if (i == 1) throw new InvalidOperationException("one of four");
            Interlocked.Increment(ref done);
        }), Throws.InvalidOperationException.With.Message.EqualTo("one of four"));
        Assert.That(done, Is.EqualTo(3));
    }

    // Between libtorch's own regions, with garbage collections, from several callers at once.
    [Test]
    public void TheyShareThePoolWithLibtorch()
    {
        Parallel.For(0, 3, caller =>
        {
            using var scope = NewDisposeScope();
            using var x = ones(1 << 18);
            for (var i = 0; i < 50; i++)
            {
                using var y = x * 2;
                var sums = new double[2];
                WorkerThreads.Run(2, share =>
                {
                    var garbage = new byte[10_000];
                    sums[share] = garbage.Length + share;
                    if (i % 10 == 0) GC.Collect(0);
                });
                Assert.That(sums, Is.EqualTo(new double[] { 10_000, 10_001 }));
                using var sum = y.sum();
                Assert.That(sum.item<float>(), Is.EqualTo(2f * (1 << 18)));
            }
        });
    }
}
