using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Kernels;
using TorchZoo.Numerics;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public class BSplineTests
{
    private sealed record Case(long Samples, long Features, long Intervals, long Outputs, int Order, bool Adaptive, bool Repeated);

    private static readonly Gen<Case> Cases = Gen.Select(Gen.OneOf(Gen.Long[0, 5], Gen.Const(700L)), Gen.Long[1, 6], Gen.Long[1, 9],
        Gen.OneOf(Gen.Long[1, 5], Gen.Const(64L), Gen.Const(83L)), Gen.Int[0, 4], Gen.Bool, Gen.Bool)
        .Select((n, features, intervals, outputs, order, adaptive, repeated) =>
            new Case(n, features, intervals, outputs, order, adaptive, repeated));

    private DisposeScope _scope = null!;

    [SetUp]
    public void Open() => _scope = NewDisposeScope();

    [TearDown]
    public void Close() => _scope.Dispose();

    [Test, Category("Property")]
    public void TheKernelIsTheEagerForm() => new KernelCheck<Case>(Cases,
        // The grid is no input here: its knots are compared with x exactly.
        (one, generator) => [randn([one.Samples, one.Features], generator: generator), randn([one.Features, one.Intervals + one.Order, one.Outputs], generator: generator)],
        (one, x) => [SplineSum.Apply(x[0]!, Grid(one, x[0]!.dtype), x[1]!, one.Order)],
        (one, x) => [SplineSum.Eager(x[0]!, Grid(one, x[0]!.dtype), x[1]!, one.Order)])
    {
        Iterations = 30,
        // What isn't finite is multiplied by zeros in the eager form.
        NonFinite = false,
        SingleTolerance = 2e-5,
        DoubleTolerance = 1e-12,
    }.Run();

    [Test]
    public void TheKernelGivesNaNForWhatIsNotFinite()
    {
        var grid = SplineGrid.Uniform(1, 5, 3);
        var x = tensor(new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0.5f, 1e30f }).unsqueeze(1);
        var y = SplineSum.Apply(x, grid, ones(1, 8, 1), 3);
        Assert.That(y.data<float>().ToArray(), Is.EqualTo(new[] { float.NaN, float.NaN, float.NaN, 1, 0 }).Within(1e-6));
    }

    [Test]
    public void GradientsOfTheKernelAreRight([Values(0, 1, 3)] int order)
    {
        using var generator = new Generator(4);
        var grid = SplineGrid.Uniform(2, 4, order, dtype: ScalarType.Float64);
        var x = rand([5, 2], ScalarType.Float64, generator: generator) * 1.9 - 0.93;
        GradCheck.Run(v => [SplineSum.Apply(v[0]!, grid, v[1]!, order)], [x, randn([2, 4 + order, 3], ScalarType.Float64, generator: generator)],
            secondOrder: order > 2, tolerance: 1e-6);
    }

    // scipy.interpolate.BSpline.design_matrix of the extended knots.
    [TestCase(-0.95, 0.050080128205128194, 0.6537475834350834, 0.29584160052910063, 0.00033068783068783154, 0, 0, 0)]
    [TestCase(0.13, 0, 0, 0.02556233766233767, 0.5016932773109244, 0.4589182486631016, 0.013826136363636362, 0)]
    [TestCase(0.99, 0, 0, 0, 8.912655971479525e-07, 0.15073585115864524, 0.6547755681818181, 0.19448768939393934)]
    public void TheBasisIsScipys(double x, params double[] expected)
    {
        var grid = SplineGrid.Extend(tensor([-1, -0.7, -0.1, 0.4, 1.0], ScalarType.Float64).unsqueeze(0), 3);
        Assert.That(Numbers(BSpline.Basis(tensor(x, ScalarType.Float64).view(1, 1), grid, 3)), Is.EqualTo(expected).Within(1e-14));
    }

    [Test]
    public void TheBasisSumsToOneWithinTheGridAndDecaysOutside([Values(0, 1, 2, 3, 5)] int order)
    {
        var grid = SplineGrid.Uniform(1, 5, order, dtype: ScalarType.Float64);
        var inside = BSpline.Basis(linspace(-1, 1, 401, ScalarType.Float64).unsqueeze(1), grid, order);
        Assert.Multiple(() =>
        {
            Assert.That((inside.sum([-1]) - 1).abs().narrow(0, 0, order == 0 ? 400 : 401).max().item<double>(), Is.LessThan(1e-14));
            Assert.That(inside.ne(0).sum([-1]).max().item<long>(), Is.LessThanOrEqualTo(order + 1));
        });
        if (order != 3) return;
        double[] outside = Numbers(BSpline.Basis(tensor([1.5, 1.9, 2.3], ScalarType.Float64).unsqueeze(1), grid, 3).sum([-1]));
        Assert.That(outside, Is.EqualTo(new[] { 0.682, 0.070, 0 }).Within(1e-3));
    }

    [Test]
    public void RepeatedKnotsAreNoTrouble()
    {
        var grid = SplineGrid.Extend(tensor([-1, -0.5, -0.5, -0.5, 0, 1], ScalarType.Float64).unsqueeze(0), 3);
        var x = linspace(-1, 0.999, 200, ScalarType.Float64).unsqueeze(1).requires_grad_();
        var basis = BSpline.Basis(x, grid, 3);
        Assert.That((basis.sum([-1]) - 1).abs().max().item<double>(), Is.LessThan(1e-13));
        (basis * arange(8, ScalarType.Float64)).sum().backward();
        Assert.That(x.grad!.isfinite().all().item<bool>(), Is.True);
        Assert.That((SplineSum.Apply(x.detach(), grid, ones(1, 8, 1, ScalarType.Float64), 3) - 1).abs().max().item<double>(), Is.LessThan(1e-13));
    }

    // The specification's error ratios per doubling from G = 5 to 40.
    [TestCase(1, 4.36, 4.12, 4.03)]
    [TestCase(2, 9.6, 8.3, 8.0)]
    [TestCase(3, 22.7, 17.9, 16.5)]
    public void TheErrorOfAFitFallsWithTheOrder(int order, params double[] ratios)
    {
        var x = linspace(-1, 1, 2001, ScalarType.Float64).unsqueeze(1);
        var y = (x * Math.PI).sin();
        double Error(int intervals)
        {
            var grid = SplineGrid.Uniform(1, intervals, order, dtype: ScalarType.Float64);
            var c = BSpline.FitCoefficients(x, y.unsqueeze(-1), grid, order);
            return (BSpline.Curves(x, grid, c, order).squeeze(-1) - y).square().mean().sqrt().item<double>();
        }
        double[] errors = [Error(5), Error(10), Error(20), Error(40)];
        Assert.That(errors.Zip(errors.Skip(1), (a, b) => a / b), Is.EqualTo(ratios).Within(3).Percent);
        if (order == 3) Assert.That(errors[2], Is.EqualTo(6.53e-6).Within(3).Percent);
    }

    [Test]
    public void GridsComeFromSamples()
    {
        var x = stack([linspace(0, 10, 11, ScalarType.Float64), zeros(11, ScalarType.Float64) + 3], 1);
        var grid = SplineGrid.FromSamples(x, 5, 2, 0.5, 0);
        Assert.Multiple(() =>
        {
            Assert.That(Numbers(SplineGrid.Inner(grid, 2)[0]), Is.EqualTo(new double[] { 0, 2, 4, 6, 8, 10 }).Within(0.3));
            Assert.That((grid.diff(1, 1).min()).item<double>(), Is.GreaterThan(0), "a constant feature has an interval, too");
            Assert.That(Numbers(SplineGrid.Inner(SplineGrid.Refine(grid, 2, 10), 2)[0]).Where((_, i) => i % 2 == 0),
                Is.EqualTo(Numbers(SplineGrid.Inner(grid, 2)[0])).Within(1e-15));
        });
    }

    [Test]
    public void LeastSquaresSurviveRankDeficiency()
    {
        using var generator = new Generator(1);
        var a = randn([3, 20, 4], ScalarType.Float64, generator: generator);
        a = cat([a, a.narrow(2, 0, 1) * 2], 2);
        var b = randn([3, 20, 2], ScalarType.Float64, generator: generator);
        var x = LeastSquares.Solve(a, b);
        var best = linalg.pinv(a).matmul(b);
        Assert.That((x - best).abs().max().item<double>(), Is.LessThan(1e-10));
        // Fewer rows than columns: the shortest of the solutions.
        Tensor wide = randn([3, 7], ScalarType.Float64, generator: generator), right = randn([3, 1], ScalarType.Float64, generator: generator);
        var shortest = LeastSquares.Solve(wide, right);
        Assert.That((wide.matmul(shortest) - right).abs().max().item<double>(), Is.LessThan(1e-12));
        Assert.That(shortest.norm().item<double>(), Is.EqualTo(linalg.pinv(wide).matmul(right).norm().item<double>()).Within(1e-10));
        Assert.That(LeastSquares.Solve(zeros(4, 2), ones(4, 1)).abs().sum().item<float>(), Is.Zero);
    }

    [Test]
    public void BadInputIsRefused()
    {
        var grid = SplineGrid.Uniform(2, 3, 3);
        Assert.Multiple(() =>
        {
            Assert.That(() => LeastSquares.Solve(ones(3, 2), ones(4, 1)), Throws.ArgumentException);
            Assert.That(() => LeastSquares.Solve(ones(3, 2) / 0, ones(3, 1)), Throws.ArgumentException);
            Assert.That(() => SplineGrid.Uniform(1, 0, 3), Throws.ArgumentException);
            Assert.That(() => SplineGrid.Uniform(1, 3, -1), Throws.ArgumentException);
            Assert.That(() => SplineGrid.Uniform(1, 3, 3, 1, 1), Throws.ArgumentException);
            Assert.That(() => SplineGrid.FromSamples(zeros(0, 2), 3, 3), Throws.ArgumentException);
            Assert.That(() => BSpline.Basis(zeros(4, 3), grid, 3), Throws.ArgumentException);
            Assert.That(() => SplineSum.Apply(zeros(4, 2), grid, zeros(2, 5, 1), 3), Throws.ArgumentException);
            Assert.That(() => SplineSum.Apply(zeros(4, 2, ScalarType.Float64), grid, zeros(2, 6, 1), 3), Throws.ArgumentException);
        });
    }

    private static Tensor Grid(Case one, ScalarType type)
    {
        using var generator = new Generator(9);
        var grid = !one.Adaptive ? SplineGrid.Uniform(one.Features, one.Intervals, one.Order)
            : SplineGrid.FromSamples(randn([40, one.Features], generator: generator), one.Intervals, one.Order);
        if (one.Repeated && one.Intervals > 3) grid.select(1, one.Order + 2).copy_(grid.select(1, one.Order + 1));
        // Numbers of float32 in both types.
        return grid.to(type);
    }

    private static double[] Numbers(Tensor x) => x.flatten().to(ScalarType.Float64).data<double>().ToArray();
}
