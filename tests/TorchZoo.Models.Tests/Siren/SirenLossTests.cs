using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SirenLossTests
{
    private static Tensor Points(long n, long d, ulong seed = 4)
    {
        using var generator = new Generator(seed);
        return FieldCoordinates.Uniform(n, d, generator, ScalarType.Float64);
    }

    [Test]
    public void ImageLossesAndPriors()
    {
        using var scope = NewDisposeScope();
        Tensor values = tensor(new double[,] { { 1 }, { 2 }, { -3 } }), mask = tensor(new double[,] { { 1 }, { 0 }, { 1 } });
        var target = zeros_like(values);
        Assert.Multiple(() =>
        {
            Assert.That(ImageLoss.Mse(values, target).item<double>(), Is.EqualTo(14 / 3.0).Within(1e-12));
            Assert.That(ImageLoss.Mse(values, target, mask).item<double>(), Is.EqualTo(10 / 3.0).Within(1e-12));
            Assert.That(ImageLoss.L1(values, target, mask).item<double>(), Is.EqualTo(4 / 3.0).Within(1e-12));
            Assert.That(ImageLoss.TotalVariation(values).item<double>(), Is.EqualTo(2).Within(1e-12));
            Assert.That(ImageLoss.HessianFrobenius(ones([5, 1, 2, 2], ScalarType.Float64) * 3).item<double>(), Is.EqualTo(6).Within(1e-12));
            Assert.That(() => ImageLoss.Mse(values, zeros(3)), Throws.ArgumentException);
            Assert.That(() => ImageLoss.Mse(values, target, ones(1, 3)), Throws.ArgumentException);
        });
    }

    [Test]
    public void GradientAndLaplaceLosses()
    {
        using var scope = NewDisposeScope();
        Tensor gradient = tensor(new double[,] { { 1, 2 }, { 3, 4 } }), zero = zeros_like(gradient);
        Assert.Multiple(() =>
        {
            Assert.That(GradientLoss.Mse(gradient, zero).item<double>(), Is.EqualTo(15).Within(1e-12));
            Assert.That(GradientLoss.Mse(gradient, zero, [10, 1]).item<double>(), Is.EqualTo((10 + 4 + 90 + 16) / 2.0).Within(1e-12));
            Assert.That(GradientLoss.Compose(gradient, zero, 0.25).Equals(gradient * 0.25), Is.True);
            Assert.That(LaplaceLoss.Mse(gradient, zero).item<double>(), Is.EqualTo(7.5).Within(1e-12));
            Assert.That(() => GradientLoss.Mse(gradient, zero, [1]), Throws.ArgumentException);
            Assert.That(() => GradientLoss.Compose(gradient, zero, 2), Throws.ArgumentException);
            Assert.That(() => LaplaceLoss.Mse(gradient, zeros(2)), Throws.ArgumentException);
        });
    }

    [Test]
    public void ASphereHasNoSdfLoss()
    {
        using var scope = NewDisposeScope();
        const double radius = 0.5;
        var off = Points(200, 3);
        var normals = off / linalg.vector_norm(off, 2, [-1], keepdim: true);
        var x = cat([normals * radius, off]).requires_grad_();
        var on = arange(400).unsqueeze(1) < 200;
        var field = linalg.vector_norm(x, 2, [-1], keepdim: true) - radius;
        var terms = new EikonalSdfLoss().Terms(field, DifferentialOperators.Gradient(field, x), on, cat([normals, normals]));
        var expectedOff = 100 * ((-100 * field.abs()).exp() * on.logical_not()).mean();
        Assert.Multiple(() =>
        {
            Assert.That(terms.Surface.item<double>(), Is.LessThan(1e-6));
            Assert.That(terms.Normals.item<double>(), Is.LessThan(1e-6));
            Assert.That(terms.Eikonal.item<double>(), Is.LessThan(1e-6));
            Assert.That(terms.OffSurface.item<double>(), Is.EqualTo(expectedOff.item<double>()).Within(1e-10));
            Assert.That(() => new EikonalSdfLoss().Terms(field, x, on.to(ScalarType.Int64), x), Throws.ArgumentException);
            Assert.That(() => new EikonalSdfLoss().Terms(field, x.narrow(0, 0, 5), on, x), Throws.ArgumentException);
        });
    }

    [Test]
    public void StandingWavesSolveTheWaveEquation()
    {
        using var scope = NewDisposeScope();
        const double c = 1.5, k = 3, l = 2;
        var w = c * Math.Sqrt(k * k + l * l);
        var x = Points(60, 3);
        x.narrow(1, 0, 1).narrow(0, 0, 20).zero_();
        Tensor t = x.narrow(1, 0, 1), a = x.narrow(1, 1, 1), b = x.narrow(1, 2, 1);
        Tensor u = (w * t).cos() * (k * a).sin() * (l * b).sin(), ut = -w * (w * t).sin() * (k * a).sin() * (l * b).sin();
        var jet = new FieldJet(u, stack([ut, ut, ut], -1), stack([-w * w * u, -k * k * u, -l * l * u], -1));
        var terms = WaveLoss.Terms(jet, (k * a).sin() * (l * b).sin(), t == 0, tensor(c * c, ScalarType.Float64));
        Assert.That(terms.Equation.item<double>(), Is.LessThan(1e-10));
        Assert.That(terms.Dirichlet.item<double>(), Is.LessThan(1e-10));
        Assert.That(terms.Neumann.item<double>(), Is.LessThan(1e-10));
        var wrong = WaveLoss.Terms(jet with { Value = u + 1 }, (k * a).sin() * (l * b).sin(), t == 0);
        Assert.That(wrong.Dirichlet.item<double>(), Is.EqualTo(20 * 60 / 10.0).Within(1e-9));
        Assert.That(WaveLoss.Bump(zeros(1, 3)).item<float>(), Is.EqualTo(0.02f));
        Assert.That(() => WaveLoss.Terms(jet, u, u), Throws.ArgumentException);
    }

    // J₀ and Y₀ by their series (x < 25 in float64: terms up to e²⁵ leave 5 digits), differentiated by differences as the specification asks.
    private static (double J, double Y) Bessel(double x)
    {
        double term = 1, j = 1, harmonic = 0, sum = 0;
        for (var m = 1; m < 80; m++)
        {
            term *= -x * x / 4 / (m * m);
            harmonic += 1.0 / m;
            j += term;
            sum -= harmonic * term;
        }
        return (j, 2 / Math.PI * ((Math.Log(x / 2) + 0.57721566490153286) * j + sum));
    }

    [Test]
    public void TheHankelFunctionSolvesTheHelmholtzEquation()
    {
        using var scope = NewDisposeScope();
        var loss = new HelmholtzPmlLoss();
        const double h = 1e-3, k = 20;
        // In the frame, away from the source and from the layers.
        var points = new[] { (0.2, 0.05), (-0.15, 0.25), (0.4, -0.3), (0.0, 0.45), (-0.33, -0.21) };
        foreach (var (x, y) in points)
        {
            // (i/4)(J − iY) = Y/4 + iJ/4
            double[] Field(double a, double b) { var (j, v) = Bessel(k * Math.Sqrt(a * a + b * b)); return [v / 4, j / 4]; }
            double[] at = Field(x, y), east = Field(x + h, y), west = Field(x - h, y), north = Field(x, y + h), south = Field(x, y - h);
            double[] Values(Func<int, double> f) => [f(0), f(1)];
            Tensor Row(double[] values) => tensor(values, ScalarType.Float64).unsqueeze(0);
            var jet = new FieldJet(Row(at),
                stack([Row(Values(i => (east[i] - west[i]) / 2 / h)), Row(Values(i => (north[i] - south[i]) / 2 / h))], -1),
                stack([Row(Values(i => (east[i] + west[i] - 2 * at[i]) / h / h)),
                    Row(Values(i => (north[i] + south[i] - 2 * at[i]) / h / h))], -1));
            var residual = loss.Operator(tensor(new[,] { { x, y } }), jet);
            Assert.That(residual.abs().max().item<double>(), Is.LessThan(1e-3 * k * k * at.Max(Math.Abs)));
        }
    }

    [Test]
    public void PmlOperatorIsItsDivergenceForm()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var net = new Siren(new SirenConfig
        {
            OutFeatures = 2,
            HiddenFeatures = 16,
            NumHiddenLayers = 1,
            FirstOmega0 = 4,
            HiddenOmega0 = 2
        }, generator)
            .to(ScalarType.Float64);
        var loss = new HelmholtzPmlLoss { Wavenumber = 7 };
        var x = Points(50, 2).requires_grad_();
        var slowness = Points(50, 1, 8).detach().abs();
        var ours = loss.Operator(x, net.Jet(x, SecondOrder.Each), slowness);

        // ∂_x(A ∂_xΦ) + ∂_y(B ∂_yΦ) + k²CmΦ term by term, with complex numbers as pairs and autograd outside.
        Tensor depth = (x.abs() - 0.5).clamp_min(0) / 0.5, s = 5 * depth.square();
        var (sx, sy) = (s.narrow(1, 0, 1), s.narrow(1, 1, 1));
        var jacobian = DifferentialOperators.Jacobian(net.forward(x), x);
        // A = (1 − i s_y)/(1 − i s_x)
        (Tensor Re, Tensor Im) Ratio(Tensor top, Tensor bottom) =>
            ((1 + top * bottom) / (1 + bottom.square()), (bottom - top) / (1 + bottom.square()));
        (Tensor Re, Tensor Im) Times((Tensor Re, Tensor Im) a, Tensor pair) =>
            (a.Re * pair.narrow(1, 0, 1) - a.Im * pair.narrow(1, 1, 1), a.Re * pair.narrow(1, 1, 1) + a.Im * pair.narrow(1, 0, 1));
        Tensor Along((Tensor Re, Tensor Im) flux, int axis) => cat([
            DifferentialOperators.Gradient(flux.Re, x).narrow(1, axis, 1), DifferentialOperators.Gradient(flux.Im, x)
                .narrow(1, axis, 1)], 1);
        var c = Times((1 - sx * sy, -sx - sy), net.forward(x));
        var expected = Along(Times(Ratio(sy, sx), jacobian.select(2, 0)), 0) + Along(Times(Ratio(sx, sy), jacobian.select(2, 1)), 1)
            + 49 * slowness * cat([c.Item1, c.Item2], 1);
        Assert.That(((ours - expected).abs().max() / expected.abs().max()).item<double>(), Is.LessThan(1e-12));

        var source = zeros_like(ours);
        source[0] = 2.0;
        var residual = (ours - source).abs();
        var total = residual.sum() + residual[0].sum() * (50 / 1000.0 - 1);
        Assert.That(loss.Loss(x, net.Jet(x, SecondOrder.Each), source, slowness).item<double>(), Is.EqualTo(total.item<double>())
            .Within(1e-9 * total.item<double>()));
        Assert.That(() => loss.Operator(x, net.Jet(x)), Throws.ArgumentException);
    }

    [Test]
    public void HelmholtzSourceAndInverseProblem()
    {
        using var scope = NewDisposeScope();
        var source = HelmholtzPmlLoss.GaussianSource(tensor(new[,] { { 0.3, 0.1 }, { 0.31, 0.1 }, { 0.9, 0.9 } }), 0.3, 0.1);
        var peak = 1 / (2 * Math.PI * 1e-4);
        double[] expected = [peak, peak, peak * Math.Exp(-0.5), peak * Math.Exp(-0.5), 0, 0];
        Assert.That(source.flatten().data<double>().ToArray(), Is.EqualTo(expected).Within(1e-9));
        using var generator = new Generator(3);
        var near = HelmholtzPmlLoss.PointsNearSource(500, 0.3, 0.1, generator: generator);
        var radius = linalg.vector_norm(near - tensor(new[] { 0.3f, 0.1f }), 2, [-1]);
        Assert.That(radius.max().item<float>(), Is.LessThanOrEqualTo(0.0501f));
        var slowness = new HelmholtzPmlLoss()
            .SquaredSlowness(tensor(new[,] { { 0.1, 0.2 }, { 0.1, 0.8 }, { 0.0, 0.0 } }), tensor(new[,] { { 0.5 }, { 0.5 }, { -4.0 } }));
        Assert.That(slowness.flatten().data<double>().ToArray(), Is.EqualTo(new[] { 1.5, 1, 0.001 }).Within(1e-12));
        var data = HelmholtzPmlLoss.DataTerm(tensor(new[,] { { 1.0, 2 }, { 3, 4 } }), tensor(new[,] { { 0.5, 0 }, { 0, 0 } }));
        Assert.That(data.item<double>(), Is.EqualTo(1).Within(1e-12));
    }

    [Test]
    public void ImageDerivativesOfAPlaneAndAParabola()
    {
        using var scope = NewDisposeScope();
        var (i, j) = (arange(7, dtype: ScalarType.Float64).unsqueeze(1), arange(9, dtype: ScalarType.Float64).unsqueeze(0));
        var plane = 2 * i - 3 * j;
        var sobel = ImageDerivatives.Sobel(plane).view(7, 9, 2)[2, 3];
        Assert.That(sobel.data<double>().ToArray(), Is.EqualTo(new[] { 16.0, -24 }).Within(1e-12));
        Assert.That(ImageDerivatives.Laplacian(i.square() + j.square() * 2).view(7, 9)[3, 4].item<double>(), Is.EqualTo(6).Within(1e-12));
        // Coordinates go from −1 to 1: 3 pixels a unit along rows, 4 along columns.
        Assert.That(ImageDerivatives.Central(plane)[1, 1].data<double>().ToArray(), Is.EqualTo(new[] { 6.0, -12 }).Within(1e-12));
        Assert.That(() => ImageDerivatives.Sobel(zeros(3)), Throws.ArgumentException);
        Assert.That(() => ImageDerivatives.Central(zeros(2, 5)), Throws.ArgumentException);
    }

    [Test]
    public void CoordinatesAreAsStated()
    {
        using var scope = NewDisposeScope();
        var grid = FieldCoordinates.Grid([3, 2], ScalarType.Float64);
        Assert.That(grid.flatten().data<double>().ToArray(), Is.EqualTo(new[] { -1.0, -1, -1, 1, 0, -1, 0, 1, 1, -1, 1, 1 }));
        Assert.That(FieldCoordinates.Audio(3).flatten().data<float>().ToArray(), Is.EqualTo(new[] { -100f, 0, 100 }));
        var cloud = FieldCoordinates.Normalize(tensor(new[,] { { 0.0, 0 }, { 4, 1 } }));
        Assert.That(cloud.flatten().data<double>().ToArray(), Is.EqualTo(new[] { -1, -0.25, 1, 0.25 }).Within(1e-12));
        Assert.That(() => FieldCoordinates.Normalize(ones(3, 2)), Throws.ArgumentException);
    }
}
