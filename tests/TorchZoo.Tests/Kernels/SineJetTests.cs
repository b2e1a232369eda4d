using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

public sealed class SineJetTests
{
    private static readonly Gen<(int D, int M, int Points, int Width, bool Single, bool Bias)> Shapes =
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[1, 37], Gen.Bool, Gen.Bool);

    private static double Distance(Tensor a, Tensor b) =>
        a.numel() == 0 ? 0 : ((a - b).to(ScalarType.Float64).abs() / (1 + b.to(ScalarType.Float64).abs().max())).max().item<double>();

    [Test, Category("Property")]
    public void KernelIsTheReferenceForwardAndBackward() => Shapes.Sample((d, m, points, width, single, hasBias) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)(points * 100 + width));
        if (d == 0) m = 0;
        var type = single ? ScalarType.Float32 : ScalarType.Float64;
        var second = new double[m, d];
        for (var j = 0; j < m; j++)
            for (var i = 0; i < d; i++) second[j, i] = (i + 2 * j) % 3 - 0.5;
        const double omega = 3;
        var z = randn([1 + d + m, points, width], type, generator: generator).requires_grad_();
        var bias = hasBias ? randn([width], type, generator: generator) : null;
        var cotangent = randn([1 + d + m, points, width], type, generator: generator);
        var expected = SineJet.Eager(z, bias, second, omega);
        (expected * cotangent).sum().backward();

        var data = z.detach();
        Tensor y = empty_like(data), again = empty_like(data), gradient = cotangent.clone(), inPlace = data.clone();
        SineJet.Forward(data, bias, y, second, omega);
        SineJet.Backward(data, bias, gradient, again, second, omega);
        SineJet.Forward(inPlace, bias, inPlace, second, omega);
        var tolerance = single ? 3e-6 : 1e-14;
        Assert.That(Distance(y, expected.detach()), Is.LessThan(tolerance));
        Assert.That(Distance(again, y), Is.LessThan(tolerance));
        Assert.That(Distance(inPlace, y), Is.Zero);
        Assert.That(Distance(gradient, z.grad!), Is.LessThan(tolerance));
    }, iter: 200, threads: 1);

    [Test]
    public void SineIsExactToAnUlpOfOneAtAnyArgument()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var mixed = randn([1, 1, 4096], ScalarType.Float64, generator: generator) * pow(10, linspace(-6, 8, 4096, ScalarType.Float64));
        var x = mixed.to(ScalarType.Float32);
        var y = empty_like(x);
        SineJet.Forward(x, null, y, new double[0, 0], 1);
        var error = (y.to(ScalarType.Float64) - x.to(ScalarType.Float64).sin()).abs().max().item<double>();
        Assert.That(error, Is.LessThan(1.2e-7));

        var odd = tensor(new[] { float.NaN, float.PositiveInfinity, 0f, -0f, 1f, 2f, 3f, 4f }).view(1, 1, 8);
        var z = empty_like(odd);
        SineJet.Forward(odd, null, z, new double[0, 0], 1);
        Assert.That(z.isnan().data<bool>().ToArray(), Is.EqualTo(new[] { true, true, false, false, false, false, false, false }));
    }

    [Test]
    public void RefusesWhatDoesNotFit()
    {
        using var scope = NewDisposeScope();
        var one = new double[,] { { 1, 1 } };
        var z = zeros(4, 3, 5);
        Assert.Multiple(() =>
        {
            Assert.That(() => SineJet.Forward(zeros(3, 3, 5), null, zeros(3, 3, 5), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Forward(z, zeros(4), zeros(4, 3, 5), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Forward(z, null, zeros(4, 5, 3).transpose(1, 2), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Forward(z, null, zeros([4, 3, 5], ScalarType.Float64), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Forward(z.to(ScalarType.Float16), null, z, one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Backward(z, null, zeros(4, 3, 4), z.clone(), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Eager(zeros(3, 5), null, one, 1), Throws.ArgumentException);
        });
    }
}
