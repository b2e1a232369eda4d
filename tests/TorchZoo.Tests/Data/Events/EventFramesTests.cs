using CsCheck;
using NUnit.Framework;
using TorchZoo.Data.Events;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Events;

public class EventFramesTests
{
    private const int Width = 5, Height = 4;

    private static Gen<EventStream> Streams { get; } = Gen.Select(Gen.Long[0, 1000], Gen.Int[0, Width - 1], Gen.Int[0, Height - 1], Gen.Bool)
        .Array[0, 60]
        .Select(events =>
        {
            var sorted = events.OrderBy(e => e.Item1).ToArray();
            return new EventStream([.. sorted.Select(e => e.Item1)], [.. sorted.Select(e => (ushort)e.Item2)],
                [.. sorted.Select(e => (ushort)e.Item3)],
                [.. sorted.Select(e => e.Item4)], Width, Height);
        });

    // Events [from, to) of each frame, one at a time.
    private static float[] Counted(EventStream s, IEnumerable<(int From, int To)> frames) => [.. frames.SelectMany(f =>
    {
        var image = new float[2 * Height * Width];
        for (var i = f.From; i < f.To; i++) image[(s.IsOn[i] ? Height * Width : 0) + s.Y[i] * Width + s.X[i]]++;
        return image;
    })];

    private static void AreEqual(Tensor frames, float[] expected, long count)
    {
        Assert.That(frames.shape, Is.EqualTo(new[] { count, 2, Height, Width }));
        Assert.That(frames.data<float>().ToArray(), Is.EqualTo(expected));
    }

    [Test, Category("Property")]
    public void FramesOfEquallyManyEvents() => Gen.Select(Streams, Gen.Int[1, 9]).Sample((s, frames) =>
    {
        using var result = EventFrames.ByNumber(s, frames);
        var each = s.Count / frames;
        AreEqual(result, Counted(s, Enumerable.Range(0, frames).Select(i => (i * each, i == frames - 1 ? s.Count : (i + 1) * each))),
            frames);
    }, iter: 200, threads: 1);

    [Test, Category("Property")]
    public void FramesOfEqualDuration() => Gen.Select(Streams, Gen.Int[1, 9]).Sample((s, frames) =>
    {
        using var result = EventFrames.ByTime(s, frames);
        if (s.Count == 0)
        {
            Assert.That(result.sum().item<float>(), Is.Zero);
            return;
        }
        long first = s.Times[0], each = (s.Times[^1] - first) / frames;
        if (each == 0) return;
        int Before(long time) => s.Times.ToArray().Count(t => t < time);
        AreEqual(result, Counted(s, Enumerable.Range(0, frames).Select(i =>
            (Before(first + each * i), i == frames - 1 ? s.Count : Before(first + each * (i + 1))))), frames);
    }, iter: 200, threads: 1);

    [Test, Category("Property")]
    public void FramesOfAGivenDuration() => Gen.Select(Streams, Gen.Long[1, 400]).Sample((s, duration) =>
    {
        using var scope = NewDisposeScope();
        var result = EventFrames.ByDuration(s, duration);
        if (s.Count == 0) return;
        var count = Math.Max(1, (int)Math.Ceiling((s.Times[^1] - s.Times[0]) / (double)duration));
        int Before(long time) => s.Times.ToArray().Count(t => t < time);
        var first = s.Times[0];
        var expected = Counted(s, Enumerable.Range(0, count).Select(i =>
            (Before(first + duration * i), i == count - 1 ? s.Count : Before(first + duration * (i + 1)))));
        AreEqual(result, expected, count);
        AreEqual(EventFrames.ByDuration(s, duration, count + 2), [.. expected, .. new float[2 * 2 * Height * Width]], count + 2);
        if (count > 1) AreEqual(EventFrames.ByDuration(s, duration, count - 1), expected[..((count - 1) * 2 * Height * Width)], count - 1);
    }, iter: 200, threads: 1);

    [Test, Category("Property")]
    public void NoEventIsLost() => Gen.Select(Streams, Gen.Int[1, 70], Gen.Enum<EventSplit>()).Sample((s, frames, split) =>
    {
        using var result = new EventFraming { Frames = frames, Split = split, Duration = 1000 }.Of(s);
        Assert.That(result.sum().item<float>(), Is.EqualTo(s.Count));
        Assert.That(result.select(1, 1).sum().item<float>(), Is.EqualTo(s.IsOn.ToArray().Count(on => on)));
    }, iter: 200, threads: 1);

    [Test]
    public void ResizedFramesAreInterpolated()
    {
        using var scope = NewDisposeScope();
        var frames = arange(2 * 3 * 2 * 4 * 4, dtype: ScalarType.Float32).reshape(2, 3, 2, 4, 4);
        Assert.Multiple(() =>
        {
            // Two by two pixels become one: their mean.
            Assert.That(EventFrames.Resize(frames, 2, 2).allclose(nn.functional.avg_pool2d(frames.flatten(0, 1), 2)
                .reshape(2, 3, 2, 2, 2)));
            Assert.That(EventFrames.Resize(frames[0], 8, 4).shape, Is.EqualTo(new long[] { 3, 2, 8, 4 }));
            Assert.That(EventFrames.Resize(frames, 4, 4).allclose(frames, 0, 0));
            Assert.That(new EventFraming { Frames = 3, Size = 8 }.Of(new EventStream([1], [0], [0], [true], 4, 4)).shape,
                Is.EqualTo(new long[] { 3, 2, 8, 8 }));
        });
    }

    [Test]
    public void BadArguments()
    {
        var s = new EventStream([1], [0], [0], [true], 1, 1);
        Assert.Multiple(() =>
        {
            Assert.That(() => EventFrames.ByNumber(s, 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => EventFrames.ByTime(s, 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => EventFrames.ByTime(s, 1, 2, 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => EventFrames.ByDuration(s, 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => EventFrames.ByDuration(new EventStream([0, long.MaxValue / 2], [0, 0], [0, 0], [true, true], 1, 1), 1),
                Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new EventFraming { Frames = 0 }, Throws.InstanceOf<ArgumentException>());
            Assert.That(() => EventFrames.Resize(zeros(2), 2, 2), Throws.InstanceOf<ArgumentException>());
        });
    }
}
