using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class SnnTests
{
    [Test]
    public void TheActivationIsTheFrameworks()
    {
        using var scope = NewDisposeScope();
        using var selu = new ScaledExponentialLinearUnit();
        using var general = new ScaledExponentialLinearUnit(SeluParameters.Alpha * (1 + 1e-15), SeluParameters.Lambda);
        var x = linspace(-8, 8, 1001, ScalarType.Float64);
        var byHand = where(x > 0, SeluParameters.Lambda * x, SeluParameters.Lambda * SeluParameters.Alpha * x.expm1());
        foreach (var unit in new[] { selu, general })
        {
            Assert.That((unit.call(x) - nn.functional.selu(x)).abs().max().item<double>(), Is.LessThan(1e-12));
            Assert.That((unit.call(x) - byHand).abs().max().item<double>(), Is.LessThan(1e-12));
            double Slope(double at, double step) => ((unit.call(tensor(at + step)) - unit.call(tensor(at))) / step).item<double>();
            Assert.That(Slope(0, -1e-8), Is.EqualTo(1.7581).Within(1e-4));
            Assert.That(Slope(0, 1e-8), Is.EqualTo(SeluParameters.Lambda).Within(1e-6));
            Assert.That(unit.call(tensor(-1e-300)).item<double>(), Is.Zero.Within(1e-12));
        }
        GradCheck.Run(inputs => [general.call(inputs[0]!)], [tensor(new[] { -2.0, -0.5, 0.3, 2 })]);
        Assert.That(() => new ScaledExponentialLinearUnit(double.NaN), Throws.ArgumentException);
    }

    [TestCase(0.05, 0.954844, 0.083936)]
    [TestCase(0.1, 0.921285, 0.161971)]
    [TestCase(0.2, 0.878904, 0.309040)]
    public void DropoutKeepsMeanAndVariance(double p, double scale, double shift)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var dropout = new AlphaDropout(p, generator);
        Assert.That(dropout.Scale, Is.EqualTo(scale).Within(1e-6));
        Assert.That(dropout.Shift, Is.EqualTo(shift).Within(1e-6));
        var x = randn([4_000_000], generator: generator);
        var y = dropout.call(x);
        Assert.That(y.mean().item<float>(), Is.Zero.Within(0.002));
        Assert.That(y.var().item<float>(), Is.EqualTo(1).Within(0.005));
        var dropped = y.eq((float)(SeluParameters.Saturation * scale + shift)).logical_or((y - (x * scale + shift)).abs().gt(1e-4));
        Assert.That(dropped.to(ScalarType.Float32).mean().item<float>(), Is.EqualTo(p).Within(0.002));
        dropout.eval();
        Assert.That(dropout.call(x).allclose(x, 0, 0));
    }

    [Test]
    public void DropoutIsTheFrameworks()
    {
        using var scope = NewDisposeScope();
        // What is kept and what is dropped have the framework's values, whichever they are.
        var x = full([10_000], 0.7, ScalarType.Float64);
        using var ours = new AlphaDropout(0.3, new Generator(2));
        var values = nn.functional.alpha_dropout(x, 0.3, training: true);
        var mine = ours.call(x);
        Assert.That(mine.min().item<double>(), Is.EqualTo(values.min().item<double>()).Within(1e-7));
        Assert.That(mine.max().item<double>(), Is.EqualTo(values.max().item<double>()).Within(1e-7));
        Assert.That(((mine - mine.min()).abs().lt(1e-12) | (mine - mine.max()).abs().lt(1e-12)).all().item<bool>());
    }

    [Test]
    public void DropoutOfChannelsIsOfWholeOnes()
    {
        using var scope = NewDisposeScope();
        using var dropout = new FeatureAlphaDropout(0.4, new Generator(3));
        var y = dropout.call(ones(20, 30, 4, 5));
        Assert.That(y.flatten(2).std(-1).max().item<float>(), Is.LessThan(1e-6));
        var share = y.select(3, 0).select(2, 0).lt(0).to(ScalarType.Float32).mean().item<float>();
        Assert.That(share, Is.EqualTo(0.4).Within(0.08));
        Assert.That(() => dropout.call(ones(3)), Throws.ArgumentException);
        using var none = new AlphaDropout(0);
        Assert.That(none.call(y).allclose(y, 0, 0));
        Assert.That(() => new AlphaDropout(1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new FeatureAlphaDropout(-0.1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new AlphaDropout(double.NaN), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void InitialWeights()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var weight = SnnInit.LecunNormal(empty(512, 512), generator);
        Assert.That(weight.std().item<float>() * Math.Sqrt(512), Is.EqualTo(1).Within(0.02));
        Assert.That(weight.mean().item<float>(), Is.Zero.Within(4 / Math.Sqrt(512.0 * 512 * 512)));
        using var net = nn.Sequential(nn.Conv2d(8, 64, 3), nn.Linear(256, 256));
        SnnInit.Apply(net, generator);
        var state = net.state_dict();
        Assert.That(state["0.weight"].std().item<float>() * Math.Sqrt(72), Is.EqualTo(1).Within(0.05));
        Assert.That(state["1.weight"].std().item<float>() * 16, Is.EqualTo(1).Within(0.02));
        Assert.That(state["0.bias"].abs().sum().item<float>() + state["1.bias"].abs().sum().item<float>(), Is.Zero);
        Assert.That(() => SnnInit.LecunNormal(zeros(3)), Throws.ArgumentException);
        Assert.That(() => SnnInit.LecunNormal(zeros(3, 0)), Throws.ArgumentException);
    }

    [Test]
    public void ActivationsStayNormalAtAnyDepth()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var x = randn([2000, 512], generator: generator) * 1.2 + 0.1;
        using var net = new Snn(new SnnConfig { InFeatures = 512, HiddenFeatures = 512, Depth = 64, OutFeatures = 1 }, generator);
        var moments = net.LayerMoments(x);
        Assert.That(moments, Has.Count.EqualTo(64));
        Assert.That(moments[15].Variance, Is.InRange(0.9, 1.1));
        Assert.That(moments[63].Variance, Is.InRange(0.85, 1.15));
        Assert.That(Math.Abs(moments[63].Mean), Is.LessThan(0.03));

        // Weights of the same kind, other activations.
        using var off = no_grad();
        Tensor tanh = x, elu = x;
        foreach (var weight in net.state_dict().Where(e => e.Key.StartsWith("layers.", StringComparison.Ordinal) && e.Value.dim() == 2))
            (tanh, elu) = (tanh.matmul(weight.Value.mT).tanh(), nn.functional.elu(elu.matmul(weight.Value.mT), 1.0));
        Assert.That(tanh.var().item<float>(), Is.EqualTo(0.0077).Within(0.001));
        Assert.That(elu.var().item<float>(), Is.EqualTo(0.0019).Within(0.001));
    }

    [Test]
    public void WidthsAndNames()
    {
        using var net = new Snn(new SnnConfig { InFeatures = 5, HiddenFeatures = 64, Depth = 3, OutFeatures = 8, Shape = SnnShape.Conic });
        Assert.That(net.state_dict().Select(e => $"{e.Key} {string.Join('×', e.Value.shape)}"), Is.EqualTo(new[]
        {
            "layers.0.weight 64×5", "layers.0.bias 64", "layers.1.weight 32×64", "layers.1.bias 32", "layers.2.weight 16×32",
                "layers.2.bias 16",
            "output.weight 8×16", "output.bias 8",
        }));
    }

    [Test]
    public void TheNetworkIsItsLayers([Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var net = new Snn(new SnnConfig { InFeatures = 3, HiddenFeatures = 4, Depth = 2, OutFeatures = 2 });
        net.to(type);
        var state = net.state_dict();
        foreach (var leading in new long[][] { [], [4], [0], [2, 1, 5] })
        {
            var x = randn([.. leading, 3], type);
            var h = x;
            for (var i = 0; i < 2; i++) h = nn.functional.selu(nn.functional.linear(h, state[$"layers.{i}.weight"],
                state[$"layers.{i}.bias"]));
            var y = net.call(x);
            Assert.That(y.shape, Is.EqualTo((long[])[.. leading, 2]));
            Assert.That(y.dtype, Is.EqualTo(type));
            Assert.That(y.allclose(nn.functional.linear(h, state["output.weight"], state["output.bias"]), 0, 0));
        }
    }

    [Test]
    public void Gradients()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        using var net = new Snn(new SnnConfig { InFeatures = 3, HiddenFeatures = 4, Depth = 3, OutFeatures = 2 }, generator);
        net.to(ScalarType.Float64);
        var x = randn([3, 3], ScalarType.Float64, generator: generator);
        GradCheck.Run(inputs => [net.call(inputs[0]!)], [x], secondOrder: true);
        GradCheck.Parameters(net, () => net.call(x));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var config = new SnnConfig { InFeatures = 3, HiddenFeatures = 4, Depth = 2, OutFeatures = 2 };
        using var net = new Snn(config);
        Assert.Multiple(() =>
        {
            Assert.That(() => net.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => net.LayerMoments(zeros([], ScalarType.Float32)), Throws.ArgumentException);
            Assert.That(() => new Snn(config with { Depth = 0 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Snn(config with { HiddenFeatures = 0 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Snn(config with { AlphaDropout = 1 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Snn(config with { InFeatures = -1 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }
}
