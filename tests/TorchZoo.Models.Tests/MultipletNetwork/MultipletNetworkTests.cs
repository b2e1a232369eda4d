using System.Diagnostics;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class MultipletNetworkTests
{
    private const ScalarType Double = ScalarType.Float64;

    [TestCase(0, 3.2)]
    [TestCase(0.5, 4)]
    [TestCase(1, 5)]
    [TestCase(2, 6.8)]
    [TestCase(30, 8)]
    [TestCase(-30, 2)]
    public void LehmerMeansOfTwoAndEight(double s, double expected)
    {
        using var scope = NewDisposeScope();
        var mean = LehmerMean.Evaluate(tensor(new[] { 2.0, 8 }), tensor(new[] { 0.5, 0.5 }), tensor(s)).item<double>();
        Assert.That(mean, Is.EqualTo(expected).Within(1e-12));
    }

    [Test, Category("Property")]
    public void WhatHoldsForAllLehmerMeans([Values(2, 3, 7)] int n)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)n);
        var x = (randn([20, n], Double, generator: generator) * 1.5).exp();
        var w = rand([20, n], Double, generator: generator);
        Tensor Lehmer(Tensor at, Tensor by, double s) => LehmerMean.Evaluate(at, by, tensor(s));
        var previous = x.amin([-1]);
        foreach (var s in new[] { -40, -8, -1.5, 0, 0.5, 1, 2, 3.7, 9, 60 })
        {
            var mean = Lehmer(x, w, s);
            Assert.That((mean >= previous * (1 - 1e-12)).all().item<bool>(), $"it rises with s, {s}");
            previous = mean;
            Assert.That(Lehmer(x * 3.5, w, s).allclose(mean * 3.5, 1e-12, 0), "homogeneous");
            Assert.That(Lehmer(x, w * 7.25, s).allclose(mean, 1e-12, 0), "the weights' scale");
            var order = randperm(n, generator: generator);
            Assert.That(Lehmer(x.index_select(1, order), w.index_select(1, order), s).allclose(mean, 1e-12, 0), "permutations");
            Assert.That(Lehmer(full_like(x, 0.37), w, s).allclose(full(20, 0.37, Double), 1e-12, 0), "of equal numbers");
            Assert.That(Lehmer(1 / x, w, s).allclose(1 / Lehmer(x, w, 1 - s), 1e-10, 0), "duality");
            if (Math.Abs(s) > 9) continue;
            var direct = (w * x.pow(s)).sum(-1) / (w * x.pow(s - 1)).sum(-1);
            Assert.That(mean.allclose(direct, 1e-11, 0), "the plain form");
        }
        Assert.That((previous <= x.amax([-1]) * (1 + 1e-12)).all().item<bool>());
        Assert.That(Lehmer(x, w, 1).allclose((w * x).sum(-1) / w.sum(-1), 1e-12, 0));
        Assert.That(LehmerMean.Evaluate(x, w, tensor(0.5), 0).allclose(Lehmer(x.t(), w.t(), 0.5), 1e-12, 0), "along another axis");
    }

    [Test]
    public void AWeightOfZeroIsNoInput()
    {
        using var scope = NewDisposeScope();
        var w = tensor(new[] { 0.4, 0, 0.6 }).requires_grad_();
        var s = tensor(1.7);
        foreach (var ignored in new[] { 1e-6, 1.0, 1e6 })
        {
            var x = tensor(new[] { 2, ignored, 3 }).requires_grad_();
            var mean = LehmerMean.Evaluate(x, w, s);
            var without = LehmerMean.Evaluate(tensor(new[] { 2.0, 3 }), tensor(new[] { 0.4, 0.6 }), s);
            Assert.That(mean.item<double>(), Is.EqualTo(without.item<double>()).Within(1e-14));
            var gradients = autograd.grad([mean], [x, w]);
            Assert.That(gradients[0][1].item<double>(), Is.Zero);
            var (l, sum) = (mean.item<double>(), 0.4 * Math.Pow(2, 0.7) + 0.6 * Math.Pow(3, 0.7));
            var expected = (Math.Pow(ignored, 1.7) - l * Math.Pow(ignored, 0.7)) / sum;
            Assert.That(gradients[1][1].item<double>(), Is.EqualTo(expected).Within(1e-10 * Math.Abs(expected)));
        }
    }

    [Test]
    public void DerivativesAreTheClosedForms([Values(-3, 0.3, 1, 2.5)] double exponent)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var x = (rand([5], Double, generator: generator) + 0.2).requires_grad_();
        var w = (rand([5], Double, generator: generator) + 0.1).requires_grad_();
        var s = tensor(exponent).requires_grad_();
        var l = LehmerMean.Evaluate(x, w, s);
        var gradients = autograd.grad([l], [x, w, s]);
        using var off = no_grad();
        Tensor Average(Tensor p) => (w * x.pow(p) * x.log()).sum() / (w * x.pow(p)).sum();
        var below = (w * x.pow(s - 1)).sum();
        Assert.That(gradients[0].allclose(w * x.pow(s - 2) * (s * x - (s - 1) * l) / below, 1e-10, 1e-12));
        Assert.That(gradients[1].allclose((x.pow(s) - l * x.pow(s - 1)) / below, 1e-10, 1e-12));
        var slope = Average(s) - Average(s - 1);
        Assert.That((gradients[2] / l - slope).abs().item<double>(), Is.LessThan(1e-10));
        Assert.That((MeanSlopeScore.Evaluate(x, w, s) - slope).abs().item<double>(), Is.LessThan(1e-12));

        using var on = enable_grad();
        var d = tensor(0.6).requires_grad_();
        var g = GiniMean.Evaluate(x, w, s, d);
        gradients = autograd.grad([g.log()], [s, d]);
        using var offAgain = no_grad();
        Assert.That((gradients[0] - (Average(s) - g.log()) / (s - d)).abs().item<double>(), Is.LessThan(1e-10));
        Assert.That((gradients[1] - (g.log() - Average(d)) / (s - d)).abs().item<double>(), Is.LessThan(1e-10));
    }

    [Test]
    public void Gradients()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        var x = rand([3, 4], Double, generator: generator) + 0.3;
        var w = rand([4], Double, generator: generator) + 0.1;
        GradCheck.Run(a => [LehmerMean.Evaluate(a[0]!, a[1]!, a[2]!)], [x, w, tensor(1.4)]);
        GradCheck.Run(a => [GiniMean.Evaluate(a[0]!, a[1]!, a[2]!, a[3]!), GiniMean.Ratio(a[0]!, a[1]!, a[2]!, a[3]!)],
            [x, w, tensor(1.4), tensor(-0.7)]);
        foreach (var weight in new[] { PositiveWeight.Softmax, PositiveWeight.Softplus })
        {
            using var lehmer = new LehmerMultiplet(4, 2, [1, -3], weight: weight, generator: generator);
            using var gini = new GiniMultiplet(4, 2, [2, 0.5], [-1, 3], weight: weight, generator: generator);
            foreach (var layer in new MultipletLayer[] { lehmer, gini })
            {
                layer.to(Double);
                GradCheck.Run(a => [layer.call(a[0]!)], [x]);
                GradCheck.Parameters(layer, () => layer.call(x));
            }
            GradCheck.Run(a => [lehmer.SlopeScore(a[0]!)], [x]);
        }
        using var soft = new LehmerMultiplet(4, 3, [1, 5], initScale: 1, generator: generator);
        soft.to(Double);
        var v = autograd.grad([(soft.call(x) * randn([3, 3, 2], Double, generator: generator)).sum()], [soft.get_parameter("v")!])[0];
        Assert.That(v.sum(1).abs().max().item<double>(), Is.LessThan(1e-12), "a softmax doesn't feel a shift");
    }

    [Test]
    public void GiniMeans()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        var x = (randn([6, 4], Double, generator: generator)).exp();
        var w = rand([4], Double, generator: generator);
        Tensor Gini(double s, double d) => GiniMean.Evaluate(x, w, tensor(s), tensor(d));
        foreach (var s in new[] { -4, 0.25, 1, 3 })
        {
            Assert.That(Gini(s, s - 1).allclose(LehmerMean.Evaluate(x, w, tensor(s)), 1e-12, 0));
            Assert.That(Gini(s, 0).allclose(((w * x.pow(s)).sum(-1) / w.sum(-1)).pow(1 / s), 1e-12, 0), "the power mean");
            Assert.That(Gini(s, 0.7).allclose(Gini(0.7, s), 1e-12, 0));
            var limit = ((w * x.pow(s) * x.log()).sum(-1) / (w * x.pow(s)).sum(-1)).exp();
            Assert.That(Gini(s, s).allclose(limit, 1e-12, 0));
            foreach (var step in new[] { 1e-8, 9.9e-7, 1.1e-6, 1e-5 }) Assert.That(Gini(s, s + step).allclose(limit, 1e-4, 1e-6));
            Assert.That(Gini(s, s + 0.99e-6).allclose(Gini(s, s + 1.01e-6), 0, 1e-6), "continuous where the limit begins");
        }
        var single = x.narrow(1, 0, 1);
        var ratio = GiniMean.Ratio(single, tensor(new[] { 0.3 }), tensor(2.5), tensor(-1.0));
        Assert.That(ratio.allclose(single.squeeze(1).pow(3.5), 1e-12, 0));
        var narrow = GiniMean.Evaluate(x.to(ScalarType.Float32), w.to(ScalarType.Float32), tensor(1f), tensor(1.011f));
        Assert.That(narrow.to(Double).allclose(Gini(1, 1.011), 1e-4, 0), "in float32, next to the limit");
    }

    [Test]
    public void ProductsAndPowerSeries()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 0.3, 5, 7, 1.1, 2e-3, 40 }).reshape(3, 2);
        var w = tensor(new[] { 0.5, 0.5 });
        var product = x.prod(1);
        Assert.That((LehmerMean.Evaluate(x, w, tensor(1.0)) * LehmerMean.Evaluate(x, w, tensor(0.0))).allclose(product, 1e-12, 0));
        Assert.That(LehmerMean.Evaluate(x, w, tensor(0.5)).square().allclose(product, 1e-12, 0));

        // As a network: the doublet (1, 0) of two numbers, read out by logarithms with ones.
        using var net = new MultipletNetwork(new()
        {
            InFeatures = 2,
            Layers = [new(1, [1, 0])],
            Readout = MultipletReadout.LogLinear,
            InitScale = 0,
        });
        net.to(Double);
        using (no_grad()) net.get_parameter("output.weight")!.fill_(1);
        Assert.That(net.call(x).squeeze(1).allclose(product.log(), 1e-12, 1e-12));

        // e^x to the sixth power: weights 1/k!, numbers 1, x, x², …
        var t = linspace(0.01, 2, 9, Double);
        var factorials = tensor(new[] { 1.0, 1, 2, 6, 24, 120, 720 }).reciprocal();
        var series = GiniMean.Ratio(MultipletNetwork.PowerInputs(t, 6), factorials, tensor(1.0), tensor(0.0)) * factorials.sum();
        var horner = Enumerable.Range(0, 7).Select(k => t.pow(k) * factorials[k]).Aggregate((a, b) => a + b);
        Assert.That(series.allclose(horner, 1e-12, 0));
    }

    [Test]
    public void GreatExponentsStayFinite([Values(ScalarType.Float32, ScalarType.Float64)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1e-6, 0.02, 1, 300, 1e6 }).to(type).requires_grad_();
        var w = ones(5, type).requires_grad_();
        foreach (var exponent in new[] { -200, -20, 20, 200.0 })
        {
            var s = tensor(exponent).to(type).requires_grad_();
            var mean = LehmerMean.Evaluate(x, w, s);
            Assert.That(mean.to(Double).item<double>(), Is.EqualTo(exponent > 0 ? 1e6 : 1e-6).Within(1).Percent);
            foreach (var g in autograd.grad([mean.log()], [x, w, s])) Assert.That(g.isfinite().all().item<bool>());
            Assert.That(GiniMean.Evaluate(x, w, s, tensor(0.5).to(type)).isfinite().item<bool>());
        }
    }

    [Test]
    public void TheSlopeScoreIsOfDifferences()
    {
        using var scope = NewDisposeScope();
        using var layer = new LehmerMultiplet(4, 3, [1, -3, 6], initScale: 1);
        layer.to(Double);
        var x = rand(50, 4, Double) + 0.01;
        var q = layer.SlopeScore(x);
        Assert.That(q.shape, Is.EqualTo(new long[] { 50, 3, 3 }));
        Assert.That(q.min().item<double>(), Is.Not.Negative);
        Assert.That(q.mean().item<double>(), Is.GreaterThan(1e-3));
        Assert.That(layer.SlopeScore(x * 12).allclose(q, 1e-10, 1e-13));
        Assert.That(layer.SlopeScore(full(1, 4, 0.6, Double)).abs().max().item<double>(), Is.LessThan(1e-12));
        Assert.That(MeanSlopeScore.LearningRateFactor(tensor(new[] { 0.5, 1.5 }), 2), Is.EqualTo(1 / 3.0).Within(1e-15));
    }

    [Test]
    public void LayersAreTheirMeans([Values] PositiveWeight weight,
        [Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var lehmer = new LehmerMultiplet(3, 2, [1, -3], weight: weight, initScale: 0.5);
        using var gini = new GiniMultiplet(3, 2, [2, 1], [0, 4], weight: weight, asRatio: true);
        foreach (var layer in new MultipletLayer[] { lehmer, gini })
        {
            layer.to(type);
            var tolerance = type == ScalarType.BFloat16 ? 0.03 : 1e-5;
            foreach (var leading in new long[][] { [], [4], [0], [2, 5] })
            {
                var x = rand([.. leading, 3]).to(type) + 0.2;
                var y = layer.call(x);
                Assert.That((y.dtype, y.shape), Is.EqualTo((type, (long[])[.. leading, 2, 2])));
                for (var g = 0; g < 2; g++)
                    for (var m = 0; m < 2; m++)
                    {
                        var (at, w) = (x.to(Double), layer.Weights[g].to(Double));
                        var s = layer.Exponents[g, m].to(Double);
                        var expected = layer is GiniMultiplet { ExponentsD: var d } ? GiniMean.Ratio(at, w, s, d[g, m].to(Double))
                            : LehmerMean.Evaluate(at, w, s);
                        Assert.That(y[TensorIndex.Ellipsis, g, m].to(Double).allclose(expected, tolerance, tolerance));
                    }
            }
        }
    }

    [Test]
    public void NamesAndWhatIsTrained([Values] bool trainExponents)
    {
        using var scope = NewDisposeScope();
        using var net = new MultipletNetwork(new()
        {
            InFeatures = 4,
            Layers = [new(2, [1, -3]), new(3, [2, 1, 0.5], [0, 2, 3])],
            Readout = MultipletReadout.Linear,
            OutFeatures = 5,
            TrainExponents = trainExponents,
        }, new Generator(1));
        Assert.That(net.state_dict().Select(e => $"{e.Key} {string.Join('×', e.Value.shape)}"), Is.EquivalentTo(new[]
        {
            "layers.0.v 2×4", "layers.0.exponent 2×2", "layers.1.v 3×4", "layers.1.exponent 3×3", "layers.1.exponent_d 3×3",
            "output.weight 5×9", "output.bias 5",
        }));
        Assert.That(net.named_parameters().Any(p => p.name.Contains("exponent")), Is.EqualTo(trainExponents));
        Assert.That(net.call(rand(7, 4)).shape, Is.EqualTo(new long[] { 7, 5 }));
        Assert.That(net.Layers[1].Exponents[2].data<float>().ToArray(), Is.EqualTo(new[] { 2f, 1, 0.5f }));
    }

    [Test]
    public void InputsThatAreNotPositive()
    {
        using var scope = NewDisposeScope();
        using var listener = new Messages();
        Trace.Listeners.Add(listener);
        try
        {
            using var layer = new LehmerMultiplet(2, 1, [1]);
            layer.call(tensor(new[] { 0.5f, 2 }));
            Assert.That(listener.Text, Is.Empty);
            var y = layer.call(tensor(new[] { -1f, 1 }));
            Assert.That(y.item<float>(), Is.EqualTo(layer.Weights[0, 1].item<float>()).Within(1e-5));
            layer.call(tensor(new[] { 0f, 1 }));
            Assert.That(listener.Text, Has.Count.EqualTo(1).And.Some.Contains("positive"));
        }
        finally { Trace.Listeners.Remove(listener); }
        using var strict = new LehmerMultiplet(2, 1, [1], strict: true);
        Assert.That(() => strict.call(tensor(new[] { 0f, 1 })), Throws.ArgumentException.With.Message.Contains("positive"));
    }

    [Test]
    public void LogicInputsHaveTheirComplements()
    {
        using var scope = NewDisposeScope();
        var x = MultipletNetwork.LogicInputs(tensor(new[] { 0f, 1, 0.4f }).reshape(1, 3));
        Assert.That(x.data<float>().ToArray(), Is.EqualTo(new[] { 0.05f, 0.95f, 0.4f, 0.95f, 0.05f, 0.6f }).Within(1e-6));
    }

    [Test]
    public void PoolingIsAMeanOfEachWindow()
    {
        using var scope = NewDisposeScope();
        var x = rand(2, 3, 5, 7) + 0.1;
        using var average = new LehmerPool2d(3, 2, 1);
        using var maximum = new LehmerPool2d(3, 2, 200);
        Assert.That(average.call(x).allclose(nn.functional.avg_pool2d(x, 2), 1e-5, 0));
        Assert.That(maximum.call(x).allclose(nn.functional.max_pool2d(x, 2), 1e-2, 0));
        using var each = new LehmerPool2d(2, 2);
        each.to(Double);
        GradCheck.Run(a => [each.call(a[0]!)], [rand(1, 2, 2, 4, Double) + 0.1]);
        GradCheck.Parameters(each, () => each.call(x.narrow(1, 0, 2).to(Double)));
        Assert.That(each.state_dict().Single().Key, Is.EqualTo("exponent"));
        Assert.That(() => each.call(x), Throws.ArgumentException);
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var layer = new LehmerMultiplet(3, 2, [1]);
        var config = new MultipletNetworkConfig { InFeatures = 2, Layers = [new(1, [1])] };
        Assert.Multiple(() =>
        {
            Assert.That(() => new LehmerMultiplet(3, 2, []), Throws.ArgumentException.With.Message.Contains("exponent"));
            Assert.That(() => new LehmerMultiplet(0, 2, [1]), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new LehmerMultiplet(3, 0, [1]), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new LehmerMultiplet(3, 2, [double.NaN]), Throws.ArgumentException);
            Assert.That(() => new LehmerMultiplet(3, 2, [1], eps: 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new GiniMultiplet(3, 2, [1, 2], [0, 2]), Throws.ArgumentException.With.Message.Contains("differ"));
            Assert.That(() => new GiniMultiplet(3, 2, [1, 2], [0]), Throws.ArgumentException);
            Assert.That(() => layer.call(ones(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => layer.call(ones(3, Double)), Throws.ArgumentException);
            Assert.That(() => LehmerMean.Evaluate(ones(3), ones(3), tensor(1f), 1), Throws.ArgumentException);
            Assert.That(() => LehmerMean.Evaluate(ones([3], ScalarType.Int64), ones(3), tensor(1f)), Throws.ArgumentException);
            Assert.That(() => MeanSlopeScore.LearningRateFactor(ones(2), -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => MultipletNetwork.LogicInputs(ones(2), 0.5), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => MultipletNetwork.PowerInputs(ones(2), -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new MultipletNetwork(config with { Layers = [] }), Throws.ArgumentException);
            Assert.That(() => new MultipletNetwork(config with { Layers = [new(1, [1], [1])] }), Throws.ArgumentException);
            Assert.That(() => new MultipletNetwork(config with { Layers = [new(1, [1], AsRatio: true)] }), Throws.ArgumentException);
            Assert.That(() => new MultipletNetwork(config with { InFeatures = 0 }), Throws.InstanceOf<ArgumentException>());
        });
    }

    private sealed class Messages : TraceListener
    {
        public List<string> Text { get; } = [];

        public override void Write(string? message) { }

        public override void WriteLine(string? message) => Text.Add(message ?? "");
    }
}
