using NUnit.Framework;
using TorchZoo.Models.Neurons;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class SeluMomentsTests
{
    private const ScalarType Double = ScalarType.Float64;

    [Test]
    public void TheConstantsAreTheClosedForms()
    {
        using var scope = NewDisposeScope();
        double Erfc(double x) => tensor(x).erfc().item<double>();
        var (a, b) = (Erfc(1 / Math.Sqrt(2)), Erfc(Math.Sqrt(2)));
        var alpha = -Math.Sqrt(2 / Math.PI) / (a * Math.Exp(0.5) - 1);
        var lambda = (1 - a * Math.Sqrt(Math.E)) * Math.Sqrt(2 * Math.PI) / Math.Sqrt(
            2 * b * Math.E * Math.E + Math.PI * a * a * Math.E - 2 * (2 + Math.PI) * a * Math.Sqrt(Math.E) + Math.PI + 2);
        Assert.That(alpha, Is.EqualTo(SeluParameters.Alpha).Within(1e-13));
        Assert.That(lambda, Is.EqualTo(SeluParameters.Lambda).Within(1e-13));
    }

    [Test]
    public void OtherFixedPointsAreFound()
    {
        var (alpha, lambda) = SeluParameters.Solve();
        Assert.That(alpha, Is.EqualTo(SeluParameters.Alpha).Within(1e-8));
        Assert.That(lambda, Is.EqualTo(SeluParameters.Lambda).Within(1e-8));
        foreach (var (mean, variance) in new[] { (0, 2), (0.1, 1), (-0.2, 0.5) })
        {
            (alpha, lambda) = SeluParameters.Solve(mean, variance);
            var again = SeluMoments.Map(mean, 0, variance, 1, alpha, lambda);
            Assert.That(again.Mean, Is.EqualTo(mean).Within(1e-10));
            Assert.That(again.Variance, Is.EqualTo(variance).Within(1e-10));
        }
    }

    [Test]
    public void NormalInputsStayNormal()
    {
        var (mean, variance) = SeluMoments.Map(0, 0, 1, 1);
        Assert.That(mean, Is.Zero.Within(1e-14));
        Assert.That(variance, Is.EqualTo(1).Within(1e-14));
    }

    [TestCase(0.1, 1.4, 0.13128, 1.33960)]
    [TestCase(-0.1, 0.85, -0.11274, 0.85276)]
    public void MeanAndVarianceAreThoseOfSamples(double mu, double nu, double mean, double variance)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var map = SeluMoments.Map(mu, 1, nu, 1);
        Assert.That(map.Mean, Is.EqualTo(mean).Within(3e-4));
        Assert.That(map.Variance, Is.EqualTo(variance).Within(3e-4));
        var y = nn.functional.selu(randn([2_000_000], Double, generator: generator) * Math.Sqrt(nu) + mu);
        Assert.That(y.mean().item<double>(), Is.EqualTo(map.Mean).Within(4e-3));
        Assert.That(y.var().item<double>(), Is.EqualTo(map.Variance).Within(8e-3));
    }

    // Far from the fixed point, against the integral itself; e^{2(m+v)} alone would overflow in the last ones.
    [TestCase(0.3, 2.5)]
    [TestCase(-2, 0.5)]
    [TestCase(3, 0.02)]
    [TestCase(-5, 30)]
    [TestCase(0, 400)]
    [TestCase(350, 100)]
    [TestCase(-60, 1)]
    public void TheClosedFormIsTheIntegral(double m, double v)
    {
        using var scope = NewDisposeScope();
        var t = linspace(-12, 12, 2_000_001, Double);
        var density = (-t.square() / 2).exp() / Math.Sqrt(2 * Math.PI) * (24 / 2_000_000.0);
        var y = nn.functional.selu(m + Math.Sqrt(v) * t);
        var mean = (density * y).sum().item<double>();
        var variance = (density * (y - mean).square()).sum().item<double>();
        var map = SeluMoments.Map(m, 1, v, 1);
        Assert.That(map.Mean, Is.EqualTo(mean).Within(1e-6 * Math.Max(1, Math.Abs(mean))));
        Assert.That(map.Variance, Is.EqualTo(variance).Within(1e-6 * Math.Max(1, variance)));
    }

    [Test]
    public void DerivativesAtTheFixedPoint()
    {
        var jacobian = SeluMoments.Jacobian(0, 1);
        Assert.That(jacobian[0, 0], Is.EqualTo(0.98523).Within(1e-5));
        Assert.That(jacobian[0, 1], Is.EqualTo(0.088835).Within(1e-6));
        Assert.That(jacobian[1, 1], Is.EqualTo(0.782648).Within(1e-6));
        var without = SeluMoments.Jacobian(0, 1, omega: 0);
        Assert.That((without[0, 0], without[1, 0]), Is.EqualTo((0.0, 0.0)), "triangular: the eigenvalues are 0 and the other");
        Assert.That(without[1, 1], Is.EqualTo(0.7826).Within(1e-4));
        const double step = 1e-5;
        var at = (Mu: 0.07, Nu: 1.2);
        jacobian = SeluMoments.Jacobian(at.Mu, at.Nu, -0.6, 1.05);
        (double Mean, double Variance) Map(double dm, double dv) => SeluMoments.Map(at.Mu + dm, -0.6, at.Nu + dv, 1.05);
        Assert.That(jacobian[0, 0], Is.EqualTo((Map(step, 0).Mean - Map(-step, 0).Mean) / (2 * step)).Within(1e-8));
        Assert.That(jacobian[0, 1], Is.EqualTo((Map(0, step).Mean - Map(0, -step).Mean) / (2 * step)).Within(1e-8));
        Assert.That(jacobian[1, 0], Is.EqualTo((Map(step, 0).Variance - Map(-step, 0).Variance) / (2 * step)).Within(1e-8));
        Assert.That(jacobian[1, 1], Is.EqualTo((Map(0, step).Variance - Map(0, -step).Variance) / (2 * step)).Within(1e-8));
    }

    [Test]
    public void TheoremsOnGrids()
    {
        using var scope = NewDisposeScope();
        // 1: what begins in the box stays there.
        var (means, variances) = Grid((-0.1, 0.1), (-0.1, 0.1), (0.8, 1.5), (0.95, 1.1));
        Assert.That(means.min().item<double>(), Is.EqualTo(-0.0311).Within(1e-4));
        Assert.That(means.max().item<double>(), Is.EqualTo(0.0677).Within(1e-4));
        Assert.That(variances.min().item<double>(), Is.EqualTo(0.8037).Within(1e-4));
        Assert.That(variances.max().item<double>(), Is.EqualTo(1.4816).Within(1e-4));
        // 2 and 3: great variances shrink, small ones grow.
        Assert.That(Ratios((3, 16), (0.8, 1.25)).max().item<double>(), Is.LessThan(1));
        Assert.That(Ratios((0.02, 0.16), (0.8, 1.25)).min().item<double>(), Is.GreaterThan(1));
        Assert.That(Ratios((0.02, 0.24), (0.9, 1.25)).min().item<double>(), Is.GreaterThan(1));

        static (Tensor Mean, Tensor Variance) Grid(params (double Low, double High)[] ranges)
        {
            var axes = meshgrid([.. ranges.Select(r => linspace(r.Low, r.High, 21, Double))], "ij");
            return SeluMoments.Map(axes[0], axes[1], axes[2], axes[3]);
        }

        static Tensor Ratios((double Low, double High) nu, (double Low, double High) tau)
        {
            var wide = nu.High > 1 ? 1 : 0.1;
            var (_, variance) = Grid((-wide, wide), (-0.1, 0.1), nu, tau);
            return variance / linspace(nu.Low, nu.High, 21, Double).reshape(1, 1, -1, 1);
        }
    }

    [TestCase(1, new[] { 3.0, 4, 8, 16 }, new[] { 0.7830, 0.7353, 0.6377, 0.5636 })]
    [TestCase(0.8, new[] { 0.02, 0.05, 0.1, 0.16 }, new[] { 1.4170, 1.3234, 1.2325, 1.1612 })]
    public void VariancesAreDrawnToOne(double tau, double[] variances, double[] ratios) =>
        Assert.That(variances.Select(v => SeluMoments.Map(0, 0, v, tau).Variance / v), Is.EqualTo(ratios).Within(1e-4));

    [Test]
    public void IterationsEndAtTheFixedPoint()
    {
        foreach (var (mu, nu) in new[] { (0.1, 1.5), (-0.1, 0.8), (0, 16.0), (0, 0.02) })
        {
            var course = SeluMoments.Iterate(mu, nu, 80);
            Assert.That(course, Has.Count.EqualTo(80));
            Assert.That(course[^1].Mean, Is.Zero.Within(1e-6));
            Assert.That(course[^1].Variance, Is.EqualTo(1).Within(1e-6));
        }
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => SeluMoments.Map(0, 0, 0, 1), Throws.ArgumentException.With.Message.Contains("nu"));
            Assert.That(() => SeluMoments.Map(0, 0, 1, double.NaN), Throws.ArgumentException);
            Assert.That(() => SeluMoments.Map(double.NaN, 0, 1, 1), Throws.ArgumentException);
            Assert.That(() => SeluMoments.Jacobian(0, -1), Throws.ArgumentException);
            Assert.That(() => SeluMoments.Iterate(0, 1, -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => SeluMoments.Map(zeros(1), zeros(1), ones(1), ones(1)), Throws.ArgumentException);
            Assert.That(() => SeluParameters.Solve(0, 0), Throws.ArgumentException);
            Assert.That(() => SeluParameters.Solve(double.PositiveInfinity), Throws.ArgumentException);
        });
    }
}
