using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Numerics;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class BatchNormMlpTests
{
    private static readonly BatchNormMlpConfig Small = new() { InFeatures = 3, HiddenFeatures = 4, Depth = 2, OutFeatures = 2 };

    private static double Worst(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    [Test]
    public void NormalisedVectorsHaveOneLength()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var x = randn([7, 5], ScalarType.Float64, generator: generator) + 0.3;
        var y = RowNormalization.Normalize(x);
        Assert.That(Worst(y.square().mean([0]), ones(5, ScalarType.Float64)), Is.LessThan(1e-12));
        var scales = tensor(new[] { 0.01, 3, 1e5, 2, 7 });
        Assert.That(Worst(RowNormalization.Normalize(x * scales), y), Is.LessThan(1e-12), "each column's scale is nothing");
        Assert.That(Worst(RowNormalization.Normalize(x, meanReduction: true).mean([0]), zeros(5, ScalarType.Float64)), Is.LessThan(1e-12));
        Assert.That(Worst(RowNormalization.Normalize(x, -1, factor: 2).norm(-1), full([7], 2.0, ScalarType.Float64)), Is.LessThan(1e-12));
        Assert.That(Worst(RowNormalization.Normalize(x.t(), 1), y.t()), Is.LessThan(1e-12));
        Assert.That(RowNormalization.Normalize(zeros(3, 2)).abs().sum().item<float>(), Is.Zero);
        GradCheck.Run(inputs => [RowNormalization.Normalize(inputs[0]!), RowNormalization.Normalize(inputs[0]!, -1, true, 3)],
            [x[..3, ..4]], secondOrder: true);
    }

    [Test]
    public void WithMeanReductionItIsTheFrameworks()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var x = randn([16, 6], generator: generator) * 3 + 1;
        using var framework = nn.BatchNorm1d(6, affine: false);
        Assert.That((framework.call(x) - RowNormalization.Normalize(x, meanReduction: true)).abs().max().item<float>(), Is.LessThan(1e-4));
        using var layers = nn.LayerNorm(6, elementwise_affine: false);
        Assert.That((layers.call(x) - RowNormalization.Normalize(x, -1, true)).abs().max().item<float>(), Is.LessThan(1e-4));
    }

    [Test]
    public void TheIsometryGap()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        Assert.That(IsometryGap.Of(eye(6)), Is.Zero.Within(1e-15));
        Assert.That(IsometryGap.Of(diag(tensor(new[] { 4.0, 1 }))), Is.EqualTo(Math.Log(8.5) - Math.Log(4)).Within(1e-14));
        Assert.That(IsometryGap.Of(diag(tensor(new[] { 4.0, 1 }))), Is.EqualTo(0.7538).Within(1e-4));
        var x = randn([5, 8], ScalarType.Float64, generator: generator);
        var gap = IsometryGap.Of(x);
        Assert.That(IsometryGap.Of(x * 1e-200), Is.EqualTo(gap).Within(1e-12));
        Assert.That(IsometryGap.Of(x.matmul(RandomOrthogonal.Matrix(8, 8, generator))), Is.EqualTo(gap).Within(1e-12));
        var gram = x.matmul(x.t());
        Assert.That(gap, Is.EqualTo(-Math.Log(Math.Pow(linalg.det(gram).item<double>(), 0.2) / (gram.trace().item<double>() / 5)))
            .Within(1e-10));
        Assert.That(IsometryGap.Of(cat([x, x[..1]])), Is.EqualTo(double.PositiveInfinity), "a duplicate");
        Assert.That(IsometryGap.Of(x.t()), Is.EqualTo(double.PositiveInfinity), "more rows than columns");
        Assert.That(IsometryGap.Of(zeros(2, 2)), Is.EqualTo(double.PositiveInfinity));
    }

    [Test, Category("Property")]
    public void GapsAreNeverNegative() => Gen.Select(Gen.Int[1, 6], Gen.Int[0, 6], Gen.UInt).Sample((n, more, seed) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var x = randn([n, n + more], ScalarType.Float64, generator: generator);
        var orthogonality = OrthogonalityGap.Of(x);
        return IsometryGap.Of(x) >= 0 && orthogonality >= 0 && orthogonality <= Math.Sqrt(1 - 1.0 / n) + 1e-12;
    }, iter: 60, threads: 1);

    [Test]
    public void TheOrthogonalityGap()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        Assert.That(OrthogonalityGap.Of(3 * RandomOrthogonal.Matrix(4, 9, generator)), Is.LessThan(1e-14));
        Assert.That(OrthogonalityGap.Of(ones(4, 9)), Is.EqualTo(Math.Sqrt(0.75)).Within(1e-12), "all rows the same");
    }

    [Test]
    public void OrthogonalWeights()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var w = OrthogonalInit.Fill(empty(20, 20), 1, generator);
        Assert.That((w.matmul(w.t()) - eye(20)).abs().max().item<float>(), Is.LessThan(1e-5));
        var wide = OrthogonalInit.Fill(empty(3, 2, 2, 2), 2, generator).flatten(1);
        Assert.That((wide.matmul(wide.t()) - 4 * eye(3)).abs().max().item<float>(), Is.LessThan(1e-5));
        var signs = Enumerable.Range(0, 40).Select(_ =>
            linalg.det(OrthogonalInit.Fill(empty([4, 4], ScalarType.Float64), 1, generator)).item<double>());
        Assert.That(signs.Count(d => d > 0), Is.InRange(8, 32));
        using var net = nn.Sequential(nn.Conv2d(8, 4, 3), nn.ReLU(), nn.Linear(6, 6));
        OrthogonalInit.Apply(net, 1, generator);
        var state = net.state_dict();
        Assert.That((state["2.weight"].matmul(state["2.weight"].t()) - eye(6)).abs().max().item<float>(), Is.LessThan(1e-5));
        Assert.That(state["0.bias"].abs().sum().item<float>() + state["2.bias"].abs().sum().item<float>(), Is.Zero);
    }

    // The paper's theorem 1, in numbers: the gap of n = d examples by depth, mean of five seeds. Such means vary by orders of magnitude, as
    // a seed with a nearly singular matrix outweighs the others: the ranges hold four fifths of the means that a NumPy program gave (400,
    // 200, 60 seeds), the last one is the specification's mean.
    [TestCase(8, new[] { 0.949, 0.316, 0.0816, 1.41e-3, 1.47e-7, 9.7e-16 }, new[] { 1.37, 0.629, 0.304, 0.0594, 2.2e-5, 3.4e-13 })]
    [TestCase(16, new[] { 1.02, 0.584, 0.335, 0.0987, 2.17e-3, 1.77e-7 }, new[] { 1.23, 0.791, 0.530, 0.251, 0.0568, 2.05e-5 })]
    [TestCase(32, new[] { 0.986, 0.740, 0.562, 0.335, 0.102, 3.54e-3 }, new[] { 1.08, 0.833, 0.650, 0.399, 0.156, 0.0188 })]
    [TestCase(64, new[] { 1.07, 0.931, 0.822, 0.645, 0.405, 0.169 }, new[] { 1.07, 0.931, 0.822, 0.645, 0.405, 0.169 })]
    public void IsometryGrowsWithDepth(int d, double[] low, double[] high)
    {
        int[] layers = [0, 10, 20, 40, 80, 160];
        const int seeds = 5;
        var means = new double[layers.Length];
        for (var seed = 0; seed < seeds; seed++)
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator((ulong)seed);
            using var net = new BatchNormMlp(
                new BatchNormMlpConfig { InFeatures = d, HiddenFeatures = d, Depth = 160, OutFeatures = 1, Activation = "identity" },
                    generator);
            net.to(ScalarType.Float64);
            // Weights have to be orthogonal in float64, too.
            foreach (var (name, weight) in net.named_parameters())
                if (weight.shape[0] == d) OrthogonalInit.Fill(weight, 1, generator);
            using var off = no_grad();
            var x = randn([d, d], ScalarType.Float64, generator: generator);
            var hidden = net.Hidden(x);
            for (var i = 0; i < layers.Length; i++) means[i] += IsometryGap.Of(layers[i] == 0 ? x : hidden[layers[i] - 1]) / seeds;
        }
        Assert.That(means, Is.Ordered.Descending);
        for (var i = 0; i < means.Length; i++)
        {
            var factor = low[i] > 1e-3 ? 2 : 30;
            Assert.That(means[i], Is.InRange(low[i] / factor, high[i] * factor), $"layer {layers[i]}");
        }
    }

    [Test]
    public void GradientsStayBoundedWithOrthogonalWeightsAndExplodeWithGaussianOnes()
    {
        foreach (var seed in new ulong[] { 0, 1, 2 })
        {
            var orthogonal = First(BatchNormMlpInit.Orthogonal, 256, seed, out var gap) / First(BatchNormMlpInit.Orthogonal, 16, seed,
                out _);
            var gaussian = First(BatchNormMlpInit.XavierNormal, 256, seed, out var worse) / First(BatchNormMlpInit.XavierNormal, 16, seed,
                out _);
            TestContext.Out.WriteLine($"{orthogonal:G3} {gaussian:G3} {gap:G3} {worse:G3}");
            Assert.That(orthogonal, Is.InRange(0.5, 2));
            Assert.That(gaussian, Is.GreaterThanOrEqualTo(5));
            Assert.That(gap, Is.LessThan(0.05));
            Assert.That(worse, Is.GreaterThan(5));
        }

        static double First(BatchNormMlpInit init, int depth, ulong seed, out double gap)
        {
            var profile = Profile("identity", null, init, depth, seed);
            gap = profile[^2].NormGap!.Value;
            if (init == BatchNormMlpInit.Orthogonal)
                Assert.That(profile.SkipLast(1).Max(p => p.Gradient), Is.LessThanOrEqualTo(1.7 * profile[^2].Gradient));
            return profile[0].Gradient;
        }
    }

    [TestCase("tanh", new[] { 0, 0.2, 0.5, 1 }, 1e3, 1)]
    [TestCase("sin", new[] { 0, 0.2, 0.5 }, 1e4, 1)]
    public void ShapingTamesGradients(string activation, double[] exponents, double unshaped, double shaped)
    {
        double[] first = [.. exponents.Select(e => Profile(activation, e, BatchNormMlpInit.Orthogonal, 128, 0)[0].Gradient)];
        Assert.That(first, Is.Ordered.Descending);
        Assert.That(first[0], Is.GreaterThan(unshaped));
        Assert.That(first[2], Is.LessThan(shaped));
    }

    // d = n = 32, examples with a common shift, random labels.
    private static IReadOnlyList<LayerProfile> Profile(string activation, double? exponent, BatchNormMlpInit init, int depth, ulong seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        const long n = 32;
        var x = randn([n, n], ScalarType.Float64, generator: generator) + 1.5 * randn([1, n], ScalarType.Float64, generator: generator);
        var labels = randint(10, [n], ScalarType.Int64, generator: generator);
        using var net = new BatchNormMlp(new BatchNormMlpConfig
        {
            InFeatures = n,
            HiddenFeatures = n,
            Depth = depth,
            OutFeatures = 10,
            Activation = activation,
            GainExponent = exponent,
            Init = init,
        }, generator);
        net.to(ScalarType.Float64);
        return GradientProfile.Measure(net, x, labels, (p, t) => nn.functional.cross_entropy(p, t));
    }

    [Test]
    public void AProfileIsTheNetworks()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        using var net = new BatchNormMlp(Small with { Depth = 3, Order = BatchNormMlpOrder.ActNorm }, generator);
        Tensor x = randn([4, 3], generator: generator), y = randn([4, 2], generator: generator);
        var profile = GradientProfile.Measure(net, x, y, (p, t) => nn.functional.mse_loss(p, t));
        Assert.That(profile.Select(p => p.Name), Is.EqualTo(new[] { "layers.fc_0", "layers.fc_1", "layers.fc_2", "layers.fc_3" }));
        Assert.That(net.parameters().Select(p => p.grad), Is.All.Null);
        nn.functional.mse_loss(net.call(x), y).backward();
        Assert.That(profile.Select(p => p.Gradient),
            Is.EqualTo(net.parameters().Select(p => (double)p.grad!.norm().item<float>())).Within(1e-5));
        Assert.That(profile.Skip(1).Select(p => p.WeightGap), Is.All.Zero.Within(1e-5));
        Assert.That(profile.SkipLast(1).Select(p => p.NormGap!.Value), Is.EqualTo(net.Hidden(x).Select(IsometryGap.Of)).Within(1e-9));
        Assert.That((profile[^1].NormGap, profile[^1].ActivationGap), Is.EqualTo(((double?)null, (double?)null)));

        using var other = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2));
        profile = GradientProfile.Measure(other, x, y, (p, t) => nn.functional.mse_loss(p, t));
        Assert.That(profile.Select(p => p.NormGap is null), Is.EqualTo(new[] { false, true }));
        Assert.That(profile.Select(p => p.ActivationGap is null), Is.EqualTo(new[] { false, true }));
        using var none = nn.Sequential(nn.ReLU());
        Assert.That(() => GradientProfile.Measure(none, x, x, (p, t) => nn.functional.mse_loss(p, t)), Throws.ArgumentException);
    }

    [Test]
    public void TheNetworkIsItsLayers([Values] BatchNormMlpOrder order,
        [Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)]
        ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var net = new BatchNormMlp(Small with { Order = order, GainExponent = 0.7 });
        net.to(type);
        net.eval();
        var state = net.state_dict();
        foreach (var leading in new long[][] { [4], [2, 1, 3] })
        {
            var x = randn([.. leading, 3], type);
            var h = x.reshape(-1, 3);
            for (var l = 0; l < 2; l++)
            {
                h = nn.functional.linear(h, state[$"layers.fc_{l}.weight"]);
                if (order == BatchNormMlpOrder.NormAct) h = RowNormalization.Normalize(h);
                h = (h * Math.Pow(l + 1, -0.7)).tanh();
                if (order == BatchNormMlpOrder.ActNorm) h = RowNormalization.Normalize(h);
            }
            var y = net.call(x);
            Assert.That(y.dtype, Is.EqualTo(type));
            Assert.That(y.shape, Is.EqualTo((long[])[.. leading, 2]));
            Assert.That(y.reshape(-1, 2).allclose(nn.functional.linear(h, state["layers.fc_2.weight"]), 0, 1e-6));
        }
    }

    [Test]
    public void Names()
    {
        using var net = new BatchNormMlp(Small);
        Assert.That(net.state_dict().Select(e => $"{e.Key} {string.Join('×', e.Value.shape)}"),
            Is.EqualTo(new[] { "layers.fc_0.weight 4×3", "layers.fc_1.weight 4×4", "layers.fc_2.weight 2×4" }));
        using var trained = new BatchNormMlp(Small with { Norm = BatchNormMlpNorm.Trained });
        Assert.That(trained.state_dict().Keys, Is.SupersetOf(new[]
        {
            "layers.norm_0.weight", "layers.norm_0.bias", "layers.norm_0.running_mean", "layers.norm_0.running_var",
            "layers.norm_1.num_batches_tracked",
        }));
        Assert.That(trained.call(randn(4, 3)).shape, Is.EqualTo(new long[] { 4, 2 }));
        foreach (var norm in new[] { BatchNormMlpNorm.Layer, BatchNormMlpNorm.None })
        {
            using var other = new BatchNormMlp(Small with { Norm = norm });
            Assert.That(other.call(randn(1, 3)).shape, Is.EqualTo(new long[] { 1, 2 }), "an example on its own");
        }
    }

    [Test]
    public void Gradients()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var net = new BatchNormMlp(Small with { MeanReduction = true, ForceFactor = 1.5 }, generator);
        net.to(ScalarType.Float64);
        var x = randn([5, 3], ScalarType.Float64, generator: generator);
        GradCheck.Run(inputs => [net.call(inputs[0]!)], [x]);
        GradCheck.Parameters(net, () => net.call(x));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var net = new BatchNormMlp(Small);
        using var trained = new BatchNormMlp(Small with { Norm = BatchNormMlpNorm.Trained });
        Assert.Multiple(() =>
        {
            Assert.That(() => net.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => net.call(zeros(1, 3)), Throws.ArgumentException.With.Message.Contains("two examples"));
            Assert.That(() => net.Hidden(zeros(3)), Throws.ArgumentException);
            Assert.That(() => new BatchNormMlp(Small with { Depth = 0 }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new BatchNormMlp(Small with { GainExponent = -0.1 }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new BatchNormMlp(Small with { GainExponent = double.NaN }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new BatchNormMlp(Small with { ForceFactor = 0 }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new BatchNormMlp(Small with { Activation = "tan" }), Throws.ArgumentException.With.Message.Contains("tanh"));
            Assert.That(() => new BatchNormMlp(Small with { Norm = BatchNormMlpNorm.None, MeanReduction = true }),
                Throws.ArgumentException);
            Assert.That(() => new BatchNormMlp(Small with { Norm = BatchNormMlpNorm.Layer, HiddenFeatures = 1 }),
                Throws.InstanceOf<ArgumentException>());
            Assert.That(() => trained.call(zeros(1, 3)), Throws.ArgumentException.With.Message.Contains("two examples"));
            Assert.That(() => RowNormalization.Normalize(zeros(1, 3)), Throws.ArgumentException);
            Assert.That(() => RowNormalization.Normalize(zeros(3), 1), Throws.ArgumentException);
            Assert.That(() => new RowNormalization(factor: -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new ShapedActivation(gain: 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => IsometryGap.Of(zeros(3)), Throws.ArgumentException);
            Assert.That(() => IsometryGap.Of(full([2, 2], double.NaN)), Throws.ArgumentException);
            Assert.That(() => OrthogonalityGap.Of(zeros(2, 2)), Throws.ArgumentException);
            Assert.That(() => OrthogonalInit.Fill(zeros(3)), Throws.ArgumentException);
        });
    }
}
