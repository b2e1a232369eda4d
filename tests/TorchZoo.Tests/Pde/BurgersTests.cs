using NUnit.Framework;
using TorchZoo.Data.Pde;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Pde;

public sealed class BurgersTests
{
    private static Tensor Grid(long n) => arange(0, n, dtype: ScalarType.Float64) / n;

    private static double Relative(Tensor a, Tensor b) => ((a - b).norm() / b.norm()).item<double>();

    // The paper's initial states on n points; the same functions for every n ≥ 128.
    private static Tensor Initial(long count, params ReadOnlySpan<long> sizes)
    {
        using var generator = new Generator(11);
        return new GaussianRandomField(1, 128, 2, 5, 25).SampleOn(count, generator, sizes)[0];
    }

    [Test]
    public void ColeHopfEqualsTimeStepping([Values(0.1, 0.03, 0.01, 0.005, 0.003)] double nu)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var u0 = new BurgersGenerator().Initial.Sample(2, generator);
        var exact = BurgersGenerator.Solve(u0, nu, 1);
        Assert.That(Relative(BurgersGenerator.Solve(u0, nu, 1, BurgersMethod.SpectralRk4, 1e-3), exact), Is.LessThan(1e-6));
        Assert.That(exact.mean([-1]).abs().max().item<double>(), Is.LessThan(1e-12));
    }

    [Test]
    public void ColeHopfEqualsAClosedForm([Values] BurgersMethod method)
    {
        using var scope = NewDisposeScope();
        // φ = 1 + ½ e^{−ν(2π)²t} cos 2πx solves the heat equation.
        const double nu = 0.02, mean = 0.3;
        Tensor At(double t)
        {
            var x = (Grid(64) - mean * t) * (2 * Math.PI);
            var e = 0.5 * Math.Exp(-nu * 4 * Math.PI * Math.PI * t);
            return mean + 4 * Math.PI * nu * e * x.sin() / (1 + e * x.cos());
        }
        Assert.That(Relative(BurgersGenerator.Solve(At(0), nu, 0.7, method), At(0.7)), Is.LessThan(1e-9));
        Assert.That(Relative(BurgersGenerator.Solve(At(0), nu, 0, method), At(0)), Is.LessThan(1e-9));
    }

    [Test]
    public void RungeKuttaHasOrderFour()
    {
        using var scope = NewDisposeScope();
        // So few points that ν k² dt < 1: integrating factors lose an order where diffusion is stiff.
        var u0 = (2 * Math.PI * Grid(32)).sin() + 0.5 * (4 * Math.PI * Grid(32) + 1).cos();
        Tensor At(int steps) => BurgersGenerator.Solve(u0, 0.02, 0.2, BurgersMethod.SpectralRk4, 0.2 / steps);
        var exact = At(1024);
        double Error(int steps) => Relative(At(steps), exact);
        var (coarse, fine) = (Error(32), Error(64));
        Assert.That(Math.Log2(coarse / fine), Is.EqualTo(4).Within(0.3), $"{coarse:G3} → {fine:G3}");
    }

    [TestCase(BurgersMethod.ColeHopf, 0.005)]
    [TestCase(BurgersMethod.SpectralRk4, 0.02)]
    public void SpaceConvergesSpectrally(BurgersMethod method, double nu)
    {
        using var scope = NewDisposeScope();
        Tensor Start(long n) => (2 * Math.PI * Grid(n)).sin() + 0.5 * (4 * Math.PI * Grid(n) + 1).cos();
        var fine = BurgersGenerator.Solve(Start(1024), nu, 0.3);
        double Error(long n) => Relative(BurgersGenerator.Solve(Start(n), nu, 0.3, method), fine[TensorIndex.Slice(step: 1024 / n)]);
        var (e32, e64, e128) = (Error(32), Error(64), Error(128));
        // The number of right digits doubles with the points; an order in h would add the same number each time.
        var message = $"{e32:G3} {e64:G3} {e128:G3}";
        Assert.That(e64, Is.LessThan(e32 / 20), message);
        Assert.That(e128, Is.LessThan(e64 / 1000), message);
        Assert.That(e128, Is.LessThan(1e-7), message);
    }

    [Test]
    public void EnergyDecaysAndTheMeanStays()
    {
        using var scope = NewDisposeScope();
        var u0 = Initial(3, 256);
        var energy = double.MaxValue;
        foreach (var t in new[] { 0.0, 0.1, 0.5, 1, 3 })
        {
            var u = BurgersGenerator.Solve(u0 + 0.25, 0.01, t);
            Assert.That((u.mean([-1]) - 0.25).abs().max().item<double>(), Is.LessThan(1e-12));
            var now = u.square().sum().item<double>();
            Assert.That(now, Is.LessThan(energy));
            energy = now;
        }
    }

    [Test]
    public void BatchesAndTypesAreKept()
    {
        using var scope = NewDisposeScope();
        var u0 = Initial(6, 128);
        var u = BurgersGenerator.Solve(u0, 0.02, 1);
        var shaped = BurgersGenerator.Solve(u0.reshape(2, 3, 128).to(ScalarType.Float32), 0.02, 1);
        Assert.That(shaped.dtype, Is.EqualTo(ScalarType.Float32));
        Assert.That(shaped.shape, Is.EqualTo(new long[] { 2, 3, 128 }));
        Assert.That(Relative(shaped.reshape(6, 128).to(ScalarType.Float64), u), Is.LessThan(1e-5));
        Assert.That(BurgersGenerator.Solve(u0[4], 0.02, 1).shape, Is.EqualTo(new long[] { 128 }));
        foreach (var method in Enum.GetValues<BurgersMethod>())
            Assert.That(BurgersGenerator.Solve(u0[TensorIndex.Slice(0, 0)], 0.02, 1, method).shape, Is.EqualTo(new long[] { 0, 128 }));
        var odd = BurgersGenerator.Solve(Initial(1, 127), 0.02, 1);
        var stepped = BurgersGenerator.Solve(Initial(1, 127), 0.02, 1, BurgersMethod.SpectralRk4);
        Assert.That(Relative(odd, stepped), Is.LessThan(1e-6));
    }

    [Test]
    public void GeneratesBySeed()
    {
        using var scope = NewDisposeScope();
        var generator = new BurgersGenerator { Size = 256, Stride = 4, Viscosity = 0.01 };
        var (a, b) = (generator.Generate(5, 1), generator.Generate(3, 1));
        Assert.That(a["u0"].shape, Is.EqualTo(new long[] { 5, 64 }));
        Assert.That(a["u"].dtype, Is.EqualTo(ScalarType.Float32));
        foreach (var name in new[] { "u0", "u" }) Assert.That(a[name][TensorIndex.Slice(0, 3)].Equals(b[name]));
        Assert.That(generator.Generate(3, 2)["u"].Equals(b["u"]), Is.False);
        var stepped = (generator with { Method = BurgersMethod.SpectralRk4 }).Generate(3, 1);
        Assert.That(((stepped["u"] - b["u"]).norm() / b["u"].norm()).item<float>(), Is.LessThan(1e-5));
    }

    [Test]
    public void RefusesBadInput()
    {
        using var scope = NewDisposeScope();
        var u0 = Initial(1, 128);
        Assert.Throws<ArgumentException>(() => BurgersGenerator.Solve(u0.to(ScalarType.Int64), 0.1, 1));
        Assert.Throws<ArgumentException>(() => BurgersGenerator.Solve(u0.sum(), 0.1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BurgersGenerator.Solve(u0, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BurgersGenerator.Solve(u0, 0.1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BurgersGenerator.Solve(u0, 0.1, 1, dt: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => BurgersGenerator.Solve(u0, 0.1, 1, (BurgersMethod)5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BurgersGenerator { Stride = 0 }.Generate(1, 0));
        Assert.That(() => BurgersGenerator.Solve(u0, 1e-4, 1), Throws.ArgumentException.With.Message.Contains("SpectralRk4"));
        Assert.That(() => BurgersGenerator.Solve(u0 * double.NaN, 0.1, 1), Throws.ArgumentException);
        Assert.Throws<ArithmeticException>(() => BurgersGenerator.Solve(u0 * 1000, 1e-4, 1, BurgersMethod.SpectralRk4, dt: 0.05));
        Assert.Throws<OperationCanceledException>(() => BurgersGenerator.Solve(u0, 0.1, 1, cancellation: new CancellationToken(true)));
    }
}
