using CsCheck;
using NUnit.Framework;
using TorchZoo.Data.Pde;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Pde;

public sealed class GaussianRandomFieldTests
{
    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    [Test]
    public void VarianceIsTheSumOverTheModes([Values] bool legacy)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var field = new GaussianRandomField(2, 64, 2.5, 7) { LegacyVariance = legacy };
        var sum = 0.0;
        for (var k = -32; k < 32; k++)
            for (var l = -32; l < 32; l++)
                if (k != 0 || l != 0) sum += Math.Pow(7, 3) * Math.Pow(4 * Math.PI * Math.PI * (k * k + l * l) + 49, -2.5);
        var expected = legacy ? 2 * sum : sum;
        Assert.That(field.Variance, Is.EqualTo(expected).Within(1e-12));
        if (!legacy) Assert.That(expected, Is.EqualTo(0.0343).Within(0.0001)); // the specification's number
        // 400 samples of a field with few effective modes: their mean square has a relative standard error of about 2 %.
        var u = field.Sample(400, generator);
        Assert.That(u.square().mean().item<double>(), Is.EqualTo(expected).Within(3).Percent);
        Assert.That(u.mean([1, 2]).abs().max().item<double>(), Is.LessThan(1e-12));
    }

    [TestCase(1, Boundary.Periodic)]
    [TestCase(3, Boundary.Periodic)]
    [TestCase(1, Boundary.Neumann)]
    [TestCase(2, Boundary.Neumann)]
    [TestCase(1, Boundary.Dirichlet)]
    [TestCase(2, Boundary.Dirichlet)]
    public void CovarianceIsTheInversePowerOfTheLaplacian(int dim, Boundary boundary)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        const double alpha = 2, tau = 2;
        var field = new GaussianRandomField(dim, 9, alpha, tau, sigma: 3, boundary);
        var u = field.Sample(6000, generator);
        // Along a line through the first or the second point of the other axes: E u(x) u(y) against the sum over modes by hand.
        var line = u;
        while (line.dim() > 2) line = line.select(line.dim() - 1, 1);
        var measured = line.t().matmul(line) / 6000.0;
        var expected = zeros(9, 9, dtype: ScalarType.Float64);
        double Eigenfunction(long k, double x) => boundary switch
        {
            Boundary.Neumann => k == 0 ? 1 : Math.Sqrt(2) * Math.Cos(Math.PI * k * x),
            _ => Math.Sqrt(2) * Math.Sin(Math.PI * k * x),
        };
        long[] ks = boundary switch
        {
            Boundary.Periodic => [-4, -3, -2, -1, 0, 1, 2, 3, 4],
            Boundary.Neumann => [0, 1, 2, 3, 4, 5, 6, 7, 8],
            _ => [1, 2, 3, 4, 5, 6, 7],
        };
        var unit = boundary == Boundary.Periodic ? 2 * Math.PI : Math.PI;
        var spacing = boundary == Boundary.Periodic ? 1.0 / 9 : 1.0 / 8;
        IEnumerable<long[]> Modes(int d) => d == 0 ? [[]] : Modes(d - 1).SelectMany(m => ks.Select(k => (long[])[.. m, k]));
        foreach (var k in Modes(dim))
        {
            var eigenvalue = k.Sum(q => unit * unit * q * q);
            if (eigenvalue == 0) continue;
            var weight = 9 * Math.Pow(eigenvalue + tau * tau, -alpha);
            for (var i = 0; i < 9; i++)
                for (var j = 0; j < 9; j++)
                {
                    var product = boundary == Boundary.Periodic ? Math.Cos(2 * Math.PI * k[0] * (i - j) / 9.0)
                        : Eigenfunction(k[0], i * spacing) * Eigenfunction(k[0], j * spacing)
                            * k.Skip(1).Aggregate(1.0, (p, q) => p * Math.Pow(Eigenfunction(q, spacing), 2));
                    expected[i, j].add_(weight * product);
                }
        }
        Assert.That(Distance(measured, expected) / expected.max().item<double>(), Is.LessThan(0.06)); // three standard errors
    }

    [Test]
    public void OneFunctionIsTheSameOnAllGrids([Values] Boundary boundary, [Values(1, 2)] int dim)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var field = new GaussianRandomField(dim, 17, 2, 3, boundary: boundary) { Modes = 12 };
        var (coarse, fine) = boundary == Boundary.Periodic ? (10, 30) : (9, 25); // every third point
        var on = field.SampleOn(3, generator, coarse, fine, 16);
        var every = Enumerable.Repeat(TensorIndex.Slice(step: 3), dim).Prepend(TensorIndex.Ellipsis).ToArray();
        Assert.That(on[2].shape, Is.EqualTo((long[])[3, .. Enumerable.Repeat(16L, dim)]));
        Assert.That(Distance(on[0], on[1][every]), Is.LessThan(1e-13));
        using var again = new Generator(5);
        Assert.That(Distance(field.Sample(3, again), field.SampleOn(3, new Generator(5), 17)[0]), Is.Zero);
    }

    [Test]
    public void SamplesAreFixedBySeedAndIndex()
    {
        using var scope = NewDisposeScope();
        Tensor Draw(long n, ulong seed)
        {
            using var generator = new Generator(seed);
            return new GaussianRandomField(2, 12).Sample(n, generator);
        }
        Assert.That(Distance(Draw(5, 1), Draw(9, 1)[TensorIndex.Slice(0, 5)]), Is.Zero);
        Assert.That(Distance(Draw(5, 1), Draw(5, 2)), Is.GreaterThan(0.01));
        Assert.That(Draw(0, 1).shape, Is.EqualTo(new long[] { 0, 12, 12 }));
        using var running = new Generator(1);
        var field = new GaussianRandomField(2, 12);
        Assert.That(Distance(field.Sample(2, running), Draw(2, 1)), Is.Zero);
        Assert.That(Distance(field.Sample(2, running), Draw(2, 1)), Is.GreaterThan(0.01), "a generator goes on");
    }

    [Test]
    public void ChunksDoNotShow()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var again = new Generator(1);
        var field = new GaussianRandomField(2, 512); // four to a chunk
        var many = field.Sample(6, generator);
        for (var i = 0; i < 6; i++) Assert.That(Distance(field.Sample(1, again)[0], many[i]), Is.Zero);
    }

    [Test]
    public void RefusesBadInput()
    {
        using var generator = new Generator(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(0, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 2, boundary: Boundary.Neumann));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 8, alpha: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 8, tau: double.NaN));
        Assert.Throws<ArgumentException>(() => new GaussianRandomField(1, 8, tau: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 8, sigma: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 8, boundary: (Boundary)7));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 8) { Modes = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 8).Sample(-1, generator));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianRandomField(1, 8).SampleOn(1, generator, 8, 0));
        Assert.Throws<ArgumentNullException>(() => new GaussianRandomField(1, 8).Sample(1, null!));
    }
}
