using NUnit.Framework;
using TorchZoo.Scripts.Recipes;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Images;

public class DigitsTests
{
    [Test]
    public void EveryDigitIsInOneOfTheParts()
    {
        using var scope = NewDisposeScope();
        var data = Digits.Load();
        var (train, test) = (data.Train, data.Test);
        var all = cat([train.Targets, test.Targets]);
        var pixels = cat([train.Inputs, test.Inputs]);
        Assert.Multiple(() =>
        {
            Assert.That(train.Inputs.shape, Is.EqualTo(new long[] { 1400, 1, 8, 8 }));
            Assert.That(test.Inputs.shape, Is.EqualTo(new long[] { 397, 1, 8, 8 }));
            Assert.That((train.Inputs.dtype, train.Targets.dtype), Is.EqualTo((ScalarType.Float32, ScalarType.Int64)));
            // Counted in the file.
            Assert.That(all.bincount(null).data<long>().ToArray(),
                Is.EqualTo(new long[] { 178, 182, 177, 183, 181, 182, 181, 179, 174, 180 }));
            Assert.That(pixels.mul(16).sum(ScalarType.Int64).item<long>(), Is.EqualTo(561718));
            Assert.That((pixels.min().item<float>(), pixels.max().item<float>()), Is.EqualTo((0f, 1f)));
            Assert.That(test.Targets.bincount(null).data<long>().ToArray(), Is.All.InRange(25, 55), "no class is rare in the test part");
        });
    }

    [Test]
    public void ThePartsAreAlwaysTheSame()
    {
        using var scope = NewDisposeScope();
        var first = Digits.Load();
        random.manual_seed(5);
        var second = Digits.Load();
        var larger = Digits.Load(test: 500);
        Assert.That(second.Test.Inputs.Equals(first.Test.Inputs));
        Assert.That(larger.Train.Inputs.Equals(first.Train.Inputs[..1297]), "parts of other sizes are cut from the same order");
        Assert.That(string.Concat(first.Train.Targets[..20].data<long>().ToArray()), Is.EqualTo("65579984686068322312"));
    }

    [Test]
    public void AKnownDigitHasItsLabel()
    {
        using var scope = NewDisposeScope();
        var data = Digits.Load(new() { Flatten = true });
        // The file's first line, a zero.
        var zero = tensor(new float[]
        {
            0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0,
            0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0,
        }) / 16;
        var (pixels, labels) = (cat([data.Train.Inputs, data.Test.Inputs]), cat([data.Train.Targets, data.Test.Targets]));
        var same = (pixels == zero).all(1);
        Assert.That(same.sum().item<long>(), Is.EqualTo(1));
        Assert.That(labels[same].item<long>(), Is.Zero);
    }

    [TestCase(0)]
    [TestCase(1797)]
    public void PartsCannotBeEmpty(int test) => Assert.That(() => Digits.Load(test: test), Throws.InstanceOf<ArgumentException>());
}
