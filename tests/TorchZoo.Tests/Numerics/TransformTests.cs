using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public sealed class TransformTests
{
    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    private static Tensor Random(ulong seed, params long[] shape)
    {
        using var generator = new Generator(seed);
        return randn(shape, dtype: ScalarType.Float64, generator: generator);
    }

    [Test]
    public void SineDiagonalisesSecondDifferences([Values(1, 2, 5, 40)] long n)
    {
        using var scope = NewDisposeScope();
        var h = 1.0 / (n + 1);
        var sine = TrigonometricTransforms.Sine(n);
        var off = n > 1 ? diag(ones(n - 1, dtype: ScalarType.Float64), 1) : zeros([1, 1], dtype: ScalarType.Float64);
        var laplacian = (2 * eye(n, dtype: ScalarType.Float64) - off - off.t()) / (h * h);
        var diagonal = diag(TrigonometricTransforms.SecondDifferenceEigenvalues(n, h));
        Assert.That(Distance(sine.matmul(sine), eye(n, dtype: ScalarType.Float64)), Is.LessThan(1e-14));
        Assert.That(Distance(sine.matmul(laplacian).matmul(sine), diagonal) * h * h, Is.LessThan(1e-13));
    }

    [Test]
    public void BasesAreOrthonormal()
    {
        using var scope = NewDisposeScope();
        const long points = 33, modes = 12;
        var weights = ones(points, dtype: ScalarType.Float64) / (points - 1); // the trapezoidal rule is exact for these products
        weights[0].mul_(0.5);
        weights[points - 1].mul_(0.5);
        Tensor[] bases = [TrigonometricTransforms.CosineBasis(points, modes), TrigonometricTransforms.SineBasis(points, modes)];
        foreach (var basis in bases)
            Assert.That(Distance((basis.t() * weights).matmul(basis), eye(modes, dtype: ScalarType.Float64)), Is.LessThan(1e-13));
    }

    [Test]
    public void ApplyMultipliesEachAxis()
    {
        using var scope = NewDisposeScope();
        var x = Random(1, 2, 3, 4, 5);
        Tensor[] m = [Random(2, 6, 3), Random(3, 7, 4), Random(4, 2, 5)];
        var expected = einsum("bijk,ai,cj,dk->bacd", x, m[0], m[1], m[2]);
        Assert.That(Distance(TrigonometricTransforms.Apply(x, m), expected), Is.LessThan(1e-12));
        Assert.Throws<ArgumentException>(() => TrigonometricTransforms.Apply(x, m[0]));
        Assert.Throws<ArgumentException>(() => TrigonometricTransforms.Apply(m[0], m));
    }

    [TestCase(new long[] { 7 })]
    [TestCase(new long[] { 5, 8 })]
    [TestCase(new long[] { 3, 4, 5 })]
    public void PoissonInvertsTheStencil(long[] interior)
    {
        using var scope = NewDisposeScope();
        var spacing = interior.Select(n => 1.5 / (n + 1)).ToArray();
        using var poisson = new DirichletPoisson(interior, spacing);
        var f = Random(7, [2, .. interior]);
        var u = poisson.Solve(f);
        var back = zeros_like(u);
        for (var j = 0; j < interior.Length; j++)
        {
            var axis = j + 1;
            var edge = zeros_like(u.narrow(axis, 0, 1));
            var padded = cat([edge, u, edge], axis);
            back += (2 * u - padded.narrow(axis, 0, interior[j]) - padded.narrow(axis, 2, interior[j])) / (spacing[j] * spacing[j]);
        }
        Assert.That(Distance(back, f), Is.LessThan(1e-11));
    }

    [Test]
    public void DerivativesOfResolvedPolynomialsAreExact([Values(15, 16)] long n, [Range(0, 4)] int order)
    {
        using var scope = NewDisposeScope();
        const double length = 3;
        var x = arange(0, n, dtype: ScalarType.Float64) * (length / n);
        var k = 2 * Math.PI / length;
        Tensor Wave(double shift) =>
            (2 * k * x + shift).sin() * Math.Pow(2 * k, order) + (5 * k * x + shift + 1).cos() * Math.Pow(5 * k, order);
        Tensor Function() => (2 * k * x).sin() + (5 * k * x + 1).cos();
        var scale = Math.Pow(5 * k, order);
        Assert.That(Distance(Spectral.Derivative(Function(), order: order, length: length), Wave(order * Math.PI / 2)) / scale,
            Is.LessThan(1e-13));
        var field = Function().unsqueeze(1).expand(n, 3);
        var along = Spectral.Derivative(field, 0, order, length);
        Assert.That(Distance(along, Wave(order * Math.PI / 2).unsqueeze(1)) / scale, Is.LessThan(1e-13));
    }

    [Test]
    public void TheHighestModeHasNoOddDerivative()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new double[] { 1, -1, 1, -1, 1, -1 });
        Assert.That(Spectral.Derivative(x).abs().max().item<double>(), Is.LessThan(1e-14));
        Assert.That(Distance(Spectral.Derivative(x, order: 2), -x * Math.Pow(6 * Math.PI, 2)), Is.LessThan(1e-10));
    }

    [Test, Category("Property")]
    public void WavenumbersAreThoseOfTheTransform() => Gen.Long[1, 40].Sample(n =>
    {
        using var scope = NewDisposeScope();
        return Distance(Spectral.Wavenumbers(n), fft.fftfreq(n, 1.0 / n, dtype: ScalarType.Float64)) < 1e-12
            && Distance(Spectral.Wavenumbers(n, half: true), fft.rfftfreq(n, 1.0 / n, dtype: ScalarType.Float64)) < 1e-12
            && (n % 2 == 1 || Spectral.Wavenumbers(n, nyquist: false)[n / 2].item<double>() == 0);
    }, iter: 40, threads: 1);

    [Test]
    public void ProductsOfMaskedFieldsHaveNoAliasing()
    {
        using var scope = NewDisposeScope();
        const long n = 32;
        var mask = Spectral.DealiasingMask([n, n]);
        Assert.That(mask.sum().item<double>(), Is.EqualTo(21 * 11)); // |k| ≤ 10
        Tensor Masked(ulong seed) => fft.rfft2(Random(seed, n, n)) * mask;
        var (a, b) = (Masked(1), Masked(2));
        Tensor Product(long s)
        {
            // On a finer grid nothing aliases; the modes of the coarse grid are moved there first.
            Tensor Fine(Tensor c)
            {
                var fine = zeros([s, s / 2 + 1], dtype: ScalarType.ComplexFloat64);
                fine[TensorIndex.Slice(0, 16), TensorIndex.Slice(0, 17)] = c[TensorIndex.Slice(0, 16)];
                fine[TensorIndex.Slice(-16), TensorIndex.Slice(0, 17)] = c[TensorIndex.Slice(-16)];
                return fft.irfft2(fine, norm: FFTNormType.Forward);
            }
            var product = fft.rfft2(Fine(a) * Fine(b), norm: FFTNormType.Forward);
            product = product[TensorIndex.Ellipsis, TensorIndex.Slice(0, 11)];
            return cat([product[TensorIndex.Slice(0, 11)], product[TensorIndex.Slice(-10)]]);
        }
        Assert.That(Distance(Product(32), Product(96)) / Product(96).abs().max().item<double>(), Is.LessThan(1e-13));
    }

    [Test]
    public void RefusesBadInput()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentOutOfRangeException>(() => TrigonometricTransforms.Sine(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => TrigonometricTransforms.CosineBasis(1, 3));
        Assert.Throws<ArgumentException>(() => new DirichletPoisson([3, 4], [0.1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DirichletPoisson([0], [0.1]));
        Assert.Throws<ArgumentException>(() => Spectral.Derivative(ones(4, dtype: ScalarType.Int64)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Spectral.Derivative(ones(4), dim: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Spectral.Wavenumbers(0));
    }
}
