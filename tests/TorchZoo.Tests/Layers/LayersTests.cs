using NUnit.Framework;
using TorchSharp;
using TorchZoo.Generation;
using TorchZoo.Layers;
using TorchZoo.Losses;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Layers;

public sealed class LayersTests
{
    private static double Distance(Tensor a, Tensor b) => a.numel() == 0 ? 0 : (a - b).abs().max().item<double>();

    [Test]
    public void RmsNormIsItsFormula()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var layer = new RmsNorm(6, 0.01);
        layer.to(ScalarType.Float64);
        using (no_grad()) layer.parameters().Single().copy_(randn(6, generator: generator));
        var x = randn([2, 3, 6], ScalarType.Float64, generator: generator);
        var w = layer.parameters().Single();
        Assert.That(Distance(layer.forward(x), w * x / (x.pow(2).mean([-1], keepdim: true) + 0.01).sqrt()), Is.LessThan(1e-14));
        Assert.That(layer.state_dict().Keys, Is.EqualTo(new[] { "weight" }));
        Assert.That(layer.forward(zeros([0, 6], ScalarType.Float64)).shape, Is.EqualTo(new long[] { 0, 6 }));
        GradCheck.Run(i => [layer.forward(i[0]!)], [x], secondOrder: true);
        // Squares of what 16 bits hold don't fit into 16 bits.
        using var half = new RmsNorm(4);
        var y = half.forward(full([1, 4], 3e4f, ScalarType.Float16));
        Assert.That(y.dtype, Is.EqualTo(ScalarType.Float16));
        Assert.That(Distance(y.to(ScalarType.Float64), ones([1, 4], ScalarType.Float64)), Is.LessThan(1e-3));
    }

    [Test]
    public void SwiGluIsItsFormula()
    {
        using var scope = NewDisposeScope();
        using var layer = new SwiGlu(4, 10);
        var w = layer.state_dict();
        var x = randn(2, 3, 4);
        var expected = (nn.functional.silu(x.matmul(w["gate_proj.weight"].t()))
            * x.matmul(w["up_proj.weight"].t())).matmul(w["down_proj.weight"].t());
        Assert.That((layer.forward(x) - expected).abs().max().item<float>(), Is.LessThan(1e-6));
        Assert.That(w.Keys, Is.EquivalentTo(new[] { "gate_proj.weight", "up_proj.weight", "down_proj.weight" }));
    }

    [TestCase(96, 256, ExpectedResult = 256)]
    [TestCase(97, 256, ExpectedResult = 512)]
    [TestCase(1, 1, ExpectedResult = 3)]
    [TestCase(3, 1, ExpectedResult = 8)]
    [TestCase(4096, 256, ExpectedResult = 11008)]
    public long SwiGluHasTheUsualWidth(long features, long multiple) => SwiGlu.UsualHidden(features, multiple);

    [Test]
    public void CausalConvolutionIsThatOfPyTorch([Values(1, 2, 4)] long size, [Values(1, 3, 9)] long steps)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        using var layer = new CausalConvolution(3, size, generator);
        layer.to(ScalarType.Float64);
        var w = layer.state_dict();
        Assert.That(w["weight"].shape, Is.EqualTo(new long[] { 3, 1, size }));
        Tensor x = randn([2, steps, 3], ScalarType.Float64, generator: generator),
            history = randn([2, size - 1, 3], ScalarType.Float64, generator: generator);
        Assert.That(Distance(layer.forward(x), Expected(zeros_like(history))), Is.LessThan(1e-14));
        var (y, seen) = layer.ForwardWithHistory(x, history);
        Assert.That(Distance(y, Expected(history)), Is.LessThan(1e-14));
        Assert.That(Distance(seen, cat([history, x], 1).narrow(1, steps, size - 1)), Is.Zero);
        GradCheck.Run(i => [layer.ForwardWithHistory(i[0]!, i[1]).Y], [x, history]);
        using (Autocast.Enable(CPU, ScalarType.BFloat16))
            Assert.That(layer.to(ScalarType.Float32).forward(x.to(ScalarType.BFloat16)).dtype, Is.EqualTo(ScalarType.BFloat16));

        Tensor Expected(Tensor before) =>
            nn.functional.conv1d(cat([before, x], 1).transpose(1, 2), w["weight"], w["bias"], groups: 3).transpose(1, 2);
    }

    [Test]
    public void SamplersDrawAsOftenAsTheyShould()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        double[] probabilities = [0.05, 0.4, 0.1, 0.25, 0.2];
        var logits = tensor(probabilities).log().to(ScalarType.Float32).repeat(200, 100, 1);
        Check(new(), probabilities);
        Check(new() { Temperature = 0.5 }, [.. probabilities.Select(p => p * p)]);
        Check(new() { TopK = 2 }, [0, 0.4, 0, 0.25, 0]);
        Check(new() { TopK = 9 }, probabilities);
        // 0.4 + 0.25 isn't enough, the next one is taken in.
        Check(new() { TopP = 0.7 }, [0, 0.4, 0, 0.25, 0.2]);
        Check(new() { TopP = 1e-9 }, [0, 1, 0, 0, 0]);
        Check(TokenSampler.Greedy, [0, 1, 0, 0, 0]);
        Check(new() { TopK = 3, TopP = 0.6 }, [0, 0.4, 0, 0.25, 0]);

        void Check(TokenSampler sampler, double[] expected)
        {
            var tokens = sampler.Sample(logits, generator);
            Assert.That(tokens.shape, Is.EqualTo(new long[] { 200, 100 }));
            for (var i = 0; i < 5; i++)
            {
                double share = tokens.eq(i).to(ScalarType.Float64).mean().item<double>(), exact = expected[i] / expected.Sum();
                // Five standard deviations of 20 000 draws.
                Assert.That(share, Is.EqualTo(exact).Within(5 * Math.Sqrt(exact * (1 - exact) / 20_000)), $"{sampler}: {i}");
            }
        }
    }

    [Test]
    public void ZLossIsItsFormula()
    {
        using var scope = NewDisposeScope();
        var logits = randn([2, 3, 5], ScalarType.Float64);
        Assert.That(Distance(ZLoss.Of(logits), logits.exp().sum(-1).log().pow(2).mean()), Is.LessThan(1e-14));
        Assert.That(ZLoss.Of(logits.log_softmax(-1)).item<double>(), Is.LessThan(1e-28));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => new RmsNorm(0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new RmsNorm(4).forward(zeros(2, 3)), Throws.ArgumentException.With.Property("ParamName").EqualTo("x"));
            Assert.That(() => new SwiGlu(4, 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new CausalConvolution(4, 0), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new CausalConvolution(4, 2).forward(zeros(2, 4)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("x"));
            Assert.That(() => new CausalConvolution(4, 2).ForwardWithHistory(zeros(2, 3, 4), zeros(2, 2, 4)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("history"));
            Assert.That(() => new TokenSampler { Temperature = -1 }.Sample(zeros(3)), Throws.ArgumentException);
            Assert.That(() => new TokenSampler { TopP = 0 }.Sample(zeros(3)), Throws.ArgumentException);
            Assert.That(() => new TokenSampler().Sample(zeros(2, 0)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("logits"));
        });
    }
}
