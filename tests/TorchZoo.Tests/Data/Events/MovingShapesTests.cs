using NUnit.Framework;
using TorchZoo.Data;
using TorchZoo.Data.Events;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Events;

public class MovingShapesTests
{
    private static MovingShapes Camera { get; } = new() { NoiseRate = 0, Threshold = 0.25 };

    private static double MeanX(EventStream s, bool isOn) =>
        Enumerable.Range(0, s.Count).Where(i => s.IsOn[i] == isOn).Average(i => (double)s.X[i]);

    [Test]
    public void WhatPassesLeavesAsManyRisesAsFalls([Values] MovingShape shape)
    {
        // Levels of thresholds that the contrast is a multiple of: what is left uncovered is where it was.
        var s = Camera.Record(shape, 3, (4, 12), (20, 12));
        var rises = new int[24 * 24];
        for (var i = 0; i < s.Count; i++) rises[s.Y[i] * 24 + s.X[i]] += s.IsOn[i] ? 1 : -1;
        Assert.Multiple(() =>
        {
            Assert.That(s.Count, Is.GreaterThan(100));
            for (var y = 0; y < 24; y++)
            {
                for (var x = 9; x < 15; x++) Assert.That(rises[y * 24 + x], Is.Zero, $"({x}, {y})");
                // What the shape left, and what it came to.
                for (var x = 0; x < 9; x++) Assert.That(rises[y * 24 + x], Is.InRange(-4, 0));
                for (var x = 15; x < 24; x++) Assert.That(rises[y * 24 + x], Is.InRange(0, 4));
            }
            Assert.That(rises[12 * 24 + 20], Is.EqualTo(4), "the contrast in thresholds");
            Assert.That(rises[12 * 24 + 4], Is.EqualTo(-4));
            Assert.That(s.Times.ToArray(), Is.Ordered);
            Assert.That(s.Times[0], Is.GreaterThanOrEqualTo(0));
            Assert.That(s.Times[^1], Is.LessThan(Camera.Duration));
        });
    }

    [Test]
    public void TheEdgeAheadRises([Values] MovingShape shape)
    {
        var right = Camera.Record(shape, 3, (4, 12), (20, 12));
        var left = Camera.Record(shape, 3, (20, 12), (4, 12));
        var dark = Camera.Record(shape, 3, (4, 12), (20, 12), isBright: false);
        Assert.Multiple(() =>
        {
            Assert.That(MeanX(right, true), Is.GreaterThan(MeanX(right, false) + 0.5));
            Assert.That(MeanX(left, true), Is.LessThan(MeanX(left, false) - 0.5));
            Assert.That(MeanX(dark, true), Is.LessThan(MeanX(dark, false) - 0.5));
            // A dark shape's events are a bright one's of the other sign.
            Assert.That(dark.Times.ToArray(), Is.EqualTo(right.Times.ToArray()));
            Assert.That(dark.IsOn.ToArray(), Is.EqualTo(right.IsOn.ToArray().Select(on => !on)));
        });
    }

    [Test]
    public void MotionTheOtherWayIsTimeTheOtherWay([Values(MovingShape.Square, MovingShape.Circle)] MovingShape shape)
    {
        using var scope = NewDisposeScope();
        var forth = EventFrames.ByTime(Camera.Record(shape, 3, (4, 12), (20, 12)).Reversed(), 8, 0, Camera.Duration);
        var back = EventFrames.ByTime(Camera.Record(shape, 3, (20, 12), (4, 12)), 8, 0, Camera.Duration);
        // But for when exactly a threshold is met.
        Assert.That(Cosine(forth, back), Is.GreaterThan(0.8));
    }

    [Test]
    public void AMomentDoesNotTellABrightShapeFromADarkOneThatGoesTheOtherWay()
    {
        using var scope = NewDisposeScope();
        var bright = EventFrames.ByTime(Camera.Record(MovingShape.Circle, 3, (4, 12), (20, 12)), 8, 0, Camera.Duration);
        var dark = EventFrames.ByTime(Camera.Record(MovingShape.Circle, 3, (20, 12), (4, 12), isBright: false), 8, 0, Camera.Duration);
        var other = EventFrames.ByTime(Camera.Record(MovingShape.Circle, 3, (20, 12), (4, 12)), 8, 0, Camera.Duration);
        Assert.Multiple(() =>
        {
            Assert.That(Cosine(bright, dark.flip(0)), Is.GreaterThan(0.8), "the same frames, in the opposite order");
            Assert.That(Cosine(bright, other.flip(0)), Is.LessThan(0.3), "a bright shape's are others");
            Assert.That(Cosine(bright, dark), Is.LessThan(0.5), "in order, they tell");
        });
    }

    [Test]
    public void TheSameSeedGivesTheSameRecordings()
    {
        using var scope = NewDisposeScope();
        var shapes = new MovingShapes { Contrast = ShapeContrast.Either };
        Dictionary<string, Tensor> few = shapes.Generate(5, 3), more = shapes.Generate(9, 3), others = shapes.Generate(5, 4);
        Assert.Multiple(() =>
        {
            foreach (var (name, values) in few) Assert.That(values.eq(more[name].narrow(0, 0, 5)).all().item<bool>(), name);
            Assert.That(few["frames"].eq(others["frames"]).all().item<bool>(), Is.False);
            Assert.That(few["frames"].shape, Is.EqualTo(new long[] { 5, 8, 2, 24, 24 }));
            for (var i = 0; i < 5; i++)
            {
                var (events, label) = shapes.Example(i, 3);
                Assert.That(EventFrames.ByTime(events, 8, 0, shapes.Duration).eq(few["frames"][i]).all().item<bool>());
                Assert.That(few["labels"][i].item<long>(), Is.EqualTo(label));
            }
            Assert.That(shapes.Generate(0, 3)["frames"].shape, Is.EqualTo(new long[] { 0, 8, 2, 24, 24 }));
        });
    }

    [Test]
    public void LabelsAreWhatIsAskedFor()
    {
        using var scope = NewDisposeScope();
        var shapes = new MovingShapes { Directions = 8 };
        var data = shapes.Generate(200, 1);
        var both = shapes with { Label = ShapeLabel.ShapeAndDirection };
        Assert.Multiple(() =>
        {
            Assert.That(shapes.Classes, Is.EqualTo(8));
            Assert.That(both.Classes, Is.EqualTo(40));
            Assert.That(both.ClassNames, Has.Count.EqualTo(40));
            Assert.That(new MovingShapes().ClassNames, Is.EqualTo(["right", "down", "left", "up"]));
            Assert.That(data["labels"].eq(data["directions"]).all().item<bool>());
            Assert.That((shapes with { Label = ShapeLabel.Shape }).Generate(200, 1)["labels"].eq(data["shapes"]).all().item<bool>());
            Assert.That(both.Generate(200, 1)["labels"].eq(data["shapes"] * 8 + data["directions"]).all().item<bool>());
            Assert.That(data["labels"].data<long>().CountBy(l => l).Select(c => c.Value), Has.Exactly(8).GreaterThan(10),
                "all directions occur");
            Assert.That(data["bright"].all().item<bool>());
            var share = (shapes with { Contrast = ShapeContrast.Either }).Generate(200, 1)["bright"]
                .to(ScalarType.Float32).mean().item<float>();
            Assert.That(share, Is.InRange(0.35, 0.65));
        });
    }

    [Test]
    public void NoiseHasItsRate()
    {
        using var scope = NewDisposeScope();
        // A shape that doesn't move makes no events.
        var still = new MovingShapes { Distance = 0, NoiseRate = 50 };
        var count = still.Generate(40, 0)["frames"].sum().item<float>();
        var expected = 40 * 24 * 24 * 50 * still.Duration / 1e6;
        Assert.That(count, Is.EqualTo(expected).Within(5 * Math.Sqrt(expected)));
        Assert.That((still with { NoiseRate = 0 }).Generate(4, 0)["frames"].sum().item<float>(), Is.Zero);
    }

    [Test]
    public void SettingsAreChecked()
    {
        Assert.Multiple(() =>
        {
            Refused(new MovingShapes { Size = 3 });
            Refused(new MovingShapes { Frames = 0 });
            Refused(new MovingShapes { Distance = 20 });
            Refused(new MovingShapes { Threshold = 0 });
            Refused(new MovingShapes { LogContrast = double.NaN });
            Refused(new MovingShapes { NoiseRate = -1 });
            Refused(new MovingShapes { Directions = 1 });
            Refused(new MovingShapes { Shapes = [] });
            Refused(new MovingShapes { MostRadius = 1 });
        });

        static void Refused(MovingShapes shapes) => Assert.That(() => shapes.Generate(1, 0), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void AllSettingsAreInTheKeyOfTheCache()
    {
        var one = GeneratedData.PathOf("a", "b", new MovingShapes());
        Assert.That(GeneratedData.PathOf("a", "b", new MovingShapes()), Is.EqualTo(one));
        Assert.That(GeneratedData.PathOf("a", "b", new MovingShapes { Contrast = ShapeContrast.Either }), Is.Not.EqualTo(one));
    }

    private static double Cosine(Tensor a, Tensor b)
    {
        // Blurred a little: an event a pixel or a frame aside is no other one.
        var (x, y) = (Blurred(a), Blurred(b));
        return ((x * y).sum() / (x.norm() * y.norm())).item<float>();

        static Tensor Blurred(Tensor frames) => nn.functional.avg_pool2d(frames, 3, 1, 1);
    }
}
