using NUnit.Framework;
using TorchZoo.Layers;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Layers;

public class EnsembleTests
{
    [TestCase(new long[] { })]
    [TestCase(new long[] { 5 })]
    [TestCase(new long[] { 0 })]
    [TestCase(new long[] { 2, 3 })]
    public void MembersAreLinearLayersOfTheirOwn(long[] between)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var layer = new EnsembleLinear(3, 4, 2, generator);
        var x = randn([3, .. between, 4], generator: generator);
        var y = layer.call(x);
        Assert.That(y.shape, Is.EqualTo((long[])[3, .. between, 2]));
        for (var m = 0; m < 3; m++)
        {
            var alone = nn.functional.linear(x[m], layer.state_dict()["weight"][m], layer.state_dict()["bias"][m]);
            Assert.That(y[m].allclose(alone, 1e-5, 1e-6), $"member {m}");
        }
    }

    [Test]
    public void WeightsBeginAsLinearOnes()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var layer = new EnsembleLinear(50, 16, 8, generator);
        foreach (var (name, value) in layer.state_dict())
            Assert.That(value.abs().max().item<float>(), Is.InRange(0.245, 0.25), name);
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var layer = new EnsembleLinear(3, 4, 2);
        Assert.Multiple(() =>
        {
            Assert.That(() => layer.call(zeros(4)), Throws.ArgumentException.With.Message.Contains("3 members"));
            Assert.That(() => layer.call(zeros(2, 4)), Throws.ArgumentException);
            Assert.That(() => layer.call(zeros(3, 2)), Throws.ArgumentException);
            Assert.That(() => layer.call(zeros(3, 5, 4, ScalarType.Float64)), Throws.ArgumentException.With.Message.Contains("Float32"));
            Assert.That(() => layer.call(zeros(3, 5, 4, ScalarType.Int64)), Throws.ArgumentException);
            Assert.That(() => new EnsembleLinear(0, 1, 1), Throws.InstanceOf<ArgumentException>());
        });
    }

    [Test]
    public void SixteenBitsComeBackAsTheyWere()
    {
        using var scope = NewDisposeScope();
        var seen = ScalarType.Bool;
        var y = Ensemble.InFullPrecision(ones(3, ScalarType.BFloat16), x =>
        {
            seen = x.dtype;
            return x * 2;
        });
        Assert.That((seen, y.dtype), Is.EqualTo((ScalarType.Float32, ScalarType.BFloat16)));
    }
}
