using NUnit.Framework;
using TorchZoo.Data.Pde;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Pde;

public sealed class NavierStokesTests
{
    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    private static double Relative(Tensor a, Tensor b) => ((a - b).norm() / b.norm()).item<double>();

    private static Tensor Initial(long n, params ReadOnlySpan<long> sizes)
    {
        using var generator = new Generator(2);
        return new GaussianRandomField(2, 24, 2.5, 7).SampleOn(n, generator, sizes)[0];
    }

    // cos 2πkx + cos 2πky, whose advection vanishes: an exact solution that only decays.
    private static Tensor TaylorGreen(long rows, long columns, int k = 1)
    {
        var x = arange(0, rows, dtype: ScalarType.Float64).unsqueeze(1) * (2 * Math.PI * k / rows);
        var y = arange(0, columns, dtype: ScalarType.Float64) * (2 * Math.PI * k / columns);
        return x.cos() + y.cos();
    }

    [TestCase(64, 64)]
    [TestCase(32, 32)]
    [TestCase(15, 21)]
    public void TaylorGreenVorticesDecay(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        var w0 = TaylorGreen(rows, columns);
        var w = NavierStokes2dGenerator.Solve(w0, null, 1e-3, 1, 1e-2);
        Assert.That(w.shape, Is.EqualTo(new[] { rows, columns, 1 }));
        Assert.That(Distance(w.squeeze(-1), w0 * Math.Exp(-4 * Math.PI * Math.PI * 1e-3)), Is.LessThan(1e-8));
    }

    [Test]
    public void DiffusionHasOrderTwoInTime()
    {
        using var scope = NewDisposeScope();
        var w0 = TaylorGreen(16, 16);
        double Error(double dt) =>
            Distance(NavierStokes2dGenerator.Solve(w0, null, 0.05, 1, dt).squeeze(-1), w0 * Math.Exp(-4 * Math.PI * Math.PI * 0.05));
        Assert.That(Math.Log2(Error(0.1) / Error(0.05)), Is.EqualTo(2).Within(0.1));
    }

    [Test]
    public void AdvectionHasOrderOneInTime()
    {
        using var scope = NewDisposeScope();
        var w0 = Initial(2, 32);
        var f = NavierStokes2dGenerator.Forcing(32);
        Tensor At(double dt) => NavierStokes2dGenerator.Solve(w0, f, 1e-3, 1, dt);
        var exact = 2 * At(1e-3) - At(2e-3); // Richardson
        var errors = new[] { 2e-2, 1e-2, 5e-3 }.Select(dt => Relative(At(dt), exact)).ToArray();
        for (var i = 0; i < 2; i++)
            Assert.That(Math.Log2(errors[i] / errors[i + 1]), Is.EqualTo(1).Within(0.1), string.Join(" ", errors));
        Assert.That(errors[1], Is.LessThan(1e-3));
    }

    [Test]
    public void OneStepIsTheSchemeWrittenOut()
    {
        using var scope = NewDisposeScope();
        const long n = 12;
        const double nu = 0.01, dt = 0.03;
        using var generator = new Generator(8);
        var w0 = randn([n, n], dtype: ScalarType.Float64, generator: generator);
        var f = randn([n, n], dtype: ScalarType.Float64, generator: generator);
        // Full complex transforms and signed wavenumbers, mode by mode; the highest mode has no first derivative.
        var k = fft.fftfreq(n, 1.0 / n, dtype: ScalarType.Float64);
        var d = where(k.abs() == n / 2, zeros_like(k), k) * (2 * Math.PI);
        var (kx, ky, dx, dy) = (k.unsqueeze(1), k.unsqueeze(0), d.unsqueeze(1), d.unsqueeze(0));
        var laplacian = 4 * Math.PI * Math.PI * (kx * kx + ky * ky);
        var i = complex(zeros([], dtype: ScalarType.Float64), ones([], dtype: ScalarType.Float64));
        var w = fft.fft2(w0);
        var psi = w / where(laplacian == 0, ones_like(laplacian), laplacian);
        Tensor Field(Tensor spectrum) => fft.ifft2(spectrum).real;
        var (u, v) = (Field(i * dy * psi), Field(-i * dx * psi));
        var mask = (kx.abs() <= 2.0 / 3 * n / 2).logical_and(ky.abs() <= 2.0 / 3 * n / 2);
        var advection = fft.fft2(u * Field(i * dx * w) + v * Field(i * dy * w)) * mask;
        var half = 0.5 * dt * nu * laplacian;
        var expected = Field((-dt * advection + dt * fft.fft2(f) + (1 - half) * w) / (1 + half));
        Assert.That(Distance(NavierStokes2dGenerator.Solve(w0, f, nu, dt, dt).squeeze(-1), expected), Is.LessThan(1e-13));
    }

    [Test]
    public void SpaceConvergesSpectrally()
    {
        using var scope = NewDisposeScope();
        Tensor Start(long n) => TaylorGreen(n, n) + 0.7 * TaylorGreen(n, n, 2).roll(n / 8, 0);
        Tensor At(long n) => NavierStokes2dGenerator.Solve(Start(n), null, 1e-2, 0.5, 1e-2);
        var fine = At(64);
        double Error(int n) => Relative(At(n), fine[TensorIndex.Slice(step: 64 / n), TensorIndex.Slice(step: 64 / n)]);
        var (e16, e32) = (Error(16), Error(32));
        Assert.That(e32, Is.LessThan(e16 / 1000), $"{e16:G3} → {e32:G3}");
    }

    [Test]
    public void MeanVorticityStays()
    {
        using var scope = NewDisposeScope();
        var w0 = Initial(3, 24) + tensor(new double[] { 0, 1, -2 }).reshape(3, 1, 1);
        var w = NavierStokes2dGenerator.Solve(w0, NavierStokes2dGenerator.Forcing(24), 1e-3, 2, 1e-2, 4);
        Assert.That(Distance(w.mean([1, 2]), w0.mean([1, 2]).unsqueeze(-1)), Is.LessThan(1e-13));
    }

    [Test]
    public void EnstrophyDecaysWithoutForce()
    {
        using var scope = NewDisposeScope();
        var w = NavierStokes2dGenerator.Solve(Initial(2, 32), null, 1e-3, 2, 5e-3, 8);
        var enstrophy = w.square().sum([1, 2]);
        Assert.That(enstrophy.diff(dim: -1).max().item<double>(), Is.LessThan(0));
    }

    [Test]
    public void RecordsLieOnOneTrajectory()
    {
        using var scope = NewDisposeScope();
        var (w0, f) = (Initial(3, 16), NavierStokes2dGenerator.Forcing(16));
        var w = NavierStokes2dGenerator.Solve(w0.reshape(1, 3, 16, 16), f, 1e-3, 1.5, 0.01, 3);
        Assert.That(w.shape, Is.EqualTo(new long[] { 1, 3, 16, 16, 3 }));
        var last = NavierStokes2dGenerator.Solve(w0, f, 1e-3, 1.5, 0.01)[TensorIndex.Ellipsis, 0];
        Assert.That(Distance(w[0, TensorIndex.Ellipsis, 2], last), Is.LessThan(1e-12));
        var onwards = NavierStokes2dGenerator.Solve(w[0, TensorIndex.Ellipsis, 0], f, 1e-3, 1, 0.01, 2);
        Assert.That(Distance(onwards, w[0, TensorIndex.Ellipsis, TensorIndex.Slice(1)]), Is.LessThan(1e-12));
    }

    [Test]
    public void ForcesMayDifferInABatch()
    {
        using var scope = NewDisposeScope();
        var w0 = Initial(2, 16);
        var f = stack([NavierStokes2dGenerator.Forcing(16), zeros([16, 16], dtype: ScalarType.Float64)]);
        var w = NavierStokes2dGenerator.Solve(w0, f, 1e-3, 0.5, 0.05);
        Assert.That(Distance(w[0], NavierStokes2dGenerator.Solve(w0[0], f[0], 1e-3, 0.5, 0.05)), Is.LessThan(1e-13));
        Assert.That(Distance(w[1], NavierStokes2dGenerator.Solve(w0[1], null, 1e-3, 0.5, 0.05)), Is.LessThan(1e-13));
    }

    [Test]
    public void SinglePrecisionIsGoodEnoughForTraining()
    {
        using var scope = NewDisposeScope();
        var generator = new NavierStokes2dGenerator { Size = 32, Frames = 3, TimeStep = 2e-2 };
        var (wide, narrow) = (generator.Generate(2, 1), (generator with { Precision = ScalarType.Float32 }).Generate(2, 1));
        Assert.That(((narrow["w"] - wide["w"]).norm() / wide["w"].norm()).item<float>(), Is.LessThan(1e-4));
    }

    [Test]
    public void GeneratesBySeed()
    {
        using var scope = NewDisposeScope();
        var generator = new NavierStokes2dGenerator { Size = 16, Stride = 2, Frames = 2, TimeStep = 0.1 };
        var (many, few) = (generator.Generate(12, 1), generator.Generate(3, 1));
        Assert.That(many["w0"].shape, Is.EqualTo(new long[] { 12, 8, 8 }));
        Assert.That(many["w"].shape, Is.EqualTo(new long[] { 12, 8, 8, 2 }));
        Assert.That(many["w0"][TensorIndex.Slice(0, 3)].Equals(few["w0"]));
        Assert.That(allclose(many["w"][TensorIndex.Slice(0, 3)], few["w"], rtol: 1e-5, atol: 1e-6));
        Assert.That(generator.Generate(3, 1)["w"].Equals(few["w"]));
        Assert.That(generator.Generate(3, 2)["w"].Equals(few["w"]), Is.False);
    }

    [Test]
    public void ShowsProgressAndCanBeStopped()
    {
        using var scope = NewDisposeScope();
        using var stop = new CancellationTokenSource();
        var shares = new List<double>();
        NavierStokes2dGenerator.Solve(Initial(9, 64), null, 1e-3, 0.4, 0.1, 4, shares.Add);
        Assert.That(shares, Is.Ordered);
        Assert.That(shares[^1], Is.EqualTo(1));
        Assert.Throws<OperationCanceledException>(() =>
            NavierStokes2dGenerator.Solve(Initial(9, 64), null, 1e-3, 100, 0.1, 1000, _ => stop.Cancel(), stop.Token));
    }

    [Test]
    public void MemoryStaysFlat()
    {
        using var scope = NewDisposeScope();
        long Leaked(int frames)
        {
            var before = Tensor.TotalCount;
            foreach (var (_, t) in new NavierStokes2dGenerator { Size = 8, Frames = frames, TimeStep = 0.1 }.Generate(2, 1)) t.Dispose();
            foreach (var (_, t) in new DarcyGenerator { Size = 9 }.Generate(frames, 1)) t.Dispose();
            var burgers = new BurgersGenerator { Size = 32, Time = 0.01 * frames, Method = BurgersMethod.SpectralRk4 };
            foreach (var (_, t) in burgers.Generate(2, 1)) t.Dispose();
            return Tensor.TotalCount - before;
        }
        Assert.That(Leaked(3), Is.Zero);
        Assert.That(Leaked(20), Is.Zero);
        var peak = Tensor.PeakCount;
        Leaked(60);
        Assert.That(Tensor.PeakCount, Is.EqualTo(peak).Within(64), "live tensors do not grow with the number of steps");
    }

    [Test]
    public void RefusesBadInput()
    {
        using var scope = NewDisposeScope();
        var w0 = TaylorGreen(8, 8);
        Assert.Throws<ArgumentException>(() => NavierStokes2dGenerator.Solve(w0[0], null, 1, 1));
        Assert.Throws<ArgumentException>(() => NavierStokes2dGenerator.Solve(w0.to(ScalarType.Int32), null, 1, 1));
        Assert.Throws<ArgumentException>(() => NavierStokes2dGenerator.Solve(w0.to(ScalarType.Float16), null, 1, 1));
        Assert.That(() => NavierStokes2dGenerator.Solve(w0, ones(7), 1, 1), Throws.ArgumentException.With.Message.Contains("(8, 8)"));
        Assert.Throws<ArgumentOutOfRangeException>(() => NavierStokes2dGenerator.Solve(w0, null, -1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => NavierStokes2dGenerator.Solve(w0, null, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => NavierStokes2dGenerator.Solve(w0, null, 1, 1, double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => NavierStokes2dGenerator.Solve(w0, null, 1, 1, 1, 0));
        Assert.Throws<ArgumentException>(() => new NavierStokes2dGenerator { Precision = ScalarType.Float16 }.Generate(1, 0));
        Assert.Throws<ArithmeticException>(() => NavierStokes2dGenerator.Solve(w0 * double.NaN, null, 1, 1, 0.5));
    }
}
