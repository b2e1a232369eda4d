using NUnit.Framework;
using TorchZoo.Models.Neurons;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>What single activations are known to be, and the layers' own features.</summary>
public class ActivationRegistryTests
{
    private const ScalarType Double = ScalarType.Float64;

    [Test]
    public void WhatTheFrameworkHasIsEqual()
    {
        using var scope = NewDisposeScope();
        var x = linspace(-9, 9, 2001, Double);
        var weight = tensor(new[] { 0.25 });
        var expected = new (string Name, Tensor Values)[]
        {
            ("ReLU", nn.functional.relu(x)), ("ELU", nn.functional.elu(x, 1.0)), ("SELU", nn.functional.selu(x)),
            ("CELU", nn.functional.celu(x, 1.0)), ("GELU", nn.functional.gelu(x)), ("SiLU", nn.functional.silu(x)),
            ("GELUTanh", x.gelu(TorchSharp.Modules.GELU.Approximate.tanh)),
            ("Mish", nn.functional.mish(x)), ("Softplus", nn.functional.softplus(x)), ("Softsign", nn.functional.softsign(x)),
            ("Hardshrink", nn.functional.hardshrink(x)), ("Softshrink", nn.functional.softshrink(x)), ("HardTanh", x.clamp(-1, 1)),
            ("HardSwish", nn.functional.hardswish(x)), ("LogSigmoid", nn.functional.logsigmoid(x)),
            ("PReLU", nn.functional.prelu(x, weight)),
            ("LeakyReLU", nn.functional.leaky_relu(x, 0.01)), ("Tanh", x.tanh()), ("Sigmoid", x.sigmoid()), ("Softmax", x.softmax(0)),
        };
        Assert.Multiple(() =>
        {
            foreach (var (name, values) in expected)
                Assert.That((ActivationRegistry.Get(name).Evaluate(x) - values).abs().max().item<double>(),
                    Is.LessThanOrEqualTo(1e-14), name);
        });
    }

    [TestCase(-1, "Tanh", "Softsign", "SQNL", "LAF", "Symexp", "OPLAF", "SoftshrinkPlus")]
    [TestCase(1, "LiSHT", "SGELU", "VReLU", "SelfArctan", "ASU")]
    [TestCase(0, "EIS1")]
    public void Symmetries(int sign, params string[] names)
    {
        using var scope = NewDisposeScope();
        var x = linspace(0.01, 6, 500, Double);
        foreach (var name in names)
        {
            var spec = ActivationRegistry.Get(name);
            double Difference(int s) => (spec.Evaluate(-x) - s * spec.Evaluate(x)).abs().max().item<double>();
            if (sign != 0) Assert.That(Difference(sign), Is.LessThan(1e-13), name);
            else Assert.That(Math.Min(Difference(1), Difference(-1)), Is.GreaterThan(0.1), name);
        }
    }

    [Test]
    public void LimitsAndIdentities()
    {
        using var scope = NewDisposeScope();
        var x = linspace(-5, 5, 1001, Double);
        Tensor Of(string name, params (string Name, double Value)[] parameters) =>
            ActivationRegistry.Get(name).Evaluate(x, parameters.ToDictionary(p => p.Name, p => p.Value));
        double Far(Tensor a, Tensor b) => (a - b).abs().max().item<double>();
        Assert.Multiple(() =>
        {
            Assert.That(Far(Of("SquarePlus", ("eps", 1e-16)), x.relu()), Is.LessThan(1e-8));
            Assert.That(Far(Of("PDELU", ("b", 1 - 1e-9)), nn.functional.elu(x, 1.0)), Is.LessThan(1e-8));
            Assert.That(Far(Of("PDELU", ("b", 1)), nn.functional.elu(x, 1.0)), Is.LessThan(1e-14));
            Assert.That(Far(Of("AGumb", ("a", 1e-9)), 1 - (-x.exp()).exp()), Is.LessThan(1e-6));
            Assert.That(Far(Of("SMU"), where(x >= 0, x, 0.25 * x)), Is.LessThan(1e-6));
            Assert.That(Far(Of("RowdyReLU"), x.relu()), Is.Zero);
            Assert.That(Far(ActivationRegistry.Get("LAF").Evaluate(Of("Symexp")), x), Is.LessThan(1e-12));
            Assert.That(Far(Of("SoftExponential", ("a", 0)), x), Is.LessThan(1e-14));
            Assert.That(Far(Of("SoftExponential", ("a", 1)), x.exp()), Is.LessThan(1e-12));
            Assert.That(Far(Of("PUAF", ("a", 1), ("b", 0), ("c", 0)), x.relu()), Is.LessThan(1e-14));
            Assert.That(Far(Of("FALU", ("a", 0)), nn.functional.silu(x)), Is.LessThan(1e-14));
            // Of the order 1 both pieces are the derivative; of 2 it is that of h.
            Assert.That(Far(Of("FALU", ("a", 1)), Of("FALU", ("a", 1 + 1e-12))), Is.LessThan(1e-10));
            Assert.That(Far(Of("Swim", ("a", 1)), Of("PFLU")), Is.LessThan(1e-14));
            Assert.That(Far(Of("RePU", ("a", 0)), Of("BinaryStep") - x.eq(0).to(Double)), Is.Zero);
        });
    }

    // PReLU smoothed by a Gaussian, by the trapezoidal rule.
    [Test]
    public void SauIsASmoothedPrelu()
    {
        using var scope = NewDisposeScope();
        const double a = 0.4, b = 1.3;
        var x = linspace(-3, 3, 25, Double);
        var t = linspace(-9, 9, 200_001, Double) / b;
        var step = 18 / 200_000.0 / b;
        var density = b / Math.Sqrt(2 * Math.PI) * (-(b * t).square() / 2).exp();
        var u = x.unsqueeze(1) - t;
        var smoothed = (where(u >= 0, u, a * u) * density).sum(1) * step;
        var sau = ActivationRegistry.Get("SAU").Evaluate(x, new Dictionary<string, double> { ["a"] = a, ["b"] = b });
        Assert.That((sau - smoothed).abs().max().item<double>(), Is.LessThan(1e-8));
    }

    [Test]
    public void FarAwayTheTruncatedGaussianStaysBetweenItsBounds()
    {
        using var scope = NewDisposeScope();
        var x = linspace(-1000, 1000, 4001, Double).requires_grad_();
        var y = ActivationRegistry.Get("TruncatedGaussianUnit").Evaluate(x);
        var slope = autograd.grad([y.sum()], [x])[0];
        Assert.That(y.min().item<double>(), Is.GreaterThan(-1e-9));
        Assert.That(y.max().item<double>(), Is.LessThan(2 + 1e-9));
        Assert.That(slope.isfinite().all().item<bool>());
        Assert.That((y + y.flip(0) - 2)[1999].item<double>(), Is.Not.NaN);
        // Symmetric about the middle of the interval.
        var unit = ActivationRegistry.Get("TruncatedGaussianUnit");
        var (left, right) = (unit.Evaluate(1 - x), unit.Evaluate(1 + x));
        Assert.That((left + right - 2).abs().max().item<double>(), Is.LessThan(1e-9));
    }

    [Test]
    public void ParametersOfOneOfChannelsAndOfNeurons()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var x = randn([3, 4, 2, 5], Double, generator: generator);
        foreach (var name in new[] { "PReLU", "PELU", "ACONC", "Swish", "PGELU", "TanhSoft", "PAU", "SReLU", "TruncatedGaussianUnit", "ABReLU",
                     "RReLU" })
        {
            using var one = ActivationRegistry.Create(name, dtype: Double);
            using var channels = ActivationRegistry.Create(name, numParameters: 4, dtype: Double);
            using var neurons = ActivationRegistry.Create(name, featureShape: [4, 2, 5], dtype: Double);
            one.eval();
            channels.eval();
            neurons.eval();
            var y = one.call(x);
            Assert.That(channels.call(x).allclose(y, 0, 1e-15), name);
            Assert.That(neurons.call(x).allclose(y, 0, 1e-15), name);
            Assert.That(channels.state_dict().Values.All(p => p.shape is [4]), name);
            Assert.That(neurons.state_dict().Values.All(p => p.shape is [4, 2, 5]), name);
            // An example alone, and the channels behind.
            Assert.That(neurons.call(x[1]).allclose(y[1], 0, 1e-15), name);
            using var last = ActivationRegistry.Create(name, numParameters: 4, channelDim: -1, dtype: Double);
            last.eval();
            Assert.That(last.call(x.permute(0, 2, 3, 1)).allclose(y.permute(0, 2, 3, 1), 0, 1e-15), name);
            Assert.That(last.call(x.permute(0, 2, 3, 1)[0, 0, 0]).allclose(y[0, .., 0, 0], 0, 1e-15), name);
        }
        using var prelu = ActivationRegistry.Create("PReLU", numParameters: 4, dtype: Double);
        var weight = tensor(new[] { 0.1, 0.2, 0.3, 0.4 });
        ((Activation)prelu).Set("a", weight);
        Assert.That(prelu.state_dict().Keys, Is.EqualTo(new[] { "weight" }));
        Assert.That(prelu.call(x).allclose(nn.functional.prelu(x, weight), 0, 0));
        Assert.That(() => prelu.call(x[.., ..3]), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void WhatIsTrainedIsTheStatesNames()
    {
        string[] State(string name, bool? trainable = null)
        {
            using var layer = ActivationRegistry.Create(name, trainable: trainable);
            return [.. layer.state_dict().Keys.Select(k => k + (layer.get_parameter(k) is { requires_grad: true } ? "*" : ""))];
        }
        Assert.Multiple(() =>
        {
            Assert.That(State("SoftRootSign"), Is.Empty);
            Assert.That(State("SoftRootSign", true), Is.EqualTo(new[] { "a*", "b*" }));
            Assert.That(State("SoftRootSign", false), Is.Empty);
            Assert.That(State("PELU"), Is.EqualTo(new[] { "a*", "b*" }));
            Assert.That(State("PELU", false), Is.EqualTo(new[] { "a", "b" }));
            Assert.That(State("LAAFTanh", true), Is.EqualTo(new[] { "a*" }), "n isn't");
            Assert.That(State("ABReLU"), Is.EqualTo(new[] { "a" }), "a statistic is a buffer");
            Assert.That(State("MeLU"), Is.EqualTo(new[] { "p*", "a1*", "a2*", "a3*" }));
            Assert.That(State("ProbActReLU"), Is.Empty);
            Assert.That(State("ProbActReLU", true), Is.EqualTo(new[] { "s*" }));
            Assert.That(() => State("KWTA", true), Throws.ArgumentException);
        });
    }

    [Test]
    public void ParametersAreSetClampedAndLoaded()
    {
        using var scope = NewDisposeScope();
        var x = linspace(-2, 2, 9, Double);
        using var layer = (Activation)ActivationRegistry.Create("PELU", new Dictionary<string, double> { ["b"] = 2 }, dtype: Double);
        using var other = (Activation)ActivationRegistry.Create("PELU", dtype: Double);
        other.load_state_dict(layer.state_dict());
        Assert.That(other.call(x).allclose(layer.call(x), 0, 0));
        using (no_grad()) other.get_parameter("a")!.fill_(-3);
        other.ClampParameters();
        Assert.That((other.Value("a").item<double>(), other.Value("b").item<double>()), Is.EqualTo((0.1, 2.0)));
        Assert.That(() => other.Set("a", -1.0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => other.Set("c", 1.0), Throws.ArgumentException);

        using var hard = (Activation)ActivationRegistry.Create("AdaptiveHardTanh");
        hard.Set("a", 3);
        Assert.That(hard.call(tensor(0.25f)).item<float>(), Is.EqualTo(0.75f));
    }

    [Test]
    public void Statistics()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new float[,] { { 1, -3 }, { 2, -1 }, { -4, 6 } });
        float[] Measured(string name, long count)
        {
            using var layer = (Activation)ActivationRegistry.Create(name, numParameters: count);
            layer.TracksStatistics = true;
            layer.eval();
            layer.call(x);
            var start = (float)ActivationRegistry.Get(name).Parameters[0].Default;
            Assert.That(layer.Value("a")[0].item<float>(), Is.EqualTo(start), "not in evaluation");
            layer.train();
            layer.call(x);
            return [.. layer.Value("a").data<float>()];
        }
        Assert.Multiple(() =>
        {
            Assert.That(Measured("ABReLU", 1)[0], Is.EqualTo(1 / 6f).Within(1e-6));
            Assert.That(Measured("AOAF", 2), Is.EqualTo(new[] { -1 / 3f, 2 / 3f }).Within(1e-6f));
            Assert.That(Measured("MarReLU", 2), Is.EqualTo(new[] { -4f, -2 }));
            Assert.That(Measured("DReLU", 1)[0], Is.EqualTo(1));
        });
        using var none = (Activation)ActivationRegistry.Create("DLReLU");
        none.Measure(x);
        Assert.That(none.Value("b").item<float>(), Is.EqualTo(1), "a loss doesn't come from the input");
        using var relu = (Activation)ActivationRegistry.Create("ABReLU");
        Assert.That(() => relu.Measure(zeros(0)), Throws.ArgumentException);
    }

    [TestCase("RReLU", -1.0, -1 / 3.0, -1 / 8.0)]
    [TestCase("SRReLU", 0.0, 1.0, 1.0)]
    [TestCase("EReLU", 1.0, 0.9, 1.1)]
    [TestCase("EPReLU", 1.0, 0.9, 1.1)]
    [TestCase("EELU", 1.0, 0.0, 2.0)]
    [TestCase("PATS", 1.0, 0.8, 1.05)]
    [TestCase("RTReLU", 1.0, 0.0, 5.0)]
    [TestCase("NoisyReLU", 0.5, 0.0, 6.0)]
    [TestCase("ProbActReLU", 1.0, -2.0, 4.0)]
    [TestCase("RTPReLU", -0.3, -0.3, -0.075)]
    [TestCase("EACU", 1.0, 1.0, 1.0)]
    public void NoiseInTrainingOnly(string name, double value, double low, double high)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var x = full([2, 4000], value);
        using var layer = (StochasticActivation)ActivationRegistry.Create(name, generator: generator);
        var y = layer.call(x);
        Assert.That(y[0].allclose(y[1], 0, 0), "the same for all examples");
        Assert.That(y.min().item<float>(), Is.GreaterThanOrEqualTo(low - 1e-6));
        Assert.That(y.max().item<float>(), Is.LessThanOrEqualTo(high + 1e-6));
        var isNoisy = name is not ("SRReLU" or "EACU" or "NoisyReLU");
        Assert.That(y.std().item<float>() > 1e-3, Is.EqualTo(isNoisy), "there is noise");
        Assert.That(layer.call(x).allclose(y, 0, 0), Is.Not.EqualTo(isNoisy), "new noise with each call");
        layer.eval();
        Assert.That(layer.call(x).allclose(ActivationRegistry.Get(name).Evaluate(x), 0, 1e-6));
    }

    [Test]
    public void SizesOfNoise()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        StochasticActivation Layer(string name, bool? trainable = null) =>
            (StochasticActivation)ActivationRegistry.Create(name, trainable: trainable, generator: generator);
        // x ~ N(0, 4): the noise's variance is 2.
        using var noisy = Layer("NoisyReLU");
        var x = 100 + 2 * randn([2000, 500], generator: generator);
        Assert.That((noisy.call(x) - x)[0].std().item<float>(), Is.EqualTo(Math.Sqrt(2)).Within(0.15));
        using var threshold = Layer("RTReLU");
        Assert.That((threshold.call(x) - x)[0].std().item<float>(), Is.EqualTo(0.75).Within(0.08));
        using var elastic = Layer("EELU");
        Assert.That((elastic.call(x) / x).mean().item<float>(), Is.EqualTo(1).Within(0.01));
        using var gain = Layer("EACU");
        gain.NoiseScale = 1;
        var ratio = (gain.call(x) / x)[0];
        Assert.That(ratio.min().item<float>() > 0.499 && ratio.max().item<float>() < 1.501 && ratio.std().item<float>() > 0.05);
        using var trained = Layer("ProbActReLU", true);
        trained.call(x).sum().backward();
        Assert.That(trained.get_parameter("s")!.grad!.abs().item<float>(), Is.GreaterThan(0));
        Assert.That(() => gain.NoiseScale = -1, Throws.InstanceOf<ArgumentOutOfRangeException>());

        using var alternating = Layer("AlternatingRePU");
        var two = full(1, 2.0);
        var first = alternating.call(two).item<float>();
        alternating.Epoch = 2;
        Assert.That(first, Is.EqualTo(Math.Pow(2, 1.1)).Within(1e-6));
        Assert.That(alternating.call(two).item<float>(), Is.EqualTo(Math.Pow(2, 1 / 1.1)).Within(1e-6));
    }

    [Test]
    public void PairsAndVectors()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var x = randn([2, 6, 3], generator: generator);
        Tensor Of(string name, int dim = 1)
        {
            using var layer = ActivationRegistry.Create(name, channelDim: dim);
            return layer.call(x);
        }
        Assert.That(Of("CReLU").allclose(cat([x.relu(), (-x).relu()], 1), 0, 0));
        Assert.That(Of("NCReLU").allclose(cat([x.relu(), -(-x).relu()], 1), 0, 0));
        Assert.That(Of("CReLU", -1).shape, Is.EqualTo(new long[] { 2, 6, 6 }));
        var signs = stack([.. Enumerable.Range(0, 6).Select(i => i % 2 == 0 ? x[.., i].relu() : -(-x[.., i]).relu())], 1);
        Assert.That(Of("BipolarReLU").allclose(signs, 0, 0));
        Assert.That(Of("Softmax").sum(1).allclose(ones(2, 3)));
        Assert.That(Of("SQMAX").sum(1).allclose(ones(2, 3)));
        Assert.That(Of("KWTA").ne(0).sum(1).eq(2).all().item<bool>());
        var sorted = Of("OPLU");
        for (var i = 0; i < 6; i += 2)
        {
            Assert.That(sorted[.., i].allclose(maximum(x[.., i], x[.., i + 1]), 0, 0));
            Assert.That(sorted[.., i + 1].allclose(minimum(x[.., i], x[.., i + 1]), 0, 0));
        }
        Assert.That(sorted.norm().item<float>(), Is.EqualTo(x.norm().item<float>()).Within(1e-5));
        Assert.That(() => Of("OPLU", -1), Throws.ArgumentException.With.Message.Contains("3"));
        using var many = ActivationRegistry.Create("KWTA", new Dictionary<string, double> { ["k"] = 7 });
        Assert.That(() => many.call(x), Throws.ArgumentException);
        using var paired = ActivationRegistry.Create("MultiBias", numParameters: 6);
        Assert.That(paired.call(x).allclose(cat([(x - 0.5).relu(), (x + 0.5).relu()], 1)));
    }

    [Test]
    public void Gates()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        var xy = randn([3, 8], generator: generator);
        var (x, y) = (xy[.., ..4], xy[.., 4..]);
        using var glu = (GatedActivation)ActivationRegistry.Create("GLU");
        Assert.That(glu.call(xy).allclose(nn.functional.glu(xy, 1)));
        Assert.That(glu.ForwardChunk(xy).allclose(glu.forward(x, y), 0, 0));
        Assert.That(glu.ForwardChunk(xy.mT, 0).mT.allclose(glu.forward(x, y), 0, 0));
        using var swiglu = (GatedActivation)ActivationRegistry.Create("SwiGLU", numParameters: 4);
        swiglu.Set("b", tensor(new[] { 0.5f, 1, 2, 3 }));
        Assert.That(swiglu.call(xy).allclose(x * y * (y * tensor(new[] { 0.5f, 1, 2, 3 })).sigmoid()));
        Assert.That(() => glu.forward(x, xy), Throws.ArgumentException);
        Assert.That(() => glu.call(xy[.., ..3]), Throws.ArgumentException);
        Assert.That(() => glu.ForwardChunk(xy, 2), Throws.ArgumentException);
        Assert.That(() => ActivationRegistry.Get("GLU").Evaluate(x), Throws.ArgumentException);
        Assert.That(() => ActivationRegistry.Get("ReLU").Evaluate(x, y: y), Throws.ArgumentException);
    }

    [Test]
    public void Templates()
    {
        using var scope = NewDisposeScope();
        var x = linspace(-3, 3, 12).reshape(2, 3, 2);
        using var taaf = new TransformativeActivation("Swish", numParameters: 3);
        Assert.That(taaf.state_dict().Keys, Is.EquivalentTo(new[] { "alpha", "beta", "gamma", "delta", "inner.a" }));
        Assert.That(taaf.call(x).allclose(nn.functional.silu(x)));
        using (no_grad())
        {
            taaf.get_parameter("alpha")!.copy_(tensor(new[] { 1f, 2, 3 }));
            taaf.get_parameter("beta")!.fill_(0.5);
            taaf.get_parameter("gamma")!.fill_(0.25);
            taaf.get_parameter("delta")!.fill_(-1);
        }
        var alpha = tensor(new[] { 1f, 2, 3 }).view(3, 1);
        Assert.That(taaf.call(x).allclose(alpha * nn.functional.silu(0.5 * x + 0.25) - 1));
        Assert.That(() => taaf.call(x[.., ..2]), Throws.InstanceOf<ArgumentOutOfRangeException>());

        using var laaf = new LocallyAdaptiveActivation("Tanh", 10);
        Assert.That(laaf.get_parameter("a")!.item<float>(), Is.EqualTo(0.1f));
        Assert.That(laaf.call(x).allclose(x.tanh()));
        laaf.call(x).sum().backward();
        var expected = (10 * x * (1 - x.tanh().square())).sum().item<float>();
        Assert.That(laaf.get_parameter("a")!.grad!.item<float>(), Is.EqualTo(expected).Within(1e-3));
        Assert.That(() => new LocallyAdaptiveActivation("Tanh", 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new TransformativeActivation("Softmax"), Throws.ArgumentException);
        Assert.That(() => new TransformativeActivation("Tahn"), Throws.InstanceOf<KeyNotFoundException>());
    }

    [Test]
    public void TheSignHasASurrogateGradient()
    {
        using var scope = NewDisposeScope();
        using var sign = (ParametricActivation)ActivationRegistry.Create("RSign", dtype: Double);
        var x = tensor(new[] { -1.5, -0.75, -0.25, 0.25, 0.75, 1.5 }).requires_grad_();
        var plain = sign.call(x);
        Assert.That(autograd.grad([plain.sum()], [x])[0].abs().sum().item<double>(), Is.Zero);
        sign.UsesSurrogateGradient = true;
        var y = sign.call(x);
        Assert.That(y.allclose(plain, 0, 1e-15));
        var slopes = autograd.grad([y.sum()], [x])[0].data<double>().ToArray();
        Assert.That(slopes, Is.EqualTo(new[] { 0, 0.5, 1.5, 1.5, 0.5, 0 }).Within(1e-12));
    }

    [Test]
    public void AnyShapeAndType([Values(ScalarType.Float32, Double, ScalarType.BFloat16)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        foreach (var name in ActivationRegistry.Names.Where(n => ActivationRegistry.Get(n).Kind == ActivationKind.Pointwise))
        {
            using var inner = NewDisposeScope();
            using var layer = ActivationRegistry.Create(name);
            layer.eval();
            foreach (var shape in new long[][] { [], [0], [3], [2, 0, 3], [2, 1, 3] })
            {
                var y = layer.call(full(shape, 0.4, type));
                Assert.That((y.dtype, y.shape), Is.EqualTo((type, shape)), name);
            }
            Assert.That(() => layer.call(ones(3, ScalarType.Int64)), Throws.ArgumentException);
        }
    }

    [Test]
    public void LayersLeaveNothingBehind()
    {
        using var scope = NewDisposeScope();
        using var layer = ActivationRegistry.Create("PAU", numParameters: 3);
        using var taaf = new TransformativeActivation("PELU");
        var x = randn(2, 3);
        var y = layer.call(x);
        var before = scope.DisposablesCount;
        for (var i = 0; i < 5; i++)
        {
            layer.call(x).Dispose();
            taaf.call(x).Dispose();
        }
        Assert.That(scope.DisposablesCount, Is.EqualTo(before));
        Assert.That(y.IsInvalid, Is.False);
        using var identity = ActivationRegistry.Create("SLAF", new Dictionary<string, double> { ["a2"] = 0, ["a3"] = 0 });
        identity.call(x).Dispose();
        Assert.That(x.IsInvalid, Is.False);
    }

    [Test]
    public void BadInput() => Assert.Multiple(() =>
    {
        void Refused(string name, params (string Name, double Value)[] values) =>
            Assert.That(() => ActivationRegistry.Create(name, values.ToDictionary(v => v.Name, v => v.Value)),
                Throws.InstanceOf<ArgumentOutOfRangeException>(), name);
        Assert.That(() => ActivationRegistry.Create("NoSuch"), Throws.InstanceOf<KeyNotFoundException>());
        Assert.That(() => ActivationRegistry.Get("Sofplus"), Throws.InstanceOf<KeyNotFoundException>().With.Message.Contains("Softplus"));
        Assert.That(() => ActivationRegistry.Get("relu"), Throws.InstanceOf<KeyNotFoundException>().With.Message.Matches(@"ReLU.*,.*,"));
        Assert.That(() => ActivationRegistry.Create("ReLU", new Dictionary<string, double> { ["a"] = 1 }), Throws.ArgumentException);
        Assert.That(() => ActivationRegistry.Create("PELU", new Dictionary<string, double> { ["c"] = 1 }), Throws.ArgumentException);
        Refused("SoftRootSign", ("a", 1), ("b", 3));
        Refused("PSSiLU", ("b", 1));
        Refused("GReLU", ("a", 1));
        Refused("PELU", ("b", 0));
        Refused("PELU", ("a", double.NaN));
        Refused("KWTA", ("k", 1.5));
        Refused("TruncatedGaussianUnit", ("l", 3));
        Refused("FALU", ("a", 2.5));
        Assert.That(() => ActivationRegistry.Create("PReLU", numParameters: 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => ActivationRegistry.Create("PReLU", numParameters: 2, featureShape: [2]), Throws.ArgumentException);
        Assert.That(() => ActivationRegistry.Create("PReLU", featureShape: [2, 0]), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => ActivationRegistry.Create("PReLU", dtype: ScalarType.Int32), Throws.ArgumentException);
        Assert.That(() => ActivationRedundancy.Groups(["ReLU", "GLU"], false), Throws.ArgumentException);
        Assert.That(ActivationRegistry.Get("PELU").Constraints, Is.EqualTo(new[] { "a > 0", "b > 0" }));
    });

    [Test, Category("Claim")]
    public void ManyAreTheSame()
    {
        string[] names = [.. ActivationRegistry.Names.Where(n => ActivationRegistry.Get(n).Kind == ActivationKind.Pointwise)];
        Assert.That(names, Has.Length.EqualTo(402));
        Assert.That(names.Except(ActivationRedundancy.Comparable(names)), Is.EquivalentTo(new[] { "SBAF", "SRReLU" }));
        var same = ActivationRedundancy.Groups(names, upToAffine: false);
        var shapes = ActivationRedundancy.Groups(names, upToAffine: true);
        Assert.That((same.Count, same.Sum(g => g.Count)), Is.EqualTo((34, 126)));
        Assert.That((shapes.Count, shapes.Sum(g => g.Count)), Is.EqualTo((43, 163)));
        foreach (var known in new[] { "SiLU Swish AHAF ACONC LEAF ARiA", "PolyLU SignReLU IpLU PFPLUS", "SiELU GELUTanh",
                     "TanhHalf BipolarSigmoid", "SoftRootSign SAAAF", "EPLAF BiFiring" })
            Assert.That(same.Any(g => known.Split(' ').All(g.Contains)), known);
    }
}
