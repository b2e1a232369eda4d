using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels.Cuda;

namespace TorchZoo.Tests.Kernels.Cuda;

/// <summary>How recurrences are shared out; no GPU is needed for that.</summary>
public sealed class CudaRecurrencePlanTests
{
    [Test]
    public void ManyOrShortSeriesAreStepped()
    {
        Assert.Multiple(() =>
        {
            Assert.That(CudaRecurrencePlan.For(100, 100, 1 << 16, 128).Chunks, Is.EqualTo(1));
            Assert.That(CudaRecurrencePlan.For(100, 1, 255, 1).Chunks, Is.EqualTo(1));
            // 51 200 threads are wanted.
            Assert.That(CudaRecurrencePlan.For(100, 1, 1 << 20, 128).Chunks, Is.InRange(380, 400));
            // A chunk has 16 steps at least.
            Assert.That(CudaRecurrencePlan.For(100, 1, 256, 1).Chunk, Is.EqualTo(16));
        });
    }

    [Test, Category("Property")]
    public void ChunksCoverTheTime() =>
        Gen.Select(Gen.Int[1, 200], Gen.Int[0, 20], Gen.Int[0, 100_000], Gen.Int[0, 300]).Sample((multiprocessors, batch, time, channels) =>
        {
            var plan = CudaRecurrencePlan.For(multiprocessors, batch, time, channels);
            Assert.That((plan.Batch, plan.Time, plan.Channels), Is.EqualTo(((long)batch, (long)time, (long)channels)));
            Assert.That(plan.Chunks, Is.GreaterThanOrEqualTo(1));
            Assert.That(plan.Chunks * plan.Chunk, Is.GreaterThanOrEqualTo(time));
            // None is empty.
            Assert.That((plan.Chunks - 1) * plan.Chunk, Is.LessThan(Math.Max(time, 1)));
            Assert.That(plan.Parts, Is.EqualTo((long)batch * channels * plan.Chunks));
            Assert.That(plan.FoldedNumbers(2), Is.EqualTo(plan.Chunks == 1 ? 0 : 6 * plan.Parts));
        }, threads: 1);

    [Test]
    public void TheKernelsKnowItsFourNumbers()
    {
        CudaArgument argument = new CudaRecurrencePlan(2, 3, 5, 7);
        var bytes = new byte[argument.Size];
        argument.CopyTo(bytes);
        Assert.That(bytes.Chunk(8).Select(b => BitConverter.ToInt64(b)), Is.EqualTo(new long[] { 2, 3, 5, 7 }));
    }

    [Test]
    public void RefusesWhatIsNoPlan()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => new CudaRecurrencePlan(-1, 1, 1, 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new CudaRecurrencePlan(1, -1, 1, 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new CudaRecurrencePlan(1, 1, -1, 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new CudaRecurrencePlan(1, 1, 1, 0), Throws.InstanceOf<ArgumentException>());
        });
    }
}
