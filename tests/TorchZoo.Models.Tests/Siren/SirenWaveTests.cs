using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Fields;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SirenWaveTests
{
    [Test]
    public void TheFreeFieldIsTheHankelFunctionTimesTheSource()
    {
        using var scope = NewDisposeScope();
        var loss = new HelmholtzPmlLoss { Wavenumber = 10 };
        // kr = 1, 5 and, with m = 4, 10. J₀ and Y₀ from Abramowitz and Stegun, table 9.1; libtorch has them to 4e-7.
        var near = tensor(new[,] { { 0.16, 0.18 } });
        Assert.That(Values(loss.FreeField(near, 0.1, 0.1, 0)), Is.EqualTo(Channels(0.7651976865579666, 0.0882569642156770)).Within(1e-12));
        var far = tensor(new[,] { { 0.4, 0.5 } });
        Assert.That(Values(loss.FreeField(far, 0.1, 0.1, 0)), Is.EqualTo(Channels(-0.1775967713143383, -0.3085176252490338)).Within(2e-7));
        var slow = loss.FreeField(far, 0.1, 0.1, 0, 4);
        Assert.That(Values(slow), Is.EqualTo(Channels(-0.2459357644513483, 0.0556711672835994)).Within(2e-7));
        // A wide source radiates less: by its Fourier transform.
        var ratio = Values(loss.FreeField(near, variance: 2e-3))[0] / Values(loss.FreeField(near, variance: 0))[0];
        Assert.That(ratio, Is.EqualTo(Math.Exp(-0.1)).Within(1e-13));

        // (1 + i)(i/4)(J − iY)
        static double[] Channels(double j, double y) => [(y - j) / 4, (y + j) / 4];
        static double[] Values(Tensor x) => x.flatten().data<double>().ToArray();
    }

    [Test]
    public void FiniteDifferencesApproachTheFreeField()
    {
        using var scope = NewDisposeScope();
        const double variance = 4e-3;
        var loss = new HelmholtzPmlLoss { Wavenumber = 10 };
        double[] errors = [.. new[] { 39, 79 }.Select(n =>
        {
            var field = Solve(loss, n, 0, 0, variance, ones(n, n, dtype: ScalarType.Float64));
            var grid = Nodes(n);
            // In the frame, outside the source.
            var inside = ((grid.abs().amax([1]) <= 0.5) & (grid.norm(1) > 0.35)).reshape(n, n);
            var truth = loss.FreeField(grid, variance: variance).reshape(n, n, 2);
            return ((field - truth)[inside].norm() / truth[inside].norm()).item<double>();
        })];
        Assert.That(errors[1], Is.LessThan(0.03));
        Assert.That(errors[0] / errors[1], Is.InRange(3.4, 4.6), "second order");
    }

    [Test]
    public void FiniteDifferencesAreTheOperator()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        using var net = new Siren(new SirenConfig
        { OutFeatures = 2, HiddenFeatures = 8, NumHiddenLayers = 1, FirstOmega0 = 2, HiddenOmega0 = 2 }, generator);
        net.to(ScalarType.Float64);
        var loss = new HelmholtzPmlLoss { Wavenumber = 3 };
        const int n = 159;
        var grid = Nodes(n);
        var slowness = 1 + 0.3 * grid.select(1, 0).cos();
        var expected = loss.Operator(grid, net.Jet(grid, SecondOrder.Each), slowness.unsqueeze(1)).reshape(n, n, 2);
        var values = net.forward(grid).reshape(n, n, 2);
        var product = loss.FiniteDifferences(slowness.reshape(n, n)).Multiply(complex(values.select(2, 0), values.select(2, 1)));
        // On the outermost nodes the edges count as 0.
        var error = (view_as_real(product) - expected)[1..^1, 1..^1];
        Assert.That(error.abs().max().item<double>(), Is.LessThan(2e-3 * expected.abs().max().item<double>()));
    }

    [Test]
    public void HelmholtzPointsFollowFromSeedAndStep()
    {
        using var scope = NewDisposeScope();
        var points = new HelmholtzPoints
        { Count = 1000, NearSource = 100, Sources = [(0.2, -0.1), (-0.5, 0.5)], Variance = 1e-4, Seed = 3 };
        var draw = points.Draw(7);
        Assert.That(draw.shape, Is.EqualTo(new long[] { 1000, 2 }));
        Assert.That(draw.Equals(points.Draw(7)));
        Assert.That(draw.Equals(points.Draw(8)), Is.False);
        Assert.That(draw.Equals((points with { Seed = 4 }).Draw(7)), Is.False);
        Assert.That(draw.abs().max().item<float>(), Is.LessThanOrEqualTo(1));
        Assert.That(draw[..800].mean().item<float>(), Is.EqualTo(0).Within(0.1));
        foreach (var (i, (x, y)) in points.Sources.Index())
        {
            var distance = (draw[(800 + 100 * i)..(900 + 100 * i)] - tensor(new[] { (float)x, (float)y })).norm(1);
            // Uniform by area: half of them beyond 1/√2 of the radius.
            Assert.That(distance.max().item<float>(), Is.InRange(0.04, 0.0501));
            Assert.That(distance.median().item<float>(), Is.EqualTo(0.05 / Math.Sqrt(2)).Within(0.006));
        }
        Assert.That(() => points.Draw(-1), Throws.ArgumentException);
        Assert.That(() => (points with { Count = 200 }).Draw(0), Throws.ArgumentException);
        Assert.That(() => (points with { Variance = 0 }).Draw(0), Throws.ArgumentException);
        Assert.That(() => (points with { NearSource = -1 }).Draw(0), Throws.ArgumentException);
    }

    [Test]
    public void WavePointsReachLaterTimesAsTheirShareGrows()
    {
        using var scope = NewDisposeScope();
        var points = new WavePoints { Count = 1000, AtStart = 50, Duration = 0.4, Source = (0.3, 0), Variance = 1e-4, Seed = 3 };
        var (coords, atStart) = points.Draw(7, 0.5);
        Assert.That(coords.shape, Is.EqualTo(new long[] { 1000, 3 }));
        Assert.That(coords.Equals(points.Draw(7, 0.5).Coords));
        Assert.That(coords.Equals(points.Draw(8, 0.5).Coords), Is.False);
        Assert.That(coords.Equals((points with { Seed = 4 }).Draw(7, 0.5).Coords), Is.False);
        var times = coords.select(1, 0);
        Assert.That(atStart.shape, Is.EqualTo(new long[] { 1000, 1 }));
        Assert.That(atStart.sum().item<long>(), Is.EqualTo(100));
        Assert.That(times[900..].abs().max().item<float>(), Is.Zero);
        Assert.That(atStart[900..].all().item<bool>());
        // The same draws, stretched.
        Assert.That(times[..900].max().item<float>(), Is.InRange(0.19, 0.2));
        Assert.That((points.Draw(7, 1).Coords.select(1, 0) - 2 * times).abs().max().item<float>(), Is.LessThan(1e-6));
        Assert.That(points.Draw(7, 0).Coords.select(1, 0).abs().max().item<float>(), Is.Zero);
        Assert.That(coords.narrow(1, 1, 2).abs().max().item<float>(), Is.LessThanOrEqualTo(1));
        var near = (coords[950..].narrow(1, 1, 2) - tensor(new[] { 0.3f, 0 })).norm(1);
        Assert.That(near.max().item<float>(), Is.LessThanOrEqualTo(0.0501));
        Assert.That(() => points.Draw(-1, 0), Throws.ArgumentException);
        Assert.That(() => points.Draw(0, 1.1), Throws.ArgumentException);
        Assert.That(() => points.Draw(0, double.NaN), Throws.ArgumentException);
        Assert.That(() => (points with { AtStart = 501 }).Draw(0, 1), Throws.ArgumentException);
    }

    [Test]
    public void TheWaveOperatorAloneGivesTheSameLoss()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        using var net = new Siren(new SirenConfig { InFeatures = 3, HiddenFeatures = 8 }, generator);
        net.to(ScalarType.Float64);
        var (points, atStart) = new WavePoints { Count = 50, AtStart = 10 }.Draw(0, 1);
        var coords = points.to(ScalarType.Float64);
        var initial = WaveLoss.Bump(coords);
        var expected = WaveLoss.Loss(net.Jet(coords, SecondOrder.Each), initial, atStart, tensor(4.0));
        var operatorAlone = WaveLoss.Loss(net.Jet(coords, SecondOrder.Weighted(1, -4, -4)), initial, atStart);
        Assert.That(operatorAlone.item<double>(), Is.EqualTo(expected.item<double>()).Within(1e-9 * expected.item<double>()));
        Assert.That(() => WaveLoss.Loss(net.Jet(coords, SecondOrder.Weighted(1, -4, -4)), initial, atStart, tensor(4.0)),
            Throws.ArgumentException);
    }

    private static Tensor Nodes(int n)
    {
        var axis = linspace(-1, 1, n + 2, ScalarType.Float64)[1..^1];
        return stack(meshgrid([axis, axis], "ij").Select(a => a.flatten()), -1);
    }

    // Values at the nodes (n, n, 2)
    private static Tensor Solve(HelmholtzPmlLoss loss, int n, double x, double y, double variance, Tensor slowness)
    {
        var source = HelmholtzPmlLoss.GaussianSource(Nodes(n), x, y, variance).reshape(n, n, 2);
        var field = loss.FiniteDifferences(slowness).Solve(complex(source.select(2, 0), source.select(2, 1)).unsqueeze(2));
        return view_as_real(field.squeeze(2));
    }
}
