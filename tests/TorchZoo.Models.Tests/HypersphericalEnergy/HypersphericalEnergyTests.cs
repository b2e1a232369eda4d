using NUnit.Framework;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Tests;

public class HypersphericalEnergyTests
{
    private const ScalarType Double = ScalarType.Float64;

    [TestCase(4, 3.674234614)]
    [TestCase(6, 9.985281374)]
    [TestCase(12, 49.165253058)]
    [TestCase(20, 150.881568334)]
    public void ChargesOnTheSphereComeToRest(int n, double energy)
    {
        using var scope = NewDisposeScope();
        var (found, points) = ThomsonProblem.Minimize(n, 3, EnergyPower.Inverse, 6, 0);
        Assert.That(found, Is.EqualTo(energy).Within(1e-6));
        Assert.That(points.norm(1).allclose(ones(n, Double), 1e-12, 0));
        var distances = (points.unsqueeze(1) - points.unsqueeze(0)).norm(2).masked_select(ones(n, n).triu(1).to(ScalarType.Bool));
        Assert.That(distances.reciprocal().sum().item<double>(), Is.EqualTo(found).Within(1e-9));
    }

    [Test]
    public void FewPointsAreASimplexAndFewLinesAFrame([Values] EnergyPower s)
    {
        using var scope = NewDisposeScope();
        var (energy, points) = ThomsonProblem.Minimize(9, 8, s, 1, 1);
        var cosines = points.matmul(points.t());
        Assert.That((cosines - eye(9, dtype: Double) * 1.125 + 0.125).abs().max().item<double>(), Is.LessThan(1e-4));
        var distance = Math.Sqrt(2 + 2.0 / 8);
        var least = s == EnergyPower.Log ? -Math.Log(distance) : Math.Pow(distance, -(int)s);
        Assert.That(energy / 36, Is.EqualTo(least).Within(1e-8));
        Assert.That(HypersphericalEnergy.Of(points, s).item<double>(), Is.EqualTo(least).Within(1e-8));

        (energy, points) = ThomsonProblem.Minimize(5, 6, s, 1, 2, EnergySpace.Half);
        Assert.That((points.matmul(points.t()) - eye(5, dtype: Double)).abs().max().item<double>(), Is.LessThan(1e-4));
        least = s == EnergyPower.Log ? -Math.Log(Math.Sqrt(2)) : Math.Pow(2, -(int)s / 2.0);
        Assert.That(energy / 40, Is.EqualTo(least).Within(1e-8));

        var two = tensor(new[] { 3.0, -1, -6, 2 }).reshape(2, 2);
        Assert.That(HypersphericalEnergy.Of(two).item<double>(), Is.EqualTo(0.5).Within(1e-15));
    }

    [TestCase(EnergyPower.Log, EnergySpace.Full, EnergyMetric.Euclidean, -0.339)]
    [TestCase(EnergyPower.Inverse, EnergySpace.Full, EnergyMetric.Euclidean, 0.716)]
    [TestCase(EnergyPower.InverseSquare, EnergySpace.Full, EnergyMetric.Euclidean, 0.519)]
    [TestCase(EnergyPower.Log, EnergySpace.Half, EnergyMetric.Euclidean, -0.337)]
    [TestCase(EnergyPower.Inverse, EnergySpace.Half, EnergyMetric.Euclidean, 0.717)]
    [TestCase(EnergyPower.InverseSquare, EnergySpace.Half, EnergyMetric.Euclidean, 0.520)]
    [TestCase(EnergyPower.Log, EnergySpace.Full, EnergyMetric.Angular, -0.443)]
    [TestCase(EnergyPower.Inverse, EnergySpace.Full, EnergyMetric.Angular, 0.647)]
    [TestCase(EnergyPower.InverseSquare, EnergySpace.Full, EnergyMetric.Angular, 0.427)]
    public void OfRandomDirections(EnergyPower s, EnergySpace space, EnergyMetric metric, double expected)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var energy = HypersphericalEnergy.Of(randn([64, 27], Double, generator: generator), s, space, metric).item<double>();
        Assert.That(energy, Is.EqualTo(expected).Within(0.01));
    }

    [Test, Category("Property")]
    public void ItIsTheMeanOverPairs([Values] EnergyPower s, [Values] EnergySpace space, [Values] EnergyMetric metric)
    {
        using var scope = NewDisposeScope();
        var weight = randn(6, 4, Double);
        double[][] rows = [.. weight.unbind(0).Select(r => (r / r.norm()).data<double>().ToArray())];
        var expected = Mean(space == EnergySpace.Full ? rows : [.. rows, .. rows.Select(r => r.Select(v => -v).ToArray())],
            (i, j) => space == EnergySpace.Full || j != i + 6, Energy);
        Assert.That(HypersphericalEnergy.Of(weight, s, space, metric).item<double>(), Is.EqualTo(expected).Within(1e-9));
        using var loss = new HypersphericalEnergyLoss(s, space, metric);
        Assert.That(loss.call(weight).item<double>(), Is.EqualTo(expected).Within(1e-9));

        // As the authors' code has it, written from its formulas.
        double[][] shorter = [.. weight.unbind(0).Select(r => (r / (r.square().sum() + 1e-4).sqrt()).data<double>().ToArray())];
        var reference = Mean(space == EnergySpace.Full ? shorter : [.. shorter, .. shorter.Select(r => r.Select(v => -v).ToArray())],
            (_, _) => true, (a, b) =>
            {
                var c = Dot(a, b);
                var angle = Math.Acos(c) / Math.PI + 1e-4;
                return (metric, s) switch
                {
                    (EnergyMetric.Euclidean, EnergyPower.Log) => -Math.Log(2 - 2 * c),
                    (EnergyMetric.Euclidean, _) => Math.Pow(2 - 2 * c, -(int)s / 2.0),
                    (_, EnergyPower.Log) => -Math.Log(angle),
                    _ => 0.1 * Math.Pow(angle, -(int)s),
                };
            });
        Assert.That(HypersphericalEnergy.Of(weight, s, space, metric, referenceScaling: true).item<double>(),
            Is.EqualTo(reference).Within(1e-6));

        double Energy(double[] a, double[] b)
        {
            var d = metric == EnergyMetric.Euclidean ? Math.Sqrt(a.Zip(b).Sum(p => (p.First - p.Second) * (p.First - p.Second)))
                : Math.Acos(Dot(a, b));
            return s == EnergyPower.Log ? -Math.Log(d) : Math.Pow(d, -(int)s);
        }

        static double Dot(double[] a, double[] b) => a.Zip(b).Sum(p => p.First * p.Second);

        static double Mean(double[][] all, Func<int, int, bool> counts, Func<double[], double[], double> energy) =>
            (from j in Enumerable.Range(0, all.Length) from i in Enumerable.Range(0, j) where counts(i, j) select energy(all[i], all[j]))
            .Average();
    }

    [Test, Category("Property")]
    public void OnlyDirectionsCount([Values] EnergyPower s, [Values] EnergySpace space, [Values] EnergyMetric metric)
    {
        using var scope = NewDisposeScope();
        var weight = randn(7, 5, Double);
        double Of(Tensor w) => HypersphericalEnergy.Of(w, s, space, metric).item<double>();
        var energy = Of(weight);
        var scale = (randn(7, 1, Double) * 3).exp();
        var rotation = linalg.qr(randn(5, 5, Double)).Q;
        Assert.That(Of(weight * scale), Is.EqualTo(energy).Within(1e-12));
        Assert.That(Of(weight.matmul(rotation)), Is.EqualTo(energy).Within(1e-12));
        Assert.That(Of(weight.index_select(0, randperm(7))), Is.EqualTo(energy).Within(1e-12));
        var signs = tensor(new[] { 1.0, -1, 1, 1, -1, 1, -1 }).unsqueeze(1);
        Assert.That(Of(weight * signs), space == EnergySpace.Half ? Is.EqualTo(energy).Within(1e-12) : Is.Not.EqualTo(energy).Within(1e-6));
        var given = weight.detach().requires_grad_();
        var gradient = autograd.grad([HypersphericalEnergy.Of(given, s, space, metric)], [given])[0];
        Assert.That((weight * gradient).sum(1).abs().max().item<double>(), Is.LessThan(1e-10), "tangential");
    }

    [Test]
    public void Gradients([Values] EnergyPower s, [Values] EnergySpace space, [Values] EnergyMetric metric, [Values] bool reference)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var weight = randn([4, 3], Double, generator: generator);
        // The reference's pairs of opposites have an angle of nearly π, where differences are bad.
        var tolerance = reference && metric == EnergyMetric.Angular && space == EnergySpace.Half ? 1e-5 : 1e-7;
        GradCheck.Run(w => [HypersphericalEnergy.Of(w[0]!, s, space, metric, referenceScaling: reference)], [weight], tolerance: tolerance);
        if (reference || space == EnergySpace.Half || metric == EnergyMetric.Angular || s != EnergyPower.Inverse) return;
        // The closed form: Σ_j −(ŵ_i − ŵ_j)/d³, tangential, over the norm; the mean is over 6 pairs.
        var given = weight.detach().requires_grad_();
        var gradient = autograd.grad([HypersphericalEnergy.Of(given)], [given])[0];
        var norms = weight.norm(1, keepdim: true);
        var units = weight / norms;
        var differences = units.unsqueeze(1) - units.unsqueeze(0);
        var byUnit = -(differences / (differences.norm(2, keepdim: true).pow(3) + eye(4, dtype: Double).unsqueeze(2))).sum(1) / 6;
        var expected = (byUnit - units * (units * byUnit).sum(1, keepdim: true)) / norms;
        Assert.That(gradient.allclose(expected, 1e-10, 1e-12));
    }

    [Test]
    public void EqualAndZeroRowsStayFinite([Values] EnergyPower s, [Values] EnergySpace space, [Values] EnergyMetric metric,
        [Values(ScalarType.Float32, ScalarType.Float64)] ScalarType type, [Values] bool reference)
    {
        using var scope = NewDisposeScope();
        foreach (var weight in new[] { cat([ones(2, 3, type), eye(3, dtype: type)]), cat([zeros(1, 3, type), eye(3, dtype: type)]) })
        {
            var w = weight.requires_grad_();
            var energy = HypersphericalEnergy.Of(w, s, space, metric, referenceScaling: reference);
            Assert.That(energy.isfinite().item<bool>());
            Assert.That(autograd.grad([energy], [w])[0].isfinite().all().item<bool>());
        }
        if (reference) return;
        var spread = HypersphericalEnergy.Of(eye(5, dtype: type), s, space, metric).to(Double).item<double>();
        Assert.That(HypersphericalEnergy.Of(cat([ones(2, 5, type), eye(5, dtype: type)[..3]]), s, space, metric).to(Double).item<double>(),
            Is.GreaterThan(spread + 0.3));
    }

    [Test]
    public void WeightsOfAnyLayer()
    {
        using var scope = NewDisposeScope();
        var weight = randn(6, 3, 2, 2);
        var energy = HypersphericalEnergy.Of(weight).item<float>();
        Assert.That(HypersphericalEnergy.Of(weight.reshape(6, 12)).item<float>(), Is.EqualTo(energy));
        Assert.That(HypersphericalEnergy.Of(weight.transpose(0, 1), transposed: true).item<float>(), Is.EqualTo(energy));
        Assert.That(HypersphericalEnergy.Of(weight.to(ScalarType.BFloat16)).item<float>(), Is.EqualTo(energy).Within(1e-2));
        var one = randn(1, 5).requires_grad_();
        var alone = HypersphericalEnergy.Of(one);
        Assert.That((alone.item<float>(), alone.requires_grad), Is.EqualTo((0f, false)));
    }

    [Test]
    public void RandomRowsHaveTheSameEnergyOnAverage()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var weight = randn([40, 12], generator: generator) + 0.5;
        var all = HypersphericalEnergy.Of(weight).item<float>();
        var mean = 0.0;
        for (var i = 0; i < 2000; i++)
        {
            using var inner = NewDisposeScope();
            mean += HypersphericalEnergy.Of(weight, sample: 8, generator: generator).item<float>() / 2000;
        }
        Assert.That(mean, Is.EqualTo(all).Within(0.01 * all));
        Assert.That(HypersphericalEnergy.Of(weight, sample: 40).item<float>(), Is.EqualTo(all));
    }

    [Test]
    public void TheRegularizerAddsUpTheLayers()
    {
        using var scope = NewDisposeScope();
        using var net = Sequential(("conv", Conv2d(2, 4, 3)), ("norm", BatchNorm2d(4)), ("up", ConvTranspose2d(4, 3, 2)),
            ("gate", Linear(5, 1)), ("hidden", Linear(5, 6)), ("head", Linear(6, 3, hasBias: false)));
        var state = net.state_dict();
        double Of(string name, EnergySpace space, bool transposed = false) =>
            HypersphericalEnergy.Of(state[name + ".weight"], EnergyPower.InverseSquare, space, transposed: transposed).item<float>();
        var regularizer = new MheRegularizer(net, 0.5, 3, EnergyPower.InverseSquare);
        var report = regularizer.Report();
        Assert.That(report.Keys, Is.EqualTo(new[] { "conv", "up", "hidden", "head" }), "without the layer of one output");
        Assert.That(report["up"], Is.EqualTo(Of("up", EnergySpace.Half, true)).Within(1e-7));
        Assert.That(report["head"], Is.EqualTo(Of("head", EnergySpace.Full)).Within(1e-7));
        var loss = regularizer.Loss();
        var expected = 0.5 * (report["conv"] + report["up"] + report["hidden"]) + 3 * report["head"];
        Assert.That(loss.item<float>(), Is.EqualTo(expected).Within(1e-5));
        loss.backward();
        foreach (var name in report.Keys) Assert.That(state[$"{name}.weight"].grad!.abs().sum().item<float>(), Is.Positive);

        var some = new MheRegularizer(net, select: (name, _) => name is "conv" or "up", hiddenSpace: EnergySpace.Full);
        Assert.That(some.Report().Keys, Is.EqualTo(new[] { "conv", "up" }));
        Assert.That(some.Loss().item<float>(), Is.EqualTo(some.Report().Values.Sum()).Within(1e-5), "no linear layer, no output");
        var chosen = new MheRegularizer(net, 0, 1, output: net.named_children().Single(c => c.name == "hidden").module);
        Assert.That(chosen.Loss().item<float>(), Is.EqualTo(HypersphericalEnergy.Of(state["hidden.weight"]).item<float>()).Within(1e-6));
        using var linear = Linear(4, 3);
        Assert.That(new MheRegularizer(linear).Report(), Has.Count.EqualTo(1));
    }

    [Test]
    public void DescentSpreadsTheNeurons()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        using var net = Linear(3, 6);
        using (no_grad()) net.weight.uniform_(0, 1, generator);
        var regularizer = new MheRegularizer(net, outputWeight: 1);
        var before = regularizer.Report()[""];
        using var optimizer = optim.Adam(net.parameters(), 0.05);
        for (var i = 0; i < 800; i++)
        {
            using var inner = NewDisposeScope();
            optimizer.zero_grad();
            regularizer.Loss().backward();
            optimizer.step();
        }
        Assert.That(before, Is.GreaterThan(1));
        Assert.That(regularizer.Report()[""], Is.EqualTo(9.985281374 / 15).Within(1e-3), "an octahedron");
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var net = Linear(3, 2);
        Assert.Multiple(() =>
        {
            Assert.That(() => HypersphericalEnergy.Of(zeros(3)), Throws.ArgumentException.With.Message.Contains("out, in"));
            Assert.That(() => HypersphericalEnergy.Of(zeros(0, 3)), Throws.ArgumentException);
            Assert.That(() => HypersphericalEnergy.Of(zeros([2, 3], ScalarType.Int64)), Throws.ArgumentException);
            Assert.That(() => HypersphericalEnergy.Of(ones(2, 3), (EnergyPower)(-1)), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => HypersphericalEnergy.Of(ones(2, 3), eps: 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => HypersphericalEnergy.Of(ones(2, 3), sample: 1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new HypersphericalEnergyLoss((EnergyPower)3), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new MheRegularizer(ReLU()), Throws.ArgumentException);
            Assert.That(() => new MheRegularizer(Linear(3, 1)), Throws.ArgumentException);
            Assert.That(() => new MheRegularizer(net, select: (_, _) => false), Throws.ArgumentException);
            Assert.That(() => new MheRegularizer(net, output: Linear(2, 2)), Throws.ArgumentException);
            Assert.That(() => new MheRegularizer(net, -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => ThomsonProblem.Minimize(1, 3, EnergyPower.Log, 1, 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => ThomsonProblem.Minimize(3, 1, EnergyPower.Log, 1, 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => ThomsonProblem.Minimize(3, 3, EnergyPower.Log, 0, 0), Throws.InstanceOf<ArgumentException>());
        });
    }
}
