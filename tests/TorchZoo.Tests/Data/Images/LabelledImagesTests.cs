using NUnit.Framework;
using TorchZoo.Data.Images;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Images;

public class LabelledImagesTests
{
    private static LabelledImages Create(Tensor images, Tensor labels, ImageOptions? options = null) =>
        LabelledImages.Create("Things", ["a", "b"], (images, labels), (images, labels), 4, options);

    [Test]
    public void PixelsAreScaledAndWhatWasGivenStaysAsItWas(
        [Values(ScalarType.Byte, ScalarType.Float32, ScalarType.Float64)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        var images = tensor(new double[] { 0, 1, 2, 3, 4, 0, 0, 0 }, [2, 1, 4]).to(type);
        var before = images.clone();
        var data = Create(images, tensor(new long[] { 1, 0 }), new() { Mean = 0.5, Std = 2, Test = 1 });
        Assert.Multiple(() =>
        {
            Assert.That(data.Train.Inputs.shape, Is.EqualTo(new long[] { 2, 1, 1, 4 }));
            Assert.That(data.Train.Inputs.data<float>().ToArray(),
                Is.EqualTo(new[] { -0.25f, -0.125f, 0, 0.125f, 0.25f, -0.25f, -0.25f, -0.25f }));
            Assert.That(data.Test.Inputs.data<float>().ToArray(), Is.EqualTo(new[] { -0.25f, -0.125f, 0, 0.125f }));
            Assert.That(data.Test.Targets.data<long>().ToArray(), Is.EqualTo(new long[] { 1 }));
            Assert.That(images.Equals(before));
        });
    }

    [Test]
    public void NoImagesAreADataSetToo()
    {
        using var scope = NewDisposeScope();
        Assert.That(Create(zeros(0, 2, 3), zeros(0), new() { Flatten = true }).Train.Inputs.shape, Is.EqualTo(new long[] { 0, 6 }));
    }

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => Create(zeros(2, 4), zeros(2)), Throws.ArgumentException);
            Assert.That(() => Create(zeros(2, 1, 4), zeros(3)), Throws.ArgumentException);
            Assert.That(() => Create(zeros(2, 1, 4), zeros(2, 1)), Throws.ArgumentException);
            Assert.That(() => Create(zeros(2, 1, 4), full(2, 2)), Throws.ArgumentException.With.Message.Contains("labels from 0 to 1"));
            Assert.That(() => Create(zeros(2, 1, 4), full(2, -1)), Throws.ArgumentException);
            Assert.That(() => Create(zeros(2, 1, 4), zeros(2), new() { Train = 3 }),
                Throws.ArgumentException.With.Message.Contains("3 are asked"));
            Assert.That(() => new ImageOptions { Train = 0 }, Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new ImageOptions { Test = -1 }, Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new ImageOptions { Std = 0 }, Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new ImageOptions { Mean = double.NaN }, Throws.InstanceOf<ArgumentException>());
        });
    }
}
