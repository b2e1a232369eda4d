using CsCheck;
using NUnit.Framework;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public sealed class InterpolationTests
{
    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    private static Tensor Grid(double from, double to, long n) => linspace(from, to, n, dtype: ScalarType.Float64);

    // A cubic is its own not-a-knot spline through four points or more; a parabola through three, a line through two.
    [TestCase(2, 1)]
    [TestCase(3, 2)]
    [TestCase(4, 3)]
    [TestCase(5, 3)]
    [TestCase(33, 3)]
    public void CubicSplineReproducesPolynomials(long points, int degree)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var coefficients = randn([3, degree + 1], dtype: ScalarType.Float64, generator: generator);
        Tensor P(Tensor x) => Enumerable.Range(0, degree + 1).Select(i => coefficients.narrow(1, i, 1) * x.pow(i)).Aggregate((a, b) => a + b);
        using var spline = new EquispacedInterpolant(P(Grid(-1, 2, points)), -1, 2);
        var xs = Grid(-1, 2, 57);
        Assert.That(Distance(spline.Evaluate(xs), P(xs)), Is.LessThan(1e-12));
        var own = rand([3, 20], dtype: ScalarType.Float64, generator: generator) * 3 - 1;
        Assert.That(Distance(spline.Evaluate(own), P(own)), Is.LessThan(1e-12));
    }

    [TestCase(Interpolation.Linear, 2)]
    [TestCase(Interpolation.NaturalCubic, 2)] // held back by its ends
    [TestCase(Interpolation.Cubic, 4)]
    public void ErrorsFallWithTheirOrder(Interpolation interpolation, int order)
    {
        using var scope = NewDisposeScope();
        var xs = Grid(0, 1, 1001);
        double Error(long n)
        {
            using var f = new EquispacedInterpolant((Grid(0, 1, n) * 5).cos().unsqueeze(0), interpolation: interpolation);
            return Distance(f.Evaluate(xs), (xs * 5).cos());
        }
        Assert.That(Math.Log2(Error(51) / Error(101)), Is.EqualTo(order).Within(0.2));
    }

    [Test]
    public void NaturalSplineByHand()
    {
        using var scope = NewDisposeScope();
        // 4 M = 6 (0 − 2 + 0) in the middle, 0 at the ends: s(½) = ½ + (⅛ − ½) M/6.
        using var spline = new EquispacedInterpolant(tensor(new[] { 0.0, 1, 0 }).unsqueeze(0), 0, 2, Interpolation.NaturalCubic);
        Assert.That(spline.Evaluate(tensor(new[] { 0, 0.5, 1, 1.5, 2 })).data<double>().ToArray(), Is.EqualTo(new[] { 0, 0.6875, 1, 0.6875, 0 }).Within(1e-15));
    }

    // By differences of a spline through random values, which are exact up to rounding for each cell's cubic.
    [TestCase(Interpolation.Cubic)]
    [TestCase(Interpolation.NaturalCubic)]
    public void SplinesHaveTwoContinuousDerivatives(Interpolation interpolation)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        const long cells = 11;
        var values = randn([2, cells + 1], dtype: ScalarType.Float64, generator: generator);
        using var spline = new EquispacedInterpolant(values, 0, cells, interpolation);
        // Four points a cell give its cubic.
        var inCell = arange(0, cells, dtype: ScalarType.Float64).unsqueeze(1) + Grid(0, 1, 4);
        var powers = stack([.. Enumerable.Range(0, 4).Select(i => Grid(0, 1, 4).pow(i))], 1);
        var cubics = linalg.solve(powers, spline.Evaluate(inCell.flatten()).reshape(2, cells, 4).transpose(1, 2)); // (2, coefficient, cell)
        Tensor Derivative(int order, double at) => Enumerable.Range(order, 4 - order).Select(i =>
            cubics.select(1, i) * (Enumerable.Range(i - order + 1, order).Aggregate(1, (a, b) => a * b) * Math.Pow(at, i - order))).Aggregate((a, b) => a + b);
        for (var order = 0; order <= 2; order++)
            Assert.That(Distance(Derivative(order, 1)[.., ..^1], Derivative(order, 0)[.., 1..]), Is.LessThan(1e-11), $"order {order}");
        var third = cubics.select(1, 3);
        if (interpolation == Interpolation.NaturalCubic)
        {
            Assert.That(Distance(Derivative(2, 0)[.., 0], zeros(2)), Is.LessThan(1e-11));
            Assert.That(Distance(Derivative(2, 1)[.., -1], zeros(2)), Is.LessThan(1e-11));
        }
        else
        {
            Assert.That(Distance(third[.., 0], third[.., 1]), Is.LessThan(1e-11));
            Assert.That(Distance(third[.., -1], third[.., -2]), Is.LessThan(1e-11));
        }
    }

    [Test]
    public void PointsOutsideAreRefused()
    {
        using var scope = NewDisposeScope();
        using var line = new EquispacedInterpolant(rand([2, 5], dtype: ScalarType.Float64), 0, 2);
        Assert.That(() => line.Evaluate(tensor(new[] { 0.5, 2.1 })), Throws.ArgumentException.With.Property("ParamName").EqualTo("xs"));
        Assert.That(line.Evaluate(tensor(new[] { double.NaN })).isnan().all().item<bool>());
        Assert.That(() => line.Evaluate(rand(3, 4)), Throws.ArgumentException);
        Assert.That(() => new EquispacedInterpolant(rand(2, 1)), Throws.ArgumentException.With.Property("ParamName").EqualTo("values"));
        Assert.That(() => new EquispacedInterpolant(rand(2, 2), 1, 1), Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo("end"));
    }

    [Test, Category("Property")]
    public void TridiagonalSolvesWhatTheDenseSolverDoes() => Gen.Select(Gen.Int[1, 9], Gen.Int[0, 4], Gen.Bool, Gen.Int[0, 1000]).Sample((n, batch, shared, seed) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        Tensor Random(params long[] shape) => rand(shape, dtype: ScalarType.Float64, generator: generator) - 0.5;
        long[] matrices = shared ? [] : [batch];
        var (lower, upper, diagonal) = (Random([.. matrices, n - 1]), Random([.. matrices, n - 1]), Random([.. matrices, n]) + 2);
        var right = Random(batch, n);
        var before = right.clone();
        var x = Tridiagonal.Solve(lower, diagonal, upper, right);
        Assert.That(right.Equals(before)); // not in place
        Assert.That(x.shape, Is.EqualTo(new long[] { batch, n }));
        if (batch == 0) return;
        var dense = diagonal.diag_embed() + (n > 1 ? lower.diag_embed(-1) + upper.diag_embed(1) : zeros(1, 1, dtype: ScalarType.Float64));
        Assert.That(Distance(dense.matmul(x.unsqueeze(2)).squeeze(2), right), Is.LessThan(1e-12));
    }, iter: 200);

    [Test]
    public void TridiagonalBroadcastsAndRefuses()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var diagonal = rand([3, 1, 5], dtype: ScalarType.Float64, generator: generator) + 3;
        var (lower, right) = (rand([2, 4], dtype: ScalarType.Float64, generator: generator), rand(5, generator: generator));
        var x = Tridiagonal.Solve(lower, diagonal, lower[0], right);
        Assert.That(x.shape, Is.EqualTo(new long[] { 3, 2, 5 }));
        Assert.That(Distance(x[2, 1], Tridiagonal.Solve(lower[1], diagonal[2, 0], lower[0], right)), Is.Zero);
        Assert.That(() => Tridiagonal.Solve(lower, diagonal, rand(3), right), Throws.ArgumentException.With.Property("ParamName").EqualTo("upper"));
        Assert.That(() => Tridiagonal.Solve(lower, rand(4, 1, 2, 5), lower, rand(3, 5)), Throws.ArgumentException);
        Assert.That(() => Tridiagonal.Solve(zeros(1), zeros(2), zeros(1), ones(2)), Throws.InstanceOf<ArithmeticException>());
    }

    [Test]
    public void RungeKuttaHasOrderFour()
    {
        using var scope = NewDisposeScope();
        // y' = t y, y(0) = 1, and the same thing backwards.
        double Error(double from, double to, long steps)
        {
            var y = RungeKutta4.Solve((t, y) => y * t, full(2, Math.Exp(from * from / 2), dtype: ScalarType.Float64), from, to, steps);
            Assert.That(y.shape, Is.EqualTo(new[] { steps + 1, 2 }));
            return Math.Abs(y[-1, 0].item<double>() - Math.Exp(to * to / 2));
        }
        Assert.That(Math.Log2(Error(0, 2, 40) / Error(0, 2, 80)), Is.EqualTo(4).Within(0.15));
        Assert.That(Error(2, 0, 200), Is.LessThan(1e-8));
    }

    [Test]
    public void QuadraturesAreExactForPolynomials()
    {
        using var scope = NewDisposeScope();
        var x = Grid(0, 2, 9);
        var simpson = Quadrature.CumulativeSimpson(x.pow(3), 0.25);
        Assert.That(Distance(simpson, Grid(0, 2, 5).pow(4) / 4), Is.LessThan(1e-14));
        Assert.That(Quadrature.CumulativeSimpson(ones(2, 1), 1).shape, Is.EqualTo(new long[] { 2, 1 }));
        Assert.That(() => Quadrature.CumulativeSimpson(ones(4), 1), Throws.ArgumentException);
        foreach (var n in new[] { 1, 2, 5, 20 })
        {
            var (nodes, weights) = GaussLegendre.Rule(n);
            for (var power = 0; power < 2 * n; power++)
                Assert.That((nodes.pow(power) * weights).sum().item<double>(), Is.EqualTo(power % 2 == 0 ? 2.0 / (power + 1) : 0).Within(1e-13));
        }
        // Orthogonality: ∫ P_m P_n = 2/(2n + 1) δ.
        var (x20, w20) = GaussLegendre.Rule(20);
        var p = GaussLegendre.Polynomials(20, x20);
        Assert.That(Distance((p * w20).matmul(p.t()), (2 / (arange(20, dtype: ScalarType.Float64) * 2 + 1)).diag()), Is.LessThan(1e-13));
    }
}
