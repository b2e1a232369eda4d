using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class PadeNetTests
{
    private const ScalarType Double = ScalarType.Float64;

    [Test]
    public void WithoutADenominatorAndOfOrderOneItIsAnOrdinaryLayer()
    {
        using var scope = NewDisposeScope();
        using var linear = Random(new PadeLinear(4, 3, 1, 0, PadeVariant.Plain));
        using var conv = Random(new PadeConv2d(2, 3, 3, 1, 0, PadeVariant.Absolute, stride: 2));
        var (x, image) = (randn([5, 4], Double), randn([2, 2, 7, 6], Double));
        Assert.That(linear.call(x).allclose(nn.functional.linear(x, Of(linear, "numerator.0.weight"), Of(linear, "numerator.bias")),
            0, 1e-12));
        Assert.That(conv.call(image).allclose(nn.functional.conv2d(image, Of(conv, "numerator.0.weight"), Of(conv, "numerator.bias"),
            strides: [2, 2], padding: [1, 1]), 0, 1e-12));
        using var quadratic = Random(new PadeConv2d(2, 3, 3, 2, 0, PadeVariant.Plain));
        var expected = nn.functional.conv2d(image, Of(quadratic, "numerator.0.weight"), Of(quadratic, "numerator.bias"), padding: [1, 1])
            + nn.functional.conv2d(image.square(), Of(quadratic, "numerator.1.weight"), padding: [1, 1]);
        Assert.That(quadratic.call(image).allclose(expected, 0, 1e-12));
    }

    [Test]
    public void ItIsItsFormula([Values(1, 2, 3)] int k, [Values(1, 2, 3)] int l, [Values] PadeVariant variant)
    {
        using var scope = NewDisposeScope();
        using var layer = Random(new PadeLinear(4, 3, k, l, variant));
        var x = randn([2, 5, 4], Double);
        var (p, q) = (P(k), Q(l));
        var (layerP, layerQ) = layer.Polynomials(x);
        Assert.That(layerP.allclose(p, 1e-12, 1e-12));
        Assert.That(layerQ.allclose(q, 1e-12, 1e-12));
        var y = layer.call(x);
        if (variant == PadeVariant.Plain) Assert.That(y.allclose(p / q, 1e-10, 1e-12));
        if (variant == PadeVariant.Absolute)
        {
            Assert.That(y.allclose(p / (1 + (q - 1).abs()), 1e-12, 1e-12));
            Assert.That(((y.abs() - p.abs()) <= 1e-14).all().item<bool>(), "no larger than the numerator");
        }
        if (variant != PadeVariant.Smoothed) return;
        var (lowerP, lowerQ) = (P(k - 1), Q(l - 1));
        Assert.That(y.allclose((q * p + lowerQ * lowerP) / (q.square() + lowerQ.square()), 1e-9, 1e-9));
        var quotient = complex(p, lowerP) / complex(q, lowerQ);
        Assert.That(y.allclose(quotient.real, 1e-9, 1e-9), "the real part of a complex quotient");
        if (l == 1) Assert.That((q.square() + lowerQ.square()).min().item<double>(), Is.GreaterThanOrEqualTo(1));

        Tensor P(int order) => Enumerable.Range(1, order).Aggregate(Of(layer, "numerator.bias").expand(2, 5, 3),
            (sum, j) => sum + x.pow(j).matmul(Of(layer, $"numerator.{j - 1}.weight").mT));

        Tensor Q(int order) => Enumerable.Range(1, order).Aggregate(ones(2, 5, 3, dtype: Double),
            (sum, j) => sum + x.pow(j).matmul(Of(layer, $"denominator.{j - 1}.weight").mT));
    }

    [Test]
    public void WithADenominatorOfOne([Values] PadeVariant variant)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var layer = Random(new PadeLinear(4, 3, 2, 2, variant));
        foreach (var (name, value) in layer.state_dict())
            if (name.StartsWith("denominator", StringComparison.Ordinal)) value.zero_();
        var x = randn([6, 4], Double);
        var lower = nn.functional.linear(x, Of(layer, "numerator.0.weight"), Of(layer, "numerator.bias"));
        var whole = lower + x.square().matmul(Of(layer, "numerator.1.weight").mT);
        var expected = variant == PadeVariant.Smoothed ? (whole + lower) / 2 : whole;
        Assert.That(layer.call(x).allclose(expected, 1e-10, 1e-10));
    }

    [Test]
    public void LargeInputsStayFinite([Values(1, 2, 3)] int k)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        using var smoothed = new PadeLinear(8, 6, k, generator: generator);
        using var absolute = new PadeLinear(8, 6, k, 3, PadeVariant.Absolute, generator);
        var x = (rand([200, 8], generator: generator) * 2 - 1) * 1e3;
        Assert.That(smoothed.call(x).isfinite().all().item<bool>());
        Assert.That(absolute.call(x).isfinite().all().item<bool>());
        Assert.That(absolute.call(x).abs().le(absolute.Polynomials(x).P.abs() * (1 + 1e-6)).all().item<bool>());
    }

    [Test]
    public void AConvolutionOfSinglePixelsIsALinearLayer()
    {
        using var scope = NewDisposeScope();
        using var linear = Random(new PadeLinear(3, 4, 2, 2));
        using var conv = Random(new PadeConv2d(3, 4, 1, 2, 2));
        conv.load_state_dict(linear.state_dict().ToDictionary(e => e.Key, e => e.Value.dim() == 2 ? e.Value.unsqueeze(-1).unsqueeze(-1)
            : e.Value));
        var x = randn([2, 3, 5, 4], Double);
        Assert.That(conv.call(x).allclose(linear.call(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), 1e-11, 1e-11));
    }

    [Test]
    public void ConvolutionsMoveWithTheirInput()
    {
        using var scope = NewDisposeScope();
        using var conv = Random(new PadeConv2d(2, 3, 3, 2, 1, padding: 0));
        var x = randn([3, 2, 6, 5], Double);
        Tensor Around(Tensor image) => conv.call(nn.functional.pad(image, [1, 1, 1, 1], PaddingModes.Circular));
        Assert.That(Around(x.roll([2, 1], [2, 3])).allclose(Around(x).roll([2, 1], [2, 3]), 1e-12, 1e-12));
        Assert.That(conv.call(x.flip(0)).allclose(conv.call(x).flip(0), 1e-12, 1e-12));
    }

    [Test]
    public void Gradients([Values(1, 2)] int k, [Values(1, 2)] int l)
    {
        using var scope = NewDisposeScope();
        using var linear = Random(new PadeLinear(3, 2, k, l));
        // Denominators away from 1, where the absolute value has its kink.
        using var absolute = Random(new PadeLinear(3, 2, k, l, PadeVariant.Absolute));
        using (no_grad())
            foreach (var (name, value) in absolute.state_dict())
                if (name.StartsWith("denominator", StringComparison.Ordinal)) value.abs_();
        using var conv = Random(new PadeConv2d(2, 2, 2, k, l));
        Check(linear, randn([2, 3], Double));
        Check(absolute, rand([2, 3], Double) + 0.5);
        Check(conv, randn([1, 2, 3, 2], Double));

        static void Check(nn.Module<Tensor, Tensor> layer, Tensor x)
        {
            GradCheck.Run(inputs => [layer.call(inputs[0]!)], [x], tolerance: 1e-6);
            GradCheck.Parameters(layer, () => layer.call(x), tolerance: 1e-6);
        }
    }

    [Test]
    public void ShiftsMoveChannels()
    {
        using var scope = NewDisposeScope();
        using var moved = Random(new PadeConv2d(2, 3, 3, learnShift: true));
        using var plain = new PadeConv2d(2, 3, 3);
        plain.to(Double);
        plain.load_state_dict(moved.state_dict().Where(e => e.Key != "shift").ToDictionary(e => e.Key, e => e.Value));
        using var off = no_grad();
        var x = randn([2, 2, 6, 5], Double);
        var shift = Of(moved, "shift");
        shift.zero_();
        Assert.That(moved.call(x).allclose(plain.call(x), 1e-10, 1e-10));
        // The first channel comes from one row below, the second from half a column to the left; the edges' pixels go on.
        shift[0, 0] = 1;
        shift[1, 1] = -0.5;
        var first = cat([x[.., 0, 1..], x[.., 0, ^1..]], 1);
        var left = cat([x[.., 1, .., ..1], x[.., 1, .., ..^1]], 2);
        var expected = stack([first, (left + x[.., 1]) / 2], 1);
        Assert.That(moved.call(x).allclose(plain.call(expected), 1e-10, 1e-10));
        using var on = enable_grad();
        using (no_grad()) shift.copy_(tensor(new[,] { { 0.3, -0.4 }, { -1.2, 0.6 } }));
        GradCheck.Parameters(moved, () => moved.call(x[..1]), tolerance: 1e-6);
    }

    [Test]
    public void InitialValues()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        using var linear = new PadeLinear(100, 200, 2, 2, generator: generator);
        using var conv = new PadeConv2d(16, 64, 3, generator: generator);
        foreach (var (layer, name, size) in new (nn.Module, string, double)[]
        {
            (linear, "numerator.0.weight", 0.1), (linear, "numerator.1.weight", 0.01), (linear, "denominator.0.weight", 0.01),
            (linear, "denominator.1.weight", 0.01), (linear, "numerator.bias", 0.3), (conv, "numerator.0.weight", 1.0 / 12),
        })
            Assert.That(Of(layer, name).std().item<float>(), Is.EqualTo(size).Within(0.15 * size), name);
        Assert.That(Of(conv, "numerator.bias").abs().max().item<float>(), Is.Zero);
    }

    [TestCase(1, 1)]
    [TestCase(2, 3)]
    [TestCase(3, 1)]
    public void TheNetworkEnlarges(int scale, int colors)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var net = new PadeNet(new PadeNetConfig { Scale = scale, Channels = 4, Blocks = 2, InChannels = colors });
        var x = rand(2, colors, 7, 5);
        Assert.That(net.call(x).shape, Is.EqualTo(new long[] { 2, colors, 7 * scale, 5 * scale }));
        net.state_dict()["tail.weight"].zero_();
        Assert.That(net.call(x).allclose(nn.functional.interpolate(x, scale_factor: [scale, scale], mode: InterpolationMode.Bicubic,
            align_corners: false), 0, scale == 1 ? 1e-6 : 0));
    }

    [Test]
    public void ParametersAndNames()
    {
        using var net = new PadeNet(new PadeNetConfig { Blocks = 1 });
        Assert.That(net.parameters().Sum(p => p.numel()), Is.EqualTo(10_132));
        Assert.That(net.state_dict().Keys, Is.EquivalentTo(new[] { "head", "body.0.paon1", "body.0.paon2" }.SelectMany(layer => new[]
        {
            $"{layer}.numerator.0.weight", $"{layer}.numerator.bias", $"{layer}.denominator.0.weight",
        }).Concat(["tail.weight", "tail.bias"])));
    }

    [Test]
    public void LeadingAxesAndTypes([Values(ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16)] ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var layer = new PadeLinear(3, 2, 2, 2);
        layer.to(type);
        foreach (var leading in new long[][] { [], [4], [0], [2, 1, 5] })
        {
            var y = layer.call(randn([.. leading, 3], type));
            Assert.That(y.shape, Is.EqualTo((long[])[.. leading, 2]));
            Assert.That(y.dtype, Is.EqualTo(type));
        }
        using var conv = new PadeConv2d(3, 2, learnShift: true);
        conv.to(type);
        Assert.That(conv.call(randn([1, 3, 4, 4], type)).dtype, Is.EqualTo(type));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var linear = new PadeLinear(3, 2);
        using var conv = new PadeConv2d(3, 2);
        Assert.Multiple(() =>
        {
            Assert.That(() => linear.call(zeros(2, 4)), Throws.ArgumentException.With.Message.Contains("3"));
            Assert.That(() => linear.Polynomials(zeros(4)), Throws.ArgumentException);
            Assert.That(() => conv.call(zeros(2, 4, 5, 5)), Throws.ArgumentException);
            Assert.That(() => conv.call(zeros(3, 5, 5)), Throws.ArgumentException);
            Assert.That(() => new PadeLinear(3, 2, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeLinear(3, 2, 1, -1, PadeVariant.Absolute), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeLinear(3, 2, 1, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeLinear(0, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeLinear(3, 2, variant: (PadeVariant)9), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeConv2d(3, 2, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeConv2d(3, 2, stride: 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeConv2d(3, 2, padding: -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeResidualBlock(3, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeNet(new PadeNetConfig { Scale = 0 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeNet(new PadeNetConfig { KernelSize = 4 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new PadeNet(new PadeNetConfig { Blocks = -1 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => PadeNet.Enlarge(zeros(3, 4), 2), Throws.ArgumentException);
            Assert.That(() => PadeNet.Enlarge(zeros(1, 1, 3, 4), 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    // Values of no special size, in float64.
    private static T Random<T>(T layer) where T : nn.Module<Tensor, Tensor>
    {
        using var off = no_grad();
        using var generator = new Generator(7);
        layer.to(Double);
        foreach (var parameter in layer.parameters()) parameter.normal_(0, 0.4, generator);
        return layer;
    }

    private static Tensor Of(nn.Module module, string name) => module.state_dict()[name];
}
