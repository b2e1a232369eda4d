using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class SnnkTests
{
    private static Tensor Unit(Generator generator, params long[] shape) =>
        nn.functional.normalize(randn(shape, ScalarType.Float64, generator: generator), dim: -1);

    private static double Rms(Tensor x) => Math.Sqrt(x.square().mean().item<double>());

    private static T Wide<T>(T module) where T : nn.Module
    {
        module.to(ScalarType.Float64);
        return module;
    }

    [Test]
    public void CosinesAreUnbiased([Values(0, 0.2)] double m, [Values] UrfSplit split)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor x = Unit(generator, 20, 16), w = Unit(generator, 10, 16);
        var b = rand([10], ScalarType.Float64, generator: generator) * 6;
        var (sum, imaginary) = (zeros(20, 10, ScalarType.Float64), zeros(20, 10, ScalarType.Float64));
        const int draws = 40;
        for (var i = 0; i < draws; i++)
        {
            using var inner = NewDisposeScope();
            using var map = Wide(new UniversalRandomFeatures(16, 4096, UrfSpectrum.Cosine, split, m: m, generator: generator));
            sum.add_(map.Features(x).matmul(map.WeightFeatures(w, b).t()) / draws);
            imaginary.add_(map.Imaginary(w, b, x) / draws);
        }
        Assert.That((sum - (x.matmul(w.t()) + b).cos()).abs().max().item<double>(), Is.LessThan(0.05));
        Assert.That(imaginary.abs().max().item<double>(), Is.LessThan(0.05));
    }

    [TestCase(UrfSplit.Symmetric, false, new[] { 0.25, 0.14, 0.064, 0.029 })]
    [TestCase(UrfSplit.Symmetric, true, new[] { 0.20, 0.10, 0.057, 0.034 })]
    [TestCase(UrfSplit.Input, false, new[] { 0.22, 0.15, 0.063, 0.029 })]
    public void ErrorsFallWithTheRootOfTheFeatures(UrfSplit split, bool orthogonal, double[] expected)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        Tensor x = Unit(generator, 200, 16), w = Unit(generator, 50, 16);
        var b = rand([50], ScalarType.Float64, generator: generator) * (2 * Math.PI);
        var exact = (x.matmul(w.t()) + b).cos();
        long[] features = [64, 256, 1024, 4096];
        double[] errors = [.. features.Select(m =>
        {
            // The mean of a few draws: a single one's error varies by a fifth.
            var squares = Enumerable.Range(0, 8).Select(_ =>
            {
                using var inner = NewDisposeScope();
                using var map = Wide(new UniversalRandomFeatures(16, m, UrfSpectrum.Cosine, split, orthogonal, generator: generator));
                return Math.Pow(Rms(map.Features(x).matmul(map.WeightFeatures(w, b).t()) - exact), 2);
            });
            return Math.Sqrt(squares.Average());
        })];
        TestContext.Out.WriteLine(string.Join(' ', errors.Select(e => e.ToString("G3"))));
        for (var i = 0; i < errors.Length; i++) Assert.That(errors[i], Is.InRange(expected[i] * 0.7, expected[i] * 1.3), $"{features[i]}");
    }

    [Test]
    public void WithoutDampingTheEstimatorIsThePlainOne()
    {
        using var scope = NewDisposeScope();
        using Generator one = new(3), other = new(3);
        using var plain = Wide(new UniversalRandomFeatures(4, 8, UrfSpectrum.Sine, generator: one));
        using var zero = Wide(new UniversalRandomFeatures(4, 8, UrfSpectrum.Sine, m: 0, generator: other));
        var x = Unit(one, 3, 4);
        Assert.That(plain.Features(x).allclose(zero.Features(x), 0, 0));
        // By hand, in complex numbers.
        var (g, xi) = (plain.Projection, plain.Xi);
        for (var j = 0; j < 8; j++)
        {
            var alpha = System.Numerics.Complex.Sqrt(new System.Numerics.Complex(0, 2 * Math.PI * xi[j].item<double>()));
            var row = x[1];
            var exponent = alpha * g[j].dot(row).item<double>() - alpha * alpha * row.square().sum().item<double>() / 2;
            var value = System.Numerics.Complex.Exp(exponent) / Math.Sqrt(8);
            Assert.That(plain.Features(row)[j].item<double>(), Is.EqualTo(value.Real).Within(1e-12));
            Assert.That(plain.Features(row)[j + 8].item<double>(), Is.EqualTo(value.Imaginary).Within(1e-12));
        }
    }

    [Test]
    public void Spectra()
    {
        Assert.That(UrfSpectrum.Cosine.Value(0.7), Is.EqualTo(Math.Cos(0.7)).Within(1e-15));
        Assert.That(UrfSpectrum.Sine.Value(0.7), Is.EqualTo(Math.Sin(0.7)).Within(1e-15));
        static double Bump(double z) => Math.Exp(-z * z) * (1 + z);
        var spectrum = UrfSpectrum.FromFunction(Bump, xiMax: 2, n: 32);
        foreach (var z in new[] { -3.0, -0.4, 0, 1.1 }) Assert.That(spectrum.Value(z), Is.EqualTo(Bump(z)).Within(1e-9));
        Assert.That(spectrum.Probabilities.Sum(), Is.EqualTo(1).Within(1e-12));
        Assert.That(spectrum.Ratios.Select(r => r.Magnitude), Is.All.EqualTo(spectrum.Ratios[0].Magnitude).Within(1e-12));

        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        Tensor x = Unit(generator, 10, 8) / 2, w = Unit(generator, 5, 8) / 2;
        var b = randn([5], ScalarType.Float64, generator: generator) / 2;
        using var layer = Wide(new SnnkLayer(8, 5, 40_000, spectrum, UrfSplit.Input, fromWeight: w, fromBias: b, generator: generator));
        var z2 = x.matmul(w.t()) + b;
        Assert.That(Rms(layer.call(x) - (-z2.square()).exp() * (1 + z2)), Is.LessThan(0.05));
    }

    [TestCase(64, 0.083)]
    [TestCase(1024, 0.017)]
    [TestCase(16384, 0.0034)]
    public void ReluFeaturesHaveTheArcCosineKernel(long m, double expected)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        Tensor x = Unit(generator, 200, 16), w = Unit(generator, 50, 16);
        var cosine = x.matmul(w.t());
        var angle = cosine.acos();
        var exact = (angle.sin() + (Math.PI - angle) * cosine) / (2 * Math.PI);
        var squares = Enumerable.Range(0, 5).Select(_ =>
        {
            using var map = Wide(new ReluRandomFeatures(16, m, generator: generator));
            return Math.Pow(Rms(map.Features(x).matmul(map.WeightFeatures(w).t()) - exact), 2);
        }).ToArray();
        Assert.That(Math.Sqrt(squares.Average()), Is.InRange(expected * 0.5, expected * 1.5));
    }

    [Test]
    public void TrigonometricFeaturesHaveTheGaussianKernel()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        Tensor x = Unit(generator, 30, 6), w = Unit(generator, 20, 6);
        using var map = Wide(new TrigRandomFeatures(6, 20_000, generator: generator));
        Assert.That(map.Features(x).norm(-1).allclose(ones(30, ScalarType.Float64), 0, 1e-12));
        var exact = (-(x.unsqueeze(1) - w).square().sum(-1) / 2).exp();
        Assert.That(Rms(map.Features(x).matmul(map.WeightFeatures(w).t()) - exact), Is.LessThan(0.01));
    }

    [Test]
    public void OrthogonalProjections()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var g = GaussianOrthogonalMatrix.Draw(150, 64, generator);
        Assert.That(g.shape, Is.EqualTo(new long[] { 150, 64 }));
        foreach (var (start, count) in new[] { (0, 64), (64, 64), (128, 22) })
        {
            var rows = nn.functional.normalize(g.narrow(0, start, count), dim: -1);
            Assert.That((rows.matmul(rows.t()) - eye(count, dtype: ScalarType.Float64)).abs().max().item<double>(), Is.LessThan(1e-5));
        }
        Assert.That(g.norm(1).mean().item<double>(), Is.EqualTo(8).Within(0.8));
        Assert.That(g.norm(1).std().item<double>(), Is.EqualTo(Math.Sqrt(0.5)).Within(0.2), "of χ");
        Assert.That(() => GaussianOrthogonalMatrix.Draw(0, 3), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void ABundledNetworkIsTheLayersItBundles([Values] SnnkKind kind, [Values] bool deep)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        var isUniversal = kind is SnnkKind.Cosine or SnnkKind.Sine;
        using var net = deep
            ? nn.Sequential(nn.Linear(6, 9, isUniversal), nn.ReLU(), nn.Linear(9, 7, isUniversal), nn.ReLU(), nn.Linear(7, 3))
            : nn.Sequential(nn.Linear(6, 9, isUniversal), nn.ReLU(), nn.Linear(9, 3));
        using var off = no_grad();
        foreach (var parameter in net.parameters()) parameter.normal_(0, 0.3, generator);
        net.to(ScalarType.Float64);
        var options = new SnnkOptions { Orthogonal = true };
        using var bundled = SnnkBundler.Bundle(net, deep ? [20, 30] : [20], kind, options, generator);
        var x = Unit(generator, 5, 6);
        var maps = bundled.children().Single().children().Cast<RandomFeatures>().ToArray();
        var linear = net.children().OfType<TorchSharp.Modules.Linear>().ToArray();
        // The layers side by side: of the first Ψ₁ Φ₁(x), then of the second on Φ₁(x), then the last.
        var (phi, weight) = (x, linear[0].weight!.alias());
        for (var i = 0; i < maps.Length; i++)
        {
            var layer = maps[i].WeightFeatures(weight, linear[i].bias);
            phi = maps[i].Features(phi);
            if (i == maps.Length - 1)
            {
                var hidden = phi.matmul(layer.t());
                Assert.That(bundled.call(x).allclose(linear[^1].call(hidden), 1e-9, 1e-9));
            }
            weight = linear[i + 1].weight!.matmul(layer);
        }
        var count = (deep ? 30 : 20) * (kind == SnnkKind.Relu ? 1 : 2);
        Assert.That(bundled.parameters().Sum(p => p.numel()), Is.EqualTo(3 * count + 3));
        Assert.That(bundled.state_dict().Keys, Is.SupersetOf(new[] { "weights", "bias", "features.0.projection" }));
    }

    [Test]
    public void TheClosedFormIsTheMinimum([Values(5, 40)] int m, [Values(1e-6, 1e-2)] double ridge)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        const int n = 30;
        Tensor x = Unit(generator, n, 4), y = randn([n, 2], ScalarType.Float64, generator: generator);
        using var net = Wide(new FullyBundledNetwork([new ReluRandomFeatures(4, m, generator: generator)], 2));
        net.Fit(x, y, ridge);
        using var off = no_grad();
        var features = cat([net.Features(x), ones(n, 1, ScalarType.Float64)], 1);
        var all = cat([net.Weights, net.Bias.unsqueeze(1)], 1);
        var gradient = (net.call(x) - y).t().matmul(features) + ridge * n * all;
        Assert.That(gradient.norm().item<double>(), Is.LessThanOrEqualTo(1e-6 * n));
    }

    [Test]
    public void WithoutARidgeTheClosedFormIsTheSmallestMinimum()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(10);
        Tensor x = Unit(generator, 8, 4), y = randn([8, 2], ScalarType.Float64, generator: generator);
        using var net = Wide(new FullyBundledNetwork([new TrigRandomFeatures(4, 20, generator: generator)], 2));
        using var off = no_grad();
        Assert.That(net.Fit(x, y, 0).call(x).allclose(y, 1e-6, 1e-6), "more features than examples: it goes through all of them");
        var features = cat([net.Features(x), ones(8, 1, ScalarType.Float64)], 1);
        var all = cat([net.Weights, net.Bias.unsqueeze(1)], 1);
        Assert.That(all.allclose(linalg.pinv(features).matmul(y).t(), 1e-5, 1e-6));
    }

    [Test]
    public void AnAdapterIsTheIdentityToBeginWith([Values] SnnkKind kind, [Values] bool narrow)
    {
        using var scope = NewDisposeScope();
        using var adapter = new SnnkAdapter(6, 8, narrow ? 3 : null, kind);
        var x = randn(2, 5, 6);
        Assert.That(adapter.call(x).allclose(x, 0, 0));
        Assert.That(adapter.state_dict().Keys, Is.SupersetOf(narrow
            ? new[] { "adapter_down.0.weights", "adapter_down.0.projection", "adapter_up.weight", "adapter_up.bias" }
            : new[] { "adapter_down.0.weights", "adapter_down.0.projection", "modulating_vector" }));
        adapter.call(x).square().sum().backward();
        var first = adapter.named_parameters().Single(p => p.name is "adapter_up.weight" or "modulating_vector").parameter;
        Assert.That(first.grad!.abs().sum().item<float>(), Is.GreaterThan(0), "it can learn");
    }

    [Test, Category("Property")]
    public void LeadingAxesAreOfNoMatter() => Gen.Select(Gen.Int[1, 5], Gen.Int[0, 4], Gen.Int[1, 3], Gen.Enum<SnnkKind>(), Gen.Bool)
        .Sample((width, a, b, kind, orthogonal) =>
        {
            using var scope = NewDisposeScope();
            using var net = new Snnk(new SnnkConfig
            {
                InFeatures = width,
                OutFeatures = 2,
                HiddenFeatures = [3],
                Features = [4],
                Kind = kind,
                Options = new SnnkOptions { Orthogonal = orthogonal, Norm = 1.5 },
            });
            var x = randn(a, b, width);
            var y = net.call(x);
            return y.shape.AsSpan().SequenceEqual([a, b, 2]) && y.allclose(net.call(x.reshape(-1, width)).reshape(a, b, 2), 1e-5, 1e-6);
        }, iter: 40, threads: 1);

    [Test]
    public void NamesAndSizes()
    {
        using var generator = new Generator(11);
        using var net = new Snnk(
            new SnnkConfig { InFeatures = 64, HiddenFeatures = [256], OutFeatures = 10, Features = [16] }, generator);
        Assert.That(net.parameters().Sum(p => p.numel()), Is.EqualTo(6666));
        Assert.That(net.state_dict().Select(e => $"{e.Key} {string.Join('×', e.Value.shape)}"), Is.EquivalentTo(new[]
        {
            "layers.0.weights 256×16", "layers.0.projection 16×64", "output.weight 10×256", "output.bias 10",
        }));
        using var bundled = new Snnk(new SnnkConfig { InFeatures = 64, OutFeatures = 10, Features = [185], Kind = SnnkKind.Trig },
            generator);
        Assert.That(bundled.parameters().Sum(p => p.numel()), Is.EqualTo(3700));
        using var sine = new SnnkLayer(4, 3, 5, UrfSpectrum.Sine, generator: generator);
        Assert.That(sine.state_dict().Select(e => $"{e.Key} {string.Join('×', e.Value.shape)}"), Is.EquivalentTo(new[]
        {
            "weights 3×10", "projection 5×4", "xi 5", "ratio 2×5",
        }));
    }

    [Test]
    public void AReplacedLayersWeightsAreWhatPsiBeginsWith()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(12);
        var w = randn([3, 4], generator: generator);
        using var layer = new ReluSnnkLayer(4, 3, 10, constant: -0.2, fromWeight: w, generator: generator);
        Assert.That(layer.Weights.allclose((w.matmul(layer.Projection.t()) / Math.Sqrt(10)).clamp_min(-0.2 / Math.Sqrt(10)), 1e-5, 1e-6));
        using Generator one = new(13), other = new(13);
        using TrigSnnkLayer first = new(4, 3, 10, generator: one), second = new(4, 3, 10, generator: other);
        Assert.That(first.Projection.allclose(second.Projection, 0, 0) && first.Weights.allclose(second.Weights, 0, 0));
    }

    [Test]
    public void Gradients([Values] SnnkKind kind)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(14);
        using var net = Wide(new Snnk(new SnnkConfig
        {
            InFeatures = 3,
            HiddenFeatures = [4],
            OutFeatures = 2,
            Features = [3, 5],
            Kind = kind,
            Options = new SnnkOptions { M = 0.1 },
        }, generator));
        var x = Unit(generator, 3, 3);
        GradCheck.Run(inputs => [net.call(inputs[0]!)], [x]);
        GradCheck.Parameters(net, () => net.call(x));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var config = new SnnkConfig { InFeatures = 3, OutFeatures = 2, Features = [4] };
        using var net = new Snnk(config);
        using var map = new ReluRandomFeatures(3, 4);
        using var bundled = new FullyBundledNetwork([new TrigRandomFeatures(3, 4)], 2);
        using var biased = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2));
        Assert.Multiple(() =>
        {
            Assert.That(() => net.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => map.WeightFeatures(zeros(2, 3), zeros(2)), Throws.ArgumentException.With.Message.Contains("no bias"));
            Assert.That(() => new ReluSnnkLayer(3, 2, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new ReluSnnkLayer(3, 2, 4, double.NaN), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new ReluSnnkLayer(3, 2, 4, fromWeight: zeros(2, 4)), Throws.ArgumentException);
            Assert.That(() => new TrigSnnkLayer(3, 2, 4, norm: 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new SnnkLayer(3, 2, 4, UrfSpectrum.Cosine, m: -0.1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => UrfSpectrum.FromFunction(_ => 0, 1, 4), Throws.ArgumentException);
            Assert.That(() => UrfSpectrum.FromFunction(z => 1 / (z - z), 1, 4), Throws.ArgumentException);
            Assert.That(() => UrfSpectrum.FromFunction(Math.Exp, 0, 4), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Snnk(config with { Features = [] }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new Snnk(config with { HiddenFeatures = [3, 3] }), Throws.ArgumentException);
            Assert.That(() => new Snnk(config with { Options = new SnnkOptions { M = -1 }, Kind = SnnkKind.Sine }),
                Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new SnnkAdapter(3, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => bundled.Fit(zeros(4, 3), zeros(3, 2)), Throws.ArgumentException);
            Assert.That(() => bundled.Fit(zeros(0, 3), zeros(0, 2)), Throws.ArgumentException);
            Assert.That(() => bundled.Fit(zeros(4, 3), zeros(4, 2), -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new FullyBundledNetwork([new TrigRandomFeatures(3, 4), new TrigRandomFeatures(4, 4)], 2),
                Throws.ArgumentException);
            Assert.That(() => SnnkBundler.Bundle(biased, [4]), Throws.ArgumentException.With.Message.Contains("no bias"));
            Assert.That(() => SnnkBundler.Bundle(biased, [4, 4], SnnkKind.Sine), Throws.ArgumentException);
        });
    }
}
