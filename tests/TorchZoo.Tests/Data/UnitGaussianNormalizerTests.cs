using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data;

public sealed class UnitGaussianNormalizerTests
{
    private static Tensor Random(params long[] shape)
    {
        using var generator = new Generator(1);
        var means = arange(0, shape[1], dtype: ScalarType.Float64).reshape(-1, 1, 1);
        return randn(shape, dtype: ScalarType.Float64, generator: generator) * 3 + means;
    }

    [TestCase(NormalizerAxes.Scalar, new long[] { })]
    [TestCase(NormalizerAxes.PerChannel, new long[] { 1, 2, 1, 1 })]
    [TestCase(NormalizerAxes.PointWise, new long[] { 1, 2, 4, 5 })]
    public void EncodedDataAreStandard(NormalizerAxes axes, long[] shape)
    {
        using var scope = NewDisposeScope();
        var data = Random(7, 2, 4, 5);
        using var normalizer = UnitGaussianNormalizer.Fit(data, axes, eps: 0);
        Assert.That(normalizer.Mean.shape, Is.EqualTo(shape));
        Assert.That(normalizer.Std.shape, Is.EqualTo(shape));
        var encoded = normalizer.call(data);
        long[] reduced = axes switch { NormalizerAxes.Scalar => [0, 1, 2, 3], NormalizerAxes.PerChannel => [0, 2, 3], _ => [0] };
        Assert.That(encoded.mean(reduced).abs().max().item<double>(), Is.LessThan(1e-14));
        Assert.That((encoded.std(reduced) - 1).abs().max().item<double>(), Is.LessThan(1e-14));
        Assert.That((normalizer.Decode(encoded) - data).abs().max().item<double>(), Is.LessThan(1e-13));
    }

    [Test]
    public void ConstantsSurvive()
    {
        using var scope = NewDisposeScope();
        var data = full([3, 1, 4], 5f);
        using var normalizer = UnitGaussianNormalizer.Fit(data, NormalizerAxes.PointWise);
        Assert.That(normalizer.Encode(data).abs().max().item<float>(), Is.Zero);
        Assert.That(normalizer.Decode(normalizer.Encode(data)).Equals(data));
    }

    [Test]
    public void StateIsSavedAndLoaded()
    {
        using var scope = NewDisposeScope();
        var data = Random(7, 2, 4, 5).to(ScalarType.Float32);
        using var fitted = UnitGaussianNormalizer.Fit(data, NormalizerAxes.PerChannel);
        var state = StateDict.Of(fitted);
        Assert.That(state.Keys, Is.EqualTo(new[] { "mean", "std" }));
        using var loaded = new UnitGaussianNormalizer([1, 2, 1, 1]);
        Assert.That(loaded.Encode(data).allclose(data, rtol: 1e-5), "an identity before");
        loaded.load_state_dict(fitted.state_dict());
        Assert.That(loaded.Encode(data).Equals(fitted.Encode(data)));
        using var converted = fitted.to(ScalarType.Float64);
        Assert.That(converted.call(data.to(ScalarType.Float64)).dtype, Is.EqualTo(ScalarType.Float64));
    }

    [Test]
    public void TheStateOutlivesTheScope()
    {
        UnitGaussianNormalizer normalizer;
        using (NewDisposeScope()) normalizer = UnitGaussianNormalizer.Fit(Random(3, 2, 2, 2));
        using (normalizer)
        {
            Assert.That(normalizer.Std.IsInvalid, Is.False);
            var before = Tensor.TotalCount;
            for (var i = 0; i < 10; i++) using (var x = ones(2, dtype: ScalarType.Float64)) normalizer.Encode(x).Dispose();
            Assert.That(Tensor.TotalCount, Is.EqualTo(before));
        }
    }

    [Test]
    public void RefusesBadInput()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => UnitGaussianNormalizer.Fit(ones(3, 2, dtype: ScalarType.Int64)));
        Assert.Throws<ArgumentException>(() => UnitGaussianNormalizer.Fit(ones(1)));
        Assert.Throws<ArgumentException>(() => UnitGaussianNormalizer.Fit(ones(1, 3), NormalizerAxes.PointWise));
        Assert.Throws<ArgumentException>(() => UnitGaussianNormalizer.Fit(ones(0, 3)));
        Assert.Throws<ArgumentException>(() => UnitGaussianNormalizer.Fit(ones(5), NormalizerAxes.PerChannel));
        Assert.Throws<ArgumentOutOfRangeException>(() => UnitGaussianNormalizer.Fit(ones(5), (NormalizerAxes)9));
        Assert.Throws<ArgumentOutOfRangeException>(() => UnitGaussianNormalizer.Fit(ones(5), eps: -1));
    }
}
