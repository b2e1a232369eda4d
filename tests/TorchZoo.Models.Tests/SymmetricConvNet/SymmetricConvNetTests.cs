using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class SymmetricConvNetTests
{
    private const ScalarType Double = ScalarType.Float64;

    private static readonly SymmetricConvNetConfig Small = new()
    {
        InChannels = 1,
        StemChannels = 6,
        BlocksPerStage = [2, 3],
        Classes = 5,
        Layout = SymmetricLayout.Small,
        Expansion = 2,
    };

    [Test]
    public void AnyRotationOfAStageIsASymmetry([Values(1, 2)] int stage, [Values] BallActivation ball, [Values] bool variable)
    {
        using var scope = NewDisposeScope();
        using var net = Used(Small with { Ball = ball, VariableCoefficients = variable });
        var x = randn(7, 1, 8, 8, Double);
        var channels = stage == 1 ? 6 : 12;
        Tensor p = Rotation(channels), q = Rotation(channels);
        using var turned = ChannelBasisTransform.Apply(net, stage, q);
        Assert.That(SymmetryProbe.MaxDeviation(net, turned, x), Is.LessThan(1e-10));
        using var plain = ChannelBasisTransform.Apply(net, stage, eye(channels, dtype: Double));
        Tensor Weight(SymmetricConvNet of) => of.state_dict()[$"layer{stage}.1.conv3.conv.weight"];
        Assert.That(Weight(turned).allclose(Weight(plain)), Is.False, "with other weights");

        // A group acts.
        Same(ChannelBasisTransform.Apply(turned, stage, p), ChannelBasisTransform.Apply(net, stage, p.matmul(q)));
        Same(ChannelBasisTransform.Apply(turned, stage, linalg.inv(q)), plain);
    }

    [Test]
    public void WithoutABallAnyInvertibleMatrixIsOne()
    {
        using var scope = NewDisposeScope();
        var x = randn(5, 1, 8, 8, Double);
        using var net = Used(Small);
        var spread = (linspace(-0.5, 0.5, 6, Double) * Math.Log(10)).exp().diag();
        var q = Rotation(6).matmul(spread).matmul(Rotation(6));
        Assert.That(SymmetryProbe.MaxDeviation(net, ChannelBasisTransform.Apply(net, 1, q), x), Is.LessThan(1e-9));
        var wide = (linspace(-0.5, 0.5, 12, Double) * Math.Log(10)).exp().diag().matmul(Rotation(12));
        Assert.That(() => ChannelBasisTransform.Apply(net, 2, wide), Throws.ArgumentException.With.Message.Contains("orthogonal"));
        Assert.That(SymmetryProbe.MaxDeviation(net, ChannelBasisTransform.Apply(net, 2, wide, exact: false), x), Is.GreaterThan(1e-2));
        using var free = Used(Small with { Ball = BallActivation.None });
        Assert.That(SymmetryProbe.MaxDeviation(free, ChannelBasisTransform.Apply(free, 2, wide), x), Is.LessThan(1e-9));
    }

    [Test]
    public void ASingleJunction([Range(0, 4)] int block)
    {
        using var scope = NewDisposeScope();
        using var net = Used(Small);
        var x = randn(5, 1, 8, 8, Double);
        using var turned = ChannelBasisTransform.ApplyJunction(net, block, Rotation(block < 2 ? 6 : 12));
        Assert.That(SymmetryProbe.MaxDeviation(net, turned, x), Is.LessThan(1e-10));
        Assert.That(turned.Blocks[block].HasSkip);
        using var again = ChannelBasisTransform.Apply(turned, 2, Rotation(12));
        Assert.That(SymmetryProbe.MaxDeviation(net, again, x), Is.LessThan(1e-10), "stages can be turned afterwards");
    }

    [Test]
    public void ReluNetworksHaveNoSuchSymmetry()
    {
        using var scope = NewDisposeScope();
        using var net = Used(Small with { Nonlinearity = BlockNonlinearity.Relu });
        var x = randn(5, 1, 8, 8, Double);
        Assert.That(() => ChannelBasisTransform.Apply(net, 2, Rotation(12)), Throws.ArgumentException.With.Message.Contains("ReLU"));
        using var turned = ChannelBasisTransform.Apply(net, 2, Rotation(12), exact: false);
        var scale = net.call(x).abs().max().item<double>();
        Assert.That(SymmetryProbe.MaxDeviation(net, turned, x), Is.GreaterThan(0.1 * scale));
        using var same = ChannelBasisTransform.Apply(net, 2, eye(12, dtype: Double), exact: false);
        Assert.That(SymmetryProbe.MaxDeviation(net, same, x), Is.LessThan(1e-12));
    }

    [Test]
    public void GradientsTurnWithTheWeights()
    {
        using var scope = NewDisposeScope();
        using var net = Used(Small);
        var (x, q) = (randn(5, 1, 8, 8, Double), Rotation(12));
        var g = randn(5, 5, Double);
        using var plain = ChannelBasisTransform.Apply(net, 2, eye(12, dtype: Double));
        using var turned = ChannelBasisTransform.Apply(net, 2, q);
        Tensor Gradient(SymmetricConvNet of)
        {
            var weight = of.Blocks[3].named_parameters().Single(p => p.name == "conv3.conv.weight").parameter;
            return autograd.grad([(of.call(x) * g).sum()], [weight])[0].flatten(1);
        }
        Assert.That(Gradient(turned).allclose(q.matmul(Gradient(plain)), 1e-8, 1e-10));
    }

    [Test]
    public void FusingChangesNothing([Values(ScalarType.Float32, ScalarType.Float64)] ScalarType type, [Values] bool bias)
    {
        using var scope = NewDisposeScope();
        using var conv = nn.Conv2d(3, 4, 3, 2, 1, bias: bias);
        using var norm = nn.BatchNorm2d(4);
        conv.to(type);
        norm.to(type);
        norm.call(conv.call(randn(20, 3, 6, 6, type) * 2 + 1));
        using (no_grad())
        {
            norm.weight!.normal_();
            norm.bias!.normal_();
        }
        norm.eval();
        using var fused = FusedConvBn.From(conv, norm);
        var x = randn(3, 3, 7, 5, type);
        var error = (fused.call(x) - norm.call(conv.call(x))).abs().max().to(Double).item<double>();
        Assert.That(error, Is.LessThan(type == Double ? 1e-12 : 4e-6));
        using var other = nn.BatchNorm2d(5);
        Assert.That(() => FusedConvBn.From(conv, other), Throws.ArgumentException);
    }

    [Test]
    public void BallsBoundAndPreferNoBasis([Values] bool isHard, [Values(null, 0.5)] double? radius)
    {
        using var scope = NewDisposeScope();
        Tensor Ball(Tensor x) => isHard ? HardBall.Forward(x, radius) : SoftBall.Forward(x, radius);
        var r = radius ?? Math.Sqrt(5);
        var x = cat([randn(4, 5, 3, 2, Double) * 3, randn(4, 5, 3, 2, Double) * 0.05, zeros(1, 5, 3, 2, Double)], 0);
        var y = Ball(x);
        Assert.That(y.norm(1).max().item<double>(), Is.LessThanOrEqualTo(r + 1e-6));
        if (isHard)
        {
            var inside = x.norm(1, keepdim: true).le(r).expand_as(x);
            Assert.That(y.masked_select(inside).allclose(x.masked_select(inside), 1e-15, 0));
        }
        else Assert.That(y.allclose(x / (1 + x.norm(1, keepdim: true).square() / (r * r)).sqrt(), 1e-12, 0));
        var q = Rotation(5);
        Tensor Turn(Tensor t) => einsum("ij,njhw->nihw", q, t);
        Assert.That(Ball(Turn(x)).allclose(Turn(y), 1e-12, 1e-13));
        var direction = randn(1, 5, 1, 1, Double);
        direction /= direction.norm();
        Assert.That((Ball(direction * (r + 1e-9)) - Ball(direction * (r - 1e-9))).norm().item<double>(), Is.LessThan(1e-8), "continuous");
        GradCheck.Run(a => [Ball(a[0]!)], [cat([direction * r * 0.7, direction * r * 1.6], 0)]);
        Assert.That(() => Ball(zeros(3)), Throws.ArgumentException);
        Assert.That(() => HardBall.Forward(x, 0), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void ABlockIsAQuadraticPolynomial([Values(1, 2)] int stride)
    {
        using var scope = NewDisposeScope();
        using var block = new PdeBlock(3, 6, stride, expansion: 2, ball: BallActivation.None);
        block.to(Double);
        block.call(randn(20, 3, 6, 6, Double));
        block.eval();
        Tensor u = randn(2, 3, 5, 6, Double), v = randn(2, 3, 5, 6, Double);
        Tensor At(double t) => block.call(u + t * v) - block.Skip(u + t * v);
        Assert.That((At(3) - 3 * At(2) + 3 * At(1) - At(0)).abs().max().item<double>(), Is.LessThan(1e-8), "the third difference");
        Assert.That((At(2) - 2 * At(1) + At(0)).abs().max().item<double>(), Is.GreaterThan(1e-3), "and not the second");

        // With b = 1 it is affine: conv1's second half gives ones.
        using (no_grad())
        {
            block.state_dict()["conv1.bn.weight"].narrow(0, 6, 6).zero_();
            block.state_dict()["conv1.bn.bias"].narrow(0, 6, 6).fill_(1);
        }
        Assert.That((At(2) - 2 * At(1) + At(0)).abs().max().item<double>(), Is.LessThan(1e-10));
    }

    [Test]
    public void Gradients()
    {
        using var scope = NewDisposeScope();
        foreach (var nonlinearity in Enum.GetValues<BlockNonlinearity>())
        {
            using var block = new PdeBlock(2, 4, 2, 1, BallActivation.Soft, nonlinearity, variableCoefficients: true);
            block.to(Double);
            block.call(randn(20, 2, 4, 4, Double));
            block.eval();
            var u = randn(2, 2, 3, 3, Double);
            GradCheck.Run(a => [block.call(a[0]!)], [u]);
            GradCheck.Parameters(block, () => block.call(u));
        }
    }

    [Test]
    public void NamesAndNumbers()
    {
        using var scope = NewDisposeScope();
        using var block = new PdeBlock(4, 8, 2);
        var shapes = block.state_dict().ToDictionary(e => e.Key, e => string.Join('×', e.Value.shape));
        Assert.That(shapes["conv1.conv.weight"], Is.EqualTo("32×4×1×1"));
        Assert.That(shapes["conv2.weight"], Is.EqualTo("32×1×3×3"), "depthwise, two outputs a channel");
        Assert.That(shapes["conv3.conv.weight"], Is.EqualTo("8×32×1×1"));
        Assert.That(shapes["skip.conv.weight"], Is.EqualTo("8×4×1×1"));
        Assert.That(shapes.Keys, Does.Contain("bn2.running_mean").And.Contain("conv1.bn.weight").And.Contain("skip.bn.bias"));

        // The specification's two networks, less the 16 biases that normalisation takes away behind the first convolution.
        var digits = Small with { StemChannels = 16, Classes = 10 };
        using var product = new SymmetricConvNet(digits);
        using var relu = new SymmetricConvNet(digits with { Nonlinearity = BlockNonlinearity.Relu });
        Assert.That(product.parameters().Sum(p => p.numel()), Is.EqualTo(30_730 - 16));
        Assert.That(relu.parameters().Sum(p => p.numel()), Is.EqualTo(24_650 - 16));
        Assert.That(product.state_dict().Keys, Does.Contain("stem.conv.weight").And.Contain("layer2.0.skip.conv.weight")
            .And.Contain("fc.bias").And.Contain("layer1.1.conv3.bn.running_var"));

        using var full = new SymmetricConvNet(new() { StemChannels = 4, BlocksPerStage = [1, 1], Classes = 7 });
        Assert.That(full.call(randn(2, 3, 32, 48)).shape, Is.EqualTo(new long[] { 2, 7 }));
        using var zero = new PdeBlock(4, 4, zeroInitLast: true);
        var u = randn(2, 4, 5, 5);
        Assert.That(zero.call(u).allclose(u, 0, 0), "it begins as its skip connection");
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var net = Used(Small);
        Assert.Multiple(() =>
        {
            Assert.That(() => net.call(zeros(2, 3, 8, 8, Double)), Throws.ArgumentException);
            Assert.That(() => ChannelBasisTransform.Apply(net, 0, Rotation(6)), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => ChannelBasisTransform.Apply(net, 3, Rotation(6)), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => ChannelBasisTransform.Apply(net, 1, Rotation(5)), Throws.ArgumentException);
            Assert.That(() => ChannelBasisTransform.Apply(net, 1, zeros(6, 6, Double)),
                Throws.ArgumentException.With.Message.Contains("invertible"));
            Assert.That(() => ChannelBasisTransform.ApplyJunction(net, 5, Rotation(12)), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new SymmetricConvNet(Small with { BlocksPerStage = [] }), Throws.ArgumentException);
            Assert.That(() => new SymmetricConvNet(Small with { Expansion = 0 }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new SymmetricConvNet(Small with { LinearSkips = [5] }), Throws.ArgumentException);
            Assert.That(() => new PdeBlock(0, 4), Throws.InstanceOf<ArgumentException>());
            net.train();
            Assert.That(() => ChannelBasisTransform.Apply(net, 1, Rotation(6)), Throws.InvalidOperationException);
        });
    }

    // Statistics and scales that aren't those of a fresh network.
    private static SymmetricConvNet Used(SymmetricConvNetConfig config)
    {
        var net = new SymmetricConvNet(config);
        net.to(Double);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, tensor) in net.state_dict().Where(e => e.Key.Contains("bn")))
            if (name.EndsWith("weight", StringComparison.Ordinal) || name.EndsWith("var", StringComparison.Ordinal))
                tensor.uniform_(0.6, 1.5);
            else if (tensor.is_floating_point()) tensor.normal_(0, 0.3);
        net.eval();
        return net;
    }

    private static Tensor Rotation(long n) => linalg.qr(randn(n, n, Double)).Q;

    private static void Same(SymmetricConvNet a, SymmetricConvNet b)
    {
        foreach (var (name, tensor) in a.state_dict())
            Assert.That(tensor.to(Double).allclose(b.state_dict()[name].to(Double), 1e-10, 1e-10), name);
    }
}
