using NUnit.Framework;
using TorchZoo.Data.Pde;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Pde;

public sealed class DarcyTests
{
    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    private static Tensor Coefficients(long n, long size, ulong seed = 1)
    {
        using var generator = new Generator(seed);
        return new DarcyGenerator { Size = size }.SampleCoefficient(n, generator);
    }

    // The same matrix, written out entry by entry.
    private static Tensor Direct(Tensor a, Tensor f)
    {
        var (rows, columns) = (a.shape[0], a.shape[1]);
        var values = a.data<double>().ToArray();
        double At(long i, long j) => values[i * columns + j];
        var (n, m) = (rows - 2, columns - 2);
        var matrix = zeros([n * m, n * m], dtype: ScalarType.Float64);
        var entries = new double[n * m, n * m];
        for (long i = 1; i <= n; i++)
            for (long j = 1; j <= m; j++)
                foreach (var (di, dj) in new[] { (1, 0), (-1, 0), (0, 1), (0, -1) })
                {
                    var h = 1.0 / (di != 0 ? rows - 1 : columns - 1);
                    var flux = (At(i, j) + At(i + di, j + dj)) / 2 / (h * h);
                    var row = (i - 1) * m + j - 1;
                    entries[row, row] += flux;
                    if (i + di >= 1 && i + di <= n && j + dj >= 1 && j + dj <= m) entries[row, (i + di - 1) * m + j + dj - 1] -= flux;
                }
        matrix = tensor(entries);
        var inner = f.narrow(0, 1, n).narrow(1, 1, m).reshape(n * m, 1);
        var u = zeros([rows, columns], dtype: ScalarType.Float64);
        u.narrow(0, 1, n).narrow(1, 1, m).copy_(linalg.solve(matrix, inner).reshape(n, m));
        return u;
    }

    [Test]
    public void EqualsADirectSolve()
    {
        using var scope = NewDisposeScope();
        var a = Coefficients(3, 14);
        a = cat([a, a.exp() / 1000]).narrow(2, 0, 11); // not square; contrast 4 and 8000
        using var generator = new Generator(4);
        var f = randn(a.shape, dtype: ScalarType.Float64, generator: generator);
        var u = DarcyGenerator.Solve(a, f, 1e-13);
        var ones = DarcyGenerator.Solve(a);
        for (var i = 0; i < a.shape[0]; i++)
        {
            Assert.That(Distance(u[i], Direct(a[i], f[i])) / u[i].abs().max().item<double>(), Is.LessThan(1e-10));
            Assert.That(Distance(ones[i], Direct(a[i], ones_like(f[i]))), Is.LessThan(1e-10), "default tolerance");
        }
    }

    [Test]
    public void ConstantCoefficientsGiveThePoissonSolution()
    {
        using var scope = NewDisposeScope();
        var a = ones([2, 85, 85], dtype: ScalarType.Float64);
        a[1].fill_(5);
        var u = DarcyGenerator.Solve(a);
        Assert.That(u[0, 42, 42].item<double>(), Is.EqualTo(0.0736632).Within(1e-7)); // the specification's number
        Assert.That(Distance(u[0], u[1] * 5), Is.LessThan(1e-14));
        // Another number, by the double sine series of the continuous problem: 16/π⁴ Σ (−1)^… /(kl(k² + l²)).
        double Series(int terms)
        {
            var sum = 0.0;
            for (var k = 1; k < terms; k += 2)
                for (var l = 1; l < terms; l += 2)
                    sum += ((k + l) / 2 % 2 == 1 ? 1 : -1) / ((double)k * l * ((double)k * k + (double)l * l));
            return 16 / Math.Pow(Math.PI, 4) * sum;
        }
        double Middle(long size) => DarcyGenerator.Solve(ones([size, size], dtype: ScalarType.Float64))[size / 2, size / 2].item<double>();
        var (coarse, fine) = (Series(801) - Middle(21), Series(801) - Middle(41));
        Assert.That(Math.Log2(coarse / fine), Is.EqualTo(2).Within(0.05));
        Assert.That(Middle(41) + fine, Is.EqualTo(0.0736713).Within(1e-7));
    }

    [Test]
    public void SmoothCoefficientsConvergeWithOrderTwo()
    {
        using var scope = NewDisposeScope();
        double Error(long rows, long columns)
        {
            using var inner = NewDisposeScope();
            var x = linspace(0, 1, rows, dtype: ScalarType.Float64).unsqueeze(1);
            var y = linspace(0, 1, columns, dtype: ScalarType.Float64).unsqueeze(0);
            var (p, q) = (Math.PI, 2 * Math.PI);
            // u = sin πx sin 2πy, a = e^{x − y/2}(2 + sin 3x): f = −a_x u_x − a_y u_y − a Δu
            var u = (p * x).sin() * (q * y).sin();
            var e = (x - y / 2).exp();
            var a = e * (2 + (3 * x).sin());
            var ax = a + e * 3 * (3 * x).cos();
            var ay = -a / 2;
            var f = -ax * p * (p * x).cos() * (q * y).sin() - ay * q * (p * x).sin() * (q * y).cos() + a * (p * p + q * q) * u;
            return Distance(DarcyGenerator.Solve(a, f), u);
        }
        var errors = new[] { Error(17, 25), Error(33, 49), Error(65, 97) };
        for (var i = 0; i < 2; i++)
            Assert.That(Math.Log2(errors[i] / errors[i + 1]), Is.EqualTo(2).Within(0.1), string.Join(" ", errors));
    }

    [Test]
    public void SolutionsArePositiveInsideAndZeroOutside()
    {
        using var scope = NewDisposeScope();
        var u = DarcyGenerator.Solve(Coefficients(4, 29));
        var inner = u.narrow(1, 1, 27).narrow(2, 1, 27);
        Assert.That(inner.min().item<double>(), Is.GreaterThan(0));
        Assert.That(u.abs().sum().item<double>(), Is.EqualTo(inner.sum().item<double>()).Within(1e-12));
    }

    [Test]
    public void TheScaleOfTheCoefficientIsTheInverseScaleOfTheSolution()
    {
        using var scope = NewDisposeScope();
        var a = Coefficients(2, 29);
        var u = DarcyGenerator.Solve(a);
        foreach (var scale in new[] { 1e-8, 3, 1e8 })
            Assert.That(Distance(DarcyGenerator.Solve(a * scale) * scale, u), Is.LessThan(1e-11));
    }

    [Test]
    public void CoefficientsAreThoseOfThePaper()
    {
        using var scope = NewDisposeScope();
        var a = Coefficients(200, 29);
        Assert.That((a == 12).logical_or(a == 3).all().item<bool>());
        Assert.That((a == 12).to(ScalarType.Float64).mean().item<double>(), Is.EqualTo(0.5).Within(0.02));
        // One seed, one function: coarse grids are sub-sampled fine ones.
        var every = TensorIndex.Slice(step: 2);
        Assert.That(Coefficients(3, 57)[TensorIndex.Ellipsis, every, every].Equals(Coefficients(3, 29)));
    }

    [Test]
    public void TheSmallestGridsWork()
    {
        using var scope = NewDisposeScope();
        // One interior point: 4 a/h² u = 1 with h = ½.
        Assert.That(DarcyGenerator.Solve(full([3, 3], 2.0, dtype: ScalarType.Float64))[1, 1].item<double>(),
            Is.EqualTo(1.0 / 32).Within(1e-15));
        Assert.That(DarcyGenerator.Solve(ones([0, 5, 5])).shape, Is.EqualTo(new long[] { 0, 5, 5 }));
        var single = DarcyGenerator.Solve(ones([2, 3, 5, 6]), zeros([6]));
        Assert.That(single.dtype, Is.EqualTo(ScalarType.Float32));
        Assert.That(single.abs().max().item<float>(), Is.Zero);
    }

    [Test]
    public void GeneratesBySeed()
    {
        using var scope = NewDisposeScope();
        var generator = new DarcyGenerator { Size = 29, Stride = 2 };
        var (many, few) = (generator.Generate(5, 1), generator.Generate(3, 1));
        Assert.That(many["a"].shape, Is.EqualTo(new long[] { 5, 15, 15 }));
        Assert.That(many["a"][TensorIndex.Slice(0, 3)].Equals(few["a"]));
        Assert.That(allclose(many["u"][TensorIndex.Slice(0, 3)], few["u"], rtol: 1e-6, atol: 1e-9));
        Assert.That(generator.Generate(3, 1)["u"].Equals(few["u"]));
        Assert.That(generator.Generate(3, 2)["a"].Equals(few["a"]), Is.False);
    }

    [Test]
    public void RefusesBadInput()
    {
        using var scope = NewDisposeScope();
        var a = ones([2, 5, 5], dtype: ScalarType.Float64);
        Assert.Throws<ArgumentException>(() => DarcyGenerator.Solve(a * 0));
        Assert.Throws<ArgumentException>(() => DarcyGenerator.Solve(a * double.NaN));
        Assert.Throws<ArgumentException>(() => DarcyGenerator.Solve(a * double.PositiveInfinity));
        Assert.Throws<ArgumentException>(() => DarcyGenerator.Solve(a[0, 0]));
        Assert.Throws<ArgumentException>(() => DarcyGenerator.Solve(ones(2, 2)));
        Assert.Throws<ArgumentException>(() => DarcyGenerator.Solve(a.to(ScalarType.Int32)));
        Assert.That(() => DarcyGenerator.Solve(a, ones(4)), Throws.ArgumentException.With.Message.Contains("(2, 5, 5)"));
        Assert.Throws<ArgumentOutOfRangeException>(() => DarcyGenerator.Solve(a, tol: -1));
        Assert.Throws<ArgumentException>(() => new DarcyGenerator { Size = 10, Stride = 2 }.Generate(1, 0));
        Assert.Throws<NotConvergedException>(() => DarcyGenerator.Solve(a, a * double.NaN));
        Assert.Throws<OperationCanceledException>(() => DarcyGenerator.Solve(a, cancellation: new CancellationToken(true)));
    }
}
