using NUnit.Framework;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

public sealed class SineMlpJetTests
{
    private static Tensor[] Parameters(ScalarType type, params long[] widths)
    {
        using var generator = new Generator(1);
        return [.. widths.Zip(widths.Skip(1), (from, to) => new[]
        {
            randn([to, from], type, generator: generator) / Math.Sqrt(from), randn([to], type, generator: generator),
        }).SelectMany(p => p).Select(p => p.requires_grad_())];
    }

    // Widths on both sides of a vector's and of a panel's, points on both sides of a chunk's.
    [TestCase(2, new long[] { 2, 20, 20, 1 }, 1.0, 0.0)]
    [TestCase(3, new long[] { 3, 130, 70, 2 }, 1.3, 0.7)]
    [TestCase(17, new long[] { 17, 9, 33 }, 0.5, 0.5)]
    [TestCase(1, new long[] { 1, 4 }, 2.0, 2.0)]
    [TestCase(2, new long[] { 2, 3 }, 0.0, 0.0)]
    public void IsTheReferenceForwardAndBackward(int d, long[] widths, double omega, double last)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var parameters = Parameters(ScalarType.Float64, widths);
        double[] omegas = [.. Enumerable.Repeat(omega, widths.Length - 2), last];
        var second = new double[2, d];
        for (var i = 0; i < d; i++) (second[0, i], second[1, i]) = (1, i - 0.5);
        var jet = new SineMlpJet(d, omegas, second);
        foreach (var points in new[] { 0, 1, 7, 400 })
        {
            var x = randn([points, d], ScalarType.Float64, generator: generator).requires_grad_();
            var weights = randn([3 + d, points, widths[^1]], ScalarType.Float64, generator: generator);
            var (ours, reference) = (jet.Compute(x, parameters), jet.Eager(x, parameters));
            Compare(ours, reference);
            Compare(jet.LayerByLayer(x, parameters, SineJet.Compute), reference);
            if (points == 0) continue;
            Tensor[] inputs = [x, .. parameters];
            var mine = autograd.grad([ours], inputs, [weights]);
            foreach (var (a, b) in mine.Zip(autograd.grad([reference], inputs, [weights], allow_unused: true)))
                Compare(a, b.IsInvalid ? zeros_like(a) : b);
            var layered = jet.LayerByLayer(x, parameters, SineJet.Compute);
            foreach (var (a, b) in mine.Zip(autograd.grad([layered], inputs, [weights], allow_unused: true)))
                Compare(b.IsInvalid ? zeros_like(a) : b, a);
            using var off = no_grad();
            Assert.That(jet.Compute(x, parameters).Equals(ours), Is.True, "with and without gradients");
        }

        static void Compare(Tensor a, Tensor b)
        {
            Assert.That(a.shape, Is.EqualTo(b.shape));
            if (a.numel() > 0) Assert.That(((a - b).abs().max() / (1 + b.abs().max())).item<double>(), Is.LessThan(1e-13));
        }
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters(ScalarType.Float32, 2, 5, 1);
        var jet = new SineMlpJet(2, [30, 0], new double[,] { { 1, 1 } });
        Assert.Multiple(() =>
        {
            Assert.That(() => new SineMlpJet(0, [30], new double[0, 0]), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new SineMlpJet(2, [], new double[0, 0]), Throws.ArgumentException);
            Assert.That(() => new SineMlpJet(2, [0, 30], new double[0, 0]), Throws.ArgumentException);
            Assert.That(() => new SineMlpJet(2, [30], new double[1, 3]), Throws.ArgumentException);
            Assert.That(() => jet.Compute(zeros(4, 3), parameters), Throws.ArgumentException);
            Assert.That(() => jet.Compute(zeros(4), parameters), Throws.ArgumentException);
            Assert.That(() => jet.Compute(zeros(4, 2), parameters[..2]), Throws.ArgumentException);
            Assert.That(() => jet.Compute(zeros(4, 2), [parameters[0], parameters[1], parameters[3], parameters[2]]),
                Throws.ArgumentException);
            Assert.That(() => jet.Compute(zeros([4, 2], ScalarType.Float64), parameters), Throws.ArgumentException);
        });
    }
}
