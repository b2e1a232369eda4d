using NUnit.Framework;
using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Testing;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class QuadraticMlpTests
{
    private const ScalarType Double = ScalarType.Float64;

    [Test]
    public void ItBeginsAsAnOrdinaryLayer([Values] QuadraticNeuronKind kind)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var layer = new QuadraticLinear(5, 4, kind, generator: generator);
        using var conv = new QuadraticConv2d(2, 3, 3, 2, 1, kind, generator: generator);
        using var ordinary = nn.Linear(5, 4);
        using var ordinaryConv = nn.Conv2d(2, 3, 3, 2, 1);
        Compare(layer, ordinary, randn([7, 5], generator: generator), Math.Sqrt(2.0 / 5));
        Compare(conv, ordinaryConv, randn([2, 2, 9, 7], generator: generator), Math.Sqrt(2.0 / 18));

        static void Compare(nn.Module<Tensor, Tensor> quadratic, nn.Module<Tensor, Tensor> same, Tensor x, double size)
        {
            var state = quadratic.state_dict();
            same.load_state_dict(new() { ["weight"] = state["r.weight"], ["bias"] = state["r.bias"] });
            Assert.That(state["r.weight"].std().item<float>(), Is.EqualTo(size).Within(0.4 * size));
            var (y, expected) = (quadratic.call(x), same.call(x));
            Assert.That(y.allclose(expected, 0, 0));
            var weighting = arange(y.numel()).reshape(y.shape).sin();
            var gradient = autograd.grad([(y * weighting).sum()], [state["r.weight"]])[0];
            Assert.That(gradient.allclose(autograd.grad([(expected * weighting).sum()], [same.get_parameter("weight")!])[0], 0, 0));
        }
    }

    [Test]
    public void ANeuronIsAQuadraticForm([Values] QuadraticNeuronKind kind)
    {
        using var scope = NewDisposeScope();
        using var layer = Random(6, 3, kind);
        var x = randn([20, 6], Double);
        for (var i = 0; i < 3; i++)
        {
            var (a, lin, c) = layer.Form(i);
            var form = (x.matmul(a) * x).sum(1) + x.matmul(lin) + c;
            Assert.That((layer.call(x).select(1, i) - form).abs().max().item<double>(), Is.LessThan(1e-12));
            Assert.That(a.allclose(a.mT, 0, 0));
            var squares = layer.state_dict()["b.weight"][i];
            var rest = a - squares.diag();
            if (kind == QuadraticNeuronKind.Compact) Assert.That(rest.abs().max().item<double>(), Is.Zero);
            else
            {
                var values = linalg.eigvalsh(rest).abs().sort().Values;
                Assert.That(values[3].item<double>(), Is.LessThan(1e-12), "rank 2 at most");
                Assert.That(values[4].item<double>(), Is.GreaterThan(1e-3));
            }
        }
    }

    [Test]
    public void PartsByThemselves()
    {
        using var scope = NewDisposeScope();
        using var layer = Random(4, 3);
        var x = randn([5, 4], Double);
        var state = layer.state_dict();
        Tensor Part(string name, Tensor of) => nn.functional.linear(of, state[$"{name}.weight"], state[$"{name}.bias"]);
        using var off = no_grad();
        var product = Part("r", x) * Part("g", x);
        var squares = Part("b", x.square());
        Assert.That(layer.call(x).allclose(product + squares, 0, 1e-13));
        var kept = state["r.weight"].clone();
        Zero("r.weight", "r.bias");
        Assert.That(layer.call(x).allclose(squares, 0, 0));
        state["r.weight"].copy_(kept);
        product = Part("r", x) * Part("g", x);
        Zero("b.weight", "b.bias");
        Assert.That(layer.call(x).allclose(product, 0, 0));

        // Without biases it is even, and of degree two.
        using var pure = Random(4, 3);
        state = pure.state_dict();
        Zero("r.bias", "g.bias", "b.bias");
        Assert.That(pure.call(-x).allclose(pure.call(x), 0, 0));
        Assert.That(pure.call(3 * x).allclose(9 * pure.call(x), 1e-12, 0));

        void Zero(params string[] names)
        {
            foreach (var name in names) state[name].zero_();
        }
    }

    [Test]
    public void WithoutRatesTheQuadraticPartsStayAndItIsAnOrdinaryNetwork()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var config = new QuadraticMlpConfig { InFeatures = 4, HiddenFeatures = 6, Depth = 2, OutFeatures = 3 };
        using var net = new QuadraticMlp(config, generator);
        using var ordinary = nn.Sequential(("0", nn.Linear(4, 6)), ("relu0", nn.ReLU()), ("1", nn.Linear(6, 6)), ("relu1", nn.ReLU()),
            ("2", nn.Linear(6, 3)));
        var state = net.state_dict();
        ordinary.load_state_dict(new()
        {
            ["0.weight"] = state["layers.0.r.weight"],
            ["0.bias"] = state["layers.0.r.bias"],
            ["1.weight"] = state["layers.1.r.weight"],
            ["1.bias"] = state["layers.1.r.bias"],
            ["2.weight"] = state["output.weight"],
            ["2.bias"] = state["output.bias"],
        });
        var data = new PairDataset(randn([40, 4], generator: generator), randn([40, 3], generator: generator));
        var step = Steps.Supervised((p, t) => (p - t).square().mean());
        Train(net, new ReLinearTraining(step, 0, 0));
        Train(ordinary, step);
        var x = randn([9, 4], generator: generator);
        Assert.That(net.call(x).allclose(ordinary.call(x), 0, 0));
        Assert.That(ReLinear.QuadraticNorm(net).Select(n => (n.Layer, n.Gate, n.Square)),
            Is.EqualTo(new[] { ("layers.0", 0.0, 0.0), ("layers.1", 0, 0) }));
        Train(net, new ReLinearTraining(step, 0.1, 0.1));
        Assert.That(ReLinear.QuadraticNorm(net).Select(n => Math.Min(n.Gate, n.Square)), Is.All.GreaterThan(0));
        Train(net, new ReLinearTraining(step, 0.1, 0.1, shrink: 1));
        Assert.That(ReLinear.QuadraticNorm(net).Select(n => n.Gate + n.Square), Is.All.Zero);

        void Train(nn.Module<Tensor, Tensor> model, TrainingStep how) =>
            new Trainer(model, new TrainerOptions { Epochs = 3, BatchSize = 10, Seed = 3 })
            {
                Optimizer = p => new FusedSgd(p, 0.05, momentum: 0.9, weightDecay: 1e-2),
                Step = how,
            }.Fit(data);
    }

    [Test]
    public void GroupsHaveRatesOfTheirOwn()
    {
        using var net = new QuadraticMlp(new QuadraticMlpConfig { InFeatures = 4, Depth = 2, OutFeatures = 3 });
        var (ordinary, g, b) = ReLinear.ParameterGroups(net, 0.5, 0.1, 0.02);
        Assert.That((ordinary!.LearningRate, g!.LearningRate, b!.LearningRate), Is.EqualTo((0.5, 0.05, 0.01)));
        Assert.That(((TorchSharp.Modules.SGD.Options)((TorchSharp.Modules.ParamGroup)g).Options).weight_decay, Is.Zero);
        Assert.That((ordinary.Parameters.Count(), g.Parameters.Count(), b.Parameters.Count()), Is.EqualTo((6, 4, 4)));
        using var optimizer = optim.SGD([ordinary, g, b], 0.5);
        Assert.That(optimizer.ParamGroups.Count(), Is.EqualTo(3));
        using var compact = new QuadraticLinear(2, 3, QuadraticNeuronKind.Compact);
        Assert.That(ReLinear.ParameterGroups(compact, 0.1).G, Is.Null);
    }

    [Test]
    public void ShrinkingEndsAtAnOrdinaryLayer()
    {
        using var scope = NewDisposeScope();
        using var layer = Random(4, 3);
        var state = layer.state_dict();
        var before = state.ToDictionary(e => e.Key, e => e.Value.detach().clone());
        ReLinear.Shrink(layer, 0, ShrinkNorm.L2);
        foreach (var (name, value) in before) Assert.That(state[name].allclose(value, 0, 0), name);
        ReLinear.Shrink(layer, 0.25, ShrinkNorm.L2);
        foreach (var (name, value) in before)
        {
            var end = name == "g.bias" ? 1.0 : 0;
            Assert.That(state[name].allclose(name[0] == 'r' ? value : end + 0.75 * (value - end), 0, 1e-14), name);
        }
        var shrunk = state.ToDictionary(e => e.Key, e => e.Value.detach().clone());
        ReLinear.Shrink(layer, 0.1, ShrinkNorm.L1);
        foreach (var (name, value) in shrunk)
        {
            var away = value - (name == "g.bias" ? 1.0 : 0);
            var expected = value - away + away.sign() * (away.abs() - 0.1).clamp_min(0);
            Assert.That(state[name].allclose(name[0] == 'r' ? value : expected, 0, 1e-14), name);
        }
        ReLinear.Shrink(layer, 100, ShrinkNorm.L1);
        Assert.That(ReLinear.QuadraticNorm(layer).Single(), Is.EqualTo(new QuadraticNorm("", 0, 0)));
        ReLinear.Shrink(layer, 0.3, ShrinkNorm.L2);
        Assert.That(ReLinear.QuadraticNorm(layer).Single(), Is.EqualTo(new QuadraticNorm("", 0, 0)), "it is the fixed point");
        using var other = Random(4, 3);
        ReLinear.Shrink(other, 1, ShrinkNorm.L2);
        Assert.That(ReLinear.QuadraticNorm(other).Single(), Is.EqualTo(new QuadraticNorm("", 0, 0)));
    }

    // The neurons of a layer are so many seeds: they share nothing.
    [Test]
    public void OneNeuronLearnsADiscAndXor()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var x = rand([1000, 2], generator: generator) * 2 - 1;
        var inside = (x.square().sum(1, keepdim: true) < 0.5).to(ScalarType.Float32);
        using var disc = new QuadraticLinear(2, 3, generator: generator);
        Train(disc, x, y => nn.functional.binary_cross_entropy_with_logits(y, inside.expand_as(y)), 0.1);
        var right = disc.call(x).gt(0).eq(inside.gt(0.5)).to(ScalarType.Float32).mean([0]);
        Assert.That(right.min().item<float>(), Is.GreaterThan(0.99));

        var corners = tensor(new float[,] { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } });
        var xor = tensor(new float[,] { { 0 }, { 1 }, { 1 }, { 0 } });
        using var neurons = new QuadraticLinear(2, 10, generator: generator);
        Train(neurons, corners, y => (y - xor).square().mean(), 2e-2);
        Assert.That((neurons.call(corners) - xor).square().mean([0]).max().item<float>(), Is.LessThan(1e-4));

        static void Train(QuadraticLinear layer, Tensor x, Func<Tensor, Tensor> loss, double rate)
        {
            using var optimizer = new FusedAdam(layer.parameters(), rate);
            for (var i = 0; i < 1000; i++)
            {
                using var step = NewDisposeScope();
                loss(layer.call(x)).backward();
                optimizer.step();
                optimizer.zero_grad();
            }
        }
    }

    [TestCase(QuadraticNeuronKind.Full, 9360)]
    [TestCase(QuadraticNeuronKind.Compact, 6240)]
    public void ParametersAndNames(QuadraticNeuronKind kind, long count)
    {
        using var layer = new QuadraticLinear(64, 48, kind);
        Assert.That(layer.parameters().Sum(p => p.numel()), Is.EqualTo(count));
        string[] parts = kind == QuadraticNeuronKind.Full ? ["r", "g", "b"] : ["r", "b"];
        string[] names = [.. parts.SelectMany(p => new[] { $"{p}.weight", $"{p}.bias" })];
        Assert.That(layer.state_dict().Keys, Is.EqualTo(names));
        using var net = new QuadraticMlp(new QuadraticMlpConfig { InFeatures = 2, Depth = 1, OutFeatures = 1, Kind = kind });
        Assert.That(net.state_dict().Keys, Is.EqualTo(names.Select(n => $"layers.0.{n}").Concat(["output.weight", "output.bias"])));
    }

    [Test]
    public void Gradients([Values] QuadraticNeuronKind kind)
    {
        using var scope = NewDisposeScope();
        using var layer = Random(3, 2, kind);
        var x = randn([2, 3], Double);
        GradCheck.Run(inputs => [layer.call(inputs[0]!)], [x], secondOrder: true);
        GradCheck.Parameters(layer, () => layer.call(x));
        using var conv = new QuadraticConv2d(2, 2, 2, 1, 1, kind, QuadraticInit.Kaiming);
        conv.to(Double);
        var image = randn([1, 2, 3, 2], Double);
        GradCheck.Run(inputs => [conv.call(inputs[0]!)], [image]);
        GradCheck.Parameters(conv, () => conv.call(image));
    }

    [Test]
    public void AConvolutionOfSinglePixelsIsALinearLayer()
    {
        using var scope = NewDisposeScope();
        using var linear = Random(3, 4);
        using var conv = new QuadraticConv2d(3, 4, 1);
        conv.to(Double);
        conv.load_state_dict(linear.state_dict().ToDictionary(e => e.Key, e => e.Value.dim() == 2 ? e.Value.unsqueeze(-1).unsqueeze(-1)
            : e.Value));
        var x = randn([2, 3, 5, 4], Double);
        Assert.That((conv.call(x) - linear.call(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)).abs().max().item<double>(), Is.LessThan(1e-13));
    }

    [Test]
    public void LeadingAxesAndTypes([Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var net = new QuadraticMlp(new QuadraticMlpConfig { InFeatures = 3, HiddenFeatures = 4, OutFeatures = 2 });
        net.to(type);
        foreach (var leading in new long[][] { [], [4], [0], [2, 1, 5] })
        {
            var y = net.call(randn([.. leading, 3], type));
            Assert.That(y.shape, Is.EqualTo((long[])[.. leading, 2]));
            Assert.That(y.dtype, Is.EqualTo(type));
        }
    }

    [Test]
    public void ResidualNetworks()
    {
        using var scope = NewDisposeScope();
        using var net = new QuadraticResNet(new QuadraticResNetConfig());
        Assert.That(net.call(randn(2, 3, 32, 32)).shape, Is.EqualTo(new long[] { 2, 10 }));
        var names = net.state_dict().Keys.ToHashSet();
        Assert.That(names, Is.SupersetOf(new[] { "conv1.weight", "bn1.running_mean", "layer1.0.conv1.r.weight", "layer2.2.conv2.g.bias",
            "layer3.1.bn2.weight", "linear.bias" }));
        Assert.That(names.Contains("layer1.0.alpha1"), Is.False);
        var reference = net.state_dict().ToDictionary(e => e.Key.Replace(".r.", "r.").Replace(".g.", "g.").Replace(".b.", "b."),
            e => e.Value);
        Assert.That(reference, Does.ContainKey("layer1.0.conv1r.weight"));
        Assert.That(QuadraticStateNames.FromReference(reference).Keys, Is.EquivalentTo(names));
        foreach (var (depth, blocks) in new[] { (32, 5), (44, 7), (56, 9), (110, 18) })
        {
            using var deep = new QuadraticResNet(new QuadraticResNetConfig { Depth = depth });
            Assert.That(deep.named_modules().Count(m => m.module is QuadraticResidualBlock), Is.EqualTo(3 * blocks));
        }
    }

    [Test]
    public void WithReZeroABlockIsItsShortcutAtFirst()
    {
        using var scope = NewDisposeScope();
        using var block = new QuadraticResidualBlock(4, 8, 2, reZero: true);
        var x = randn(2, 4, 5, 6);
        var y = block.call(x);
        Assert.That(y.shape, Is.EqualTo(new long[] { 2, 8, 3, 3 }));
        var kept = x[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2), TensorIndex.Slice(step: 2)].relu();
        Assert.That(y.allclose(cat([zeros(2, 2, 3, 3), kept, zeros(2, 2, 3, 3)], 1), 0, 0));
        Assert.That(block.state_dict()["alpha1"].shape, Is.EqualTo(new long[] { 1 }));
        using var same = new QuadraticResidualBlock(4, 4, reZero: true);
        Assert.That(same.call(x).allclose(x.relu(), 0, 0));
    }

    // Degree 2^depth: what is told of it is where it failed, not numbers that aren't any.
    [Test]
    public void ADeepOneWithoutReLinearIsStopped()
    {
        using var scope = NewDisposeScope();
        var config = new QuadraticMlpConfig { InFeatures = 64, Depth = 10, OutFeatures = 2, Init = QuadraticInit.Kaiming };
        using var net = new QuadraticMlp(config, new Generator(5));
        var trainer = new Trainer(net, new TrainerOptions()) { Step = Steps.Supervised((p, t) => (p - t).square().mean()) };
        Assert.That(() => trainer.Fit(new PairDataset(randn(32, 64), randn(32, 2))),
            Throws.InstanceOf<TrainingException>());
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var layer = new QuadraticLinear(3, 2);
        using var conv = new QuadraticConv2d(3, 2, 3);
        using var net = new QuadraticResNet(new QuadraticResNetConfig { Depth = 8 });
        var config = new QuadraticMlpConfig { InFeatures = 3, OutFeatures = 2 };
        var step = Steps.Supervised((p, t) => (p - t).square().mean());
        Assert.Multiple(() =>
        {
            Assert.That(() => layer.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => layer.call(zeros([], ScalarType.Float32)), Throws.ArgumentException);
            Assert.That(() => conv.call(zeros(2, 4, 5, 5)), Throws.ArgumentException);
            Assert.That(() => conv.call(zeros(3, 5, 5)), Throws.ArgumentException);
            Assert.That(() => net.call(zeros(2, 1, 8, 8)), Throws.ArgumentException);
            Assert.That(() => layer.Form(2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new QuadraticLinear(0, 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new QuadraticConv2d(1, 1, 3, padding: -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new QuadraticResidualBlock(4, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new QuadraticMlp(config with { Depth = 0 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new QuadraticMlp(config with { Kind = (QuadraticNeuronKind)7 }),
                Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new QuadraticResNet(new QuadraticResNetConfig { Depth = 21 }),
                Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => ReLinear.ParameterGroups(layer, 0.1, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => ReLinear.ParameterGroups(layer, 0.1, 1, double.NaN), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => ReLinear.Shrink(layer, 1.1, ShrinkNorm.L2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => ReLinear.Shrink(layer, -0.1, ShrinkNorm.L1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new ReLinearTraining(step, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new ReLinearTraining(step, shrink: 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Trainer(layer, new TrainerOptions())
            {
                Optimizer = p => new FusedAdam(p),
                Step = new ReLinearTraining(step),
            }.Fit(new PairDataset(zeros(4, 3), zeros(4, 2))), Throws.ArgumentException.With.Message.Contains("SGD"));
        });
    }

    // All parts are there, none is special.
    private static QuadraticLinear Random(long from, long to, QuadraticNeuronKind kind = QuadraticNeuronKind.Full)
    {
        using var off = no_grad();
        var layer = new QuadraticLinear(from, to, kind);
        layer.to(Double);
        using var generator = new Generator((ulong)(10 * from + to));
        foreach (var parameter in layer.parameters()) parameter.normal_(0, 1, generator);
        return layer;
    }
}
