using NUnit.Framework;
using TorchZoo.Data.FunctionSpaces;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.FunctionSpaces;

public sealed class FunctionSpaceTests
{
    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    private static Tensor Grid(long n, double to = 1) => linspace(0, to, n, dtype: ScalarType.Float64);

    private static readonly FunctionSpace[] s_spaces =
    [
        new GaussianProcessSpace { GridPoints = 100 },
        new GaussianProcessSpace { GridPoints = 100, Kernel = Kernel.Exponential, Length = 3 },
        new GaussianProcessSpace { GridPoints = 100, Kernel = Kernel.Periodic, LengthScale = 0.7 },
        new KarhunenLoeveSpace(),
        new PowerSeriesSpace { Terms = 7, Length = 2 },
        new ChebyshevSpace { Terms = 7 },
    ];

    [TestCaseSource(nameof(s_spaces))]
    public void FirstFunctionsDontDependOnHowManyFollow(FunctionSpace space)
    {
        using var scope = NewDisposeScope();
        Tensor Draw(long n)
        {
            using var generator = new Generator(5);
            return space.Sample(n, generator);
        }
        Assert.That(Distance(Draw(13)[..4], Draw(4)), Is.LessThan(1e-12));
        Assert.That(Draw(0).shape[0], Is.Zero);
        Assert.That(space.Evaluate(Draw(0), Grid(3, space.Length)).shape, Is.EqualTo(new long[] { 0, 3 }));
    }

    [TestCaseSource(nameof(s_spaces))]
    public void OwnPointsAndSharedPointsGiveTheSame(FunctionSpace space)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        var features = space.Sample(3, generator);
        var xs = Grid(11, space.Length);
        var shared = space.Evaluate(features, xs);
        Assert.That(shared.dtype, Is.EqualTo(ScalarType.Float64));
        Assert.That(Distance(space.Evaluate(features, xs.expand(3, -1)), shared), Is.LessThan(1e-14));
        Assert.That(() => space.Evaluate(features, xs.expand(2, -1)), Throws.ArgumentException.With.Property("ParamName").EqualTo("xs"));
        Assert.That(() => space.Evaluate(features.narrow(1, 0, 2), xs), Throws.ArgumentException.With.Property("ParamName").EqualTo("features"));
    }

    [Test]
    public void GaussianProcessHasItsCovariance()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var space = new GaussianProcessSpace { LengthScale = 0.2, GridPoints = 201 };
        var u = space.Evaluate(space.Sample(20_000, generator), tensor(new[] { 0, 0.5, 0.7, 1 }));
        var covariance = u.t().matmul(u) / 20_000;
        foreach (var i in new[] { 0, 1, 3 }) Assert.That(covariance[i, i].item<double>(), Is.EqualTo(1).Within(3).Percent);
        Assert.That(covariance[1, 2].item<double>(), Is.EqualTo(Math.Exp(-0.5)).Within(0.02));
        Assert.That(u.mean([0]).abs().max().item<double>(), Is.LessThan(0.03));
    }

    // Few points, so that the whole matrix can be compared.
    [TestCase(Kernel.Rbf)]
    [TestCase(Kernel.Exponential)]
    [TestCase(Kernel.Periodic)]
    public void KernelsAreTheirFormulas(Kernel kernel)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        const double l = 0.6, length = 2;
        var space = new GaussianProcessSpace { Kernel = kernel, LengthScale = l, Length = length, GridPoints = 9 };
        double K(double d) => kernel switch
        {
            Kernel.Rbf => Math.Exp(-d * d / (2 * l * l)),
            Kernel.Exponential => Math.Exp(-Math.Abs(d) / l),
            _ => Math.Exp(-2 * Math.Pow(Math.Sin(Math.PI * d / length), 2) / (l * l)),
        };
        var expected = new double[9, 9];
        for (var i = 0; i < 9; i++)
            for (var j = 0; j < 9; j++) expected[i, j] = K((i - j) * 0.25);
        Assert.That(Distance(space.Covariance(Grid(9, length)), tensor(expected)), Is.LessThan(1e-15));
        var u = space.Sample(40_000, generator);
        Assert.That(Distance(u.t().matmul(u) / 40_000, tensor(expected)), Is.LessThan(0.028)); // 4 standard errors
        if (kernel == Kernel.Periodic) Assert.That(Distance(u[.., 0], u[.., 8]), Is.LessThan(3e-6)); // the jitter's √(2e-13), six times
    }

    [Test]
    public void FactorsReproduceSingularMatrices()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(11);
        var root = randn([6, 2], dtype: ScalarType.Float64, generator: generator);
        var singular = root.matmul(root.t());
        // Rounding can leave eigenvalues below what the jitter lifts: there the Cholesky factor does not exist.
        foreach (var defect in new[] { 0, 1e-10 })
        {
            var factor = Covariance.Factor(singular - eye(6, dtype: ScalarType.Float64) * defect);
            Assert.That(Distance(factor.matmul(factor.t()), singular), Is.LessThan(2e-10));
        }
    }

    [Test]
    public void VarianceOfTheAntiderivativeIsItsClosedForm()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        const double l = 0.2;
        var space = new GaussianProcessSpace { LengthScale = l, GridPoints = 201 };
        var u = space.Evaluate(space.Sample(20_000, generator), Grid(201));
        var s = Quadrature.CumulativeSimpson(u, 1.0 / 200).select(1, -1);
        // erf(1/(√2 l)) is 1 − 6e-7 here.
        var expected = l * Math.Sqrt(2 * Math.PI) * 0.99999943 - 2 * l * l * (1 - Math.Exp(-1 / (2 * l * l)));
        Assert.That(expected, Is.EqualTo(0.42133).Within(1e-5));
        Assert.That(s.square().mean().item<double>(), Is.EqualTo(expected).Within(3).Percent); // 3 standard errors
    }

    [Test]
    public void KarhunenLoeveEigenvaluesAreThePublishedOnes()
    {
        using var scope = NewDisposeScope();
        var space = new KarhunenLoeveSpace { Terms = 100 };
        var (values, functions) = space.Eigenpairs();
        Assert.That(values[..8].data<double>().ToArray(), Is.EqualTo(new[] { 0.4404, 0.2997, 0.1597, 0.0678, 0.0235, 0.0068, 0.00168, 0.00036 }).Within(1e-3));
        Assert.That(values.sum().item<double>(), Is.EqualTo(1).Within(1e-12));
        var weights = full(100, 1.0 / 99, dtype: ScalarType.Float64);
        weights[0] *= 0.5;
        weights[-1] *= 0.5;
        Assert.That(Distance((functions * weights).matmul(functions.t()), eye(100, dtype: ScalarType.Float64)), Is.LessThan(1e-10));
        // Mercer: the terms add up to the covariance.
        Assert.That(Distance((functions.t() * values).matmul(functions), new GaussianProcessSpace().Covariance(Grid(100))), Is.LessThan(1e-10));
        Assert.That((space with { Terms = 3 }).Eigenpairs().Functions.shape, Is.EqualTo(new long[] { 3, 100 }));
        Assert.That(() => (space with { GridPoints = 99 }).Eigenpairs(), Throws.ArgumentException.With.Property("ParamName").EqualTo("Terms"));
    }

    [Test]
    public void KarhunenLoeveFunctionsHaveTheProcessesCovariance()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        var space = new KarhunenLoeveSpace { Terms = 12, LengthScale = 0.5, Length = 2 };
        var u = space.Evaluate(space.Sample(20_000, generator), Grid(5, 2));
        Assert.That(Distance(u.t().matmul(u) / 20_000, new GaussianProcessSpace { LengthScale = 0.5, Length = 2 }.Covariance(Grid(5, 2))), Is.LessThan(0.04));
    }

    [Test]
    public void PolynomialsAreThoseOfTheirBasis()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        var xs = Grid(21);
        var (power, chebyshev) = (new PowerSeriesSpace { Terms = 6, Magnitude = 2 }, new ChebyshevSpace { Terms = 20 });
        var a = power.Sample(500, generator);
        Assert.That(a.abs().max().item<double>(), Is.InRange(1.99, 2));
        var sum = Enumerable.Range(0, 6).Select(i => a.narrow(1, i, 1) * xs.pow(i)).Aggregate((x, y) => x + y);
        Assert.That(Distance(power.Evaluate(a, xs), sum), Is.LessThan(1e-12));
        a = chebyshev.Sample(5, generator);
        sum = Enumerable.Range(0, 20).Select(i => a.narrow(1, i, 1) * ((xs * 2 - 1).acos() * i).cos()).Aggregate((x, y) => x + y);
        Assert.That(Distance(chebyshev.Evaluate(a, xs), sum), Is.LessThan(1e-12));
        Assert.That(Distance((chebyshev with { Terms = 1 }).Evaluate(a[.., ..1], xs), a[.., ..1]), Is.Zero);
    }

    [Test]
    public void FieldsOfTwoVariablesHaveTheirCovariance()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(10);
        var space = new GaussianProcessSpace2d { LengthScale = 0.3, GridPoints = 20 };
        var points = tensor(new[,] { { 0, 0 }, { 0.3, 0 }, { 0.3, 0.3 }, { 1, 0.517 } });
        var features = space.Sample(4000, generator);
        var u = space.Evaluate(features, points);
        var squares = (points.unsqueeze(1) - points.unsqueeze(0)).square().sum(2);
        Assert.That(Distance(u.t().matmul(u) / 4000, (squares / (-2 * 0.09)).exp()), Is.LessThan(0.08));
        // Values at grid points are the features, the first axis being x.
        Assert.That(Distance(space.Evaluate(features[..3], tensor(new[,] { { 2.0 / 19, 5.0 / 19 } })).squeeze(1), features[..3, 2, 5]), Is.LessThan(1e-9));
        Assert.That(() => space.Evaluate(features, rand(4, 3)), Throws.ArgumentException.With.Property("ParamName").EqualTo("xs"));
        Assert.That(() => space.Evaluate(features[0], points), Throws.ArgumentException.With.Property("ParamName").EqualTo("features"));
    }

    [Test]
    public void Wasserstein2IsThePublishedDistance()
    {
        using var scope = NewDisposeScope();
        GaussianProcessSpace L(double l) => new() { LengthScale = l };
        Assert.That(Wasserstein2.Distance(L(0.1), L(1)), Is.EqualTo(0.891).Within(5e-4));
        Assert.That(Wasserstein2.Distance(L(0.2), L(1)), Is.EqualTo(0.649).Within(5e-4));
        Assert.That(Wasserstein2.Distance(L(1), L(0.2)), Is.EqualTo(Wasserstein2.Distance(L(0.2), L(1))).Within(1e-6));
        Assert.That(Wasserstein2.Distance(L(0.2), L(0.2)), Is.LessThan(1e-4));
        // Matrices that commute: the distance of their roots.
        var (a, b) = (tensor(new[] { 4.0, 9 }).diag(), tensor(new[] { 1.0, 25 }).diag());
        Assert.That(Wasserstein2.Distance(a, b), Is.EqualTo(Math.Sqrt((1 + 4) / 2.0)).Within(1e-12));
        Assert.That(() => Wasserstein2.Distance(a, eye(3)), Throws.ArgumentException.With.Property("ParamName").EqualTo("second"));
        Assert.That(() => Wasserstein2.Distance(L(1), L(1) with { Length = 2 }), Throws.ArgumentException.With.Property("ParamName").EqualTo("second"));
    }

    [Test]
    public void SensorInterpolationFallsWithTheSquareOfTheSensors()
    {
        var space = new GaussianProcessSpace { LengthScale = 0.2 };
        var error = new[] { 6, 11, 21, 51 }.Select(m => SensorInterpolation.Error(space, m)).ToArray();
        TestContext.Out.WriteLine(string.Join(", ", error));
        foreach (var (measured, published) in error.Zip([0.196, 0.0531, 0.0135, 0.00218])) Assert.That(measured, Is.EqualTo(published).Within(5).Percent);
        Assert.That(Math.Log(error[3] / error[2]) / Math.Log(50.0 / 20), Is.EqualTo(-2).Within(0.03));
        Assert.That(() => SensorInterpolation.Error(space, 1), Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo("sensors"));
        Assert.That(() => SensorInterpolation.Error(new GaussianProcessSpace2d(), 5), Throws.ArgumentException.With.Property("ParamName").EqualTo("space"));
    }

    [Test]
    public void BadSettingsAreRefused()
    {
        void Refused(Func<FunctionSpace> make, string name) => Assert.That(make, Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(name));
        Refused(() => new GaussianProcessSpace { LengthScale = 0 }, "LengthScale");
        Refused(() => new GaussianProcessSpace { Length = double.NaN }, "Length");
        Refused(() => new GaussianProcessSpace { GridPoints = 1 }, "GridPoints");
        Refused(() => new ChebyshevSpace { Terms = 0 }, "Terms");
        Refused(() => new PowerSeriesSpace { Magnitude = -1 }, "Magnitude");
        using var generator = new Generator(0);
        Assert.That(() => new ChebyshevSpace().Sample(-1, generator), Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo("n"));
    }
}
