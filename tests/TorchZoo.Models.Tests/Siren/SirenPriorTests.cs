using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Fields;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SirenPriorTests
{
    private static SirenPriorConfig Small(bool conv) => new()
    {
        SetEncoder = conv ? null : new() { InFeatures = 3, OutFeatures = 6, NumHiddenLayers = 1, HiddenFeatures = 8 },
        ConvEncoder = conv ? new() { Channel = 1, ImageResolution = 8, FirstFeatures = 4, Features = 6, Blocks = 1 } : null,
        HyperNet = new() { HyperInFeatures = 6, HyperHiddenFeatures = 7 },
        HypoNet = new() { HiddenFeatures = 9, NumHiddenLayers = 2 },
    };

    private static double Distance(Tensor a, Tensor b)
    {
        Assert.That(a.shape, Is.EqualTo(b.shape));
        return (a - b).abs().max().to(ScalarType.Float64).item<double>();
    }

    [Test]
    public void MakesThePlainSirensOfItsTensors()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var net = new Siren(new SirenConfig { HiddenFeatures = 11, NumHiddenLayers = 2 }).to(ScalarType.Float64);
        using var hyper = new SirenHyperNetwork(ParameterShape.Of(net), 5).to(ScalarType.Float64);
        var z = randn([2, 5], ScalarType.Float64);
        var x = FieldCoordinates.Grid([6, 7], ScalarType.Float64);
        var parameters = hyper.forward(z);
        var both = net.ForwardWith(x.unsqueeze(0), parameters);
        for (var i = 0; i < 2; i++)
        {
            foreach (var (name, parameter) in net.named_parameters()) parameter.copy_(parameters[name][i]);
            Assert.That(Distance(both[i], net.forward(x)), Is.LessThan(1e-6));
            Assert.That(Distance(net.ForwardWith(x.unsqueeze(0), hyper.forward(z[i].unsqueeze(0)))[0], both[i]), Is.LessThan(1e-6));
        }
    }

    [Test]
    public void StartsWithParametersNearTheUniformDistribution()
    {
        using var scope = NewDisposeScope();
        using var hyper = new SirenHyperNetwork([new("a.weight", [100, 64]), new("a.bias", [400])], 20, 1, 100);
        var last = hyper.state_dict();
        Assert.Multiple(() =>
        {
            Assert.That(last["nets.0.net.2.0.bias"].abs().max().item<float>(), Is.EqualTo(1 / 64.0).Within(1).Percent);
            Assert.That(last["nets.1.net.2.0.bias"].abs().max().item<float>(), Is.EqualTo(1 / 100.0).Within(2).Percent);
            Assert.That(last["nets.0.net.2.0.weight"].std().item<float>(), Is.EqualTo(Math.Sqrt(2.0 / 100) / 100).Within(1).Percent);
        });
    }

    [Test]
    public void ASetHasNoOrderAndAMaskLeavesOut()
    {
        using var scope = NewDisposeScope();
        using var prior = new SirenPrior(Small(conv: false)).to(ScalarType.Float64);
        var (coords, values) = (randn([2, 12, 2], ScalarType.Float64), randn([2, 12, 1], ScalarType.Float64));
        var order = randperm(12);
        var z = prior.Encode(coords, values);
        Assert.That(Distance(prior.Encode(coords.index_select(1, order), values.index_select(1, order)), z), Is.LessThan(1e-13));
        var mask = (arange(12) < 5).to(ScalarType.Float64).view(1, 12, 1).expand(2, 12, 1);
        Assert.That(Distance(prior.Encode(coords, values, mask), prior.Encode(coords.narrow(1, 0, 5), values.narrow(1, 0, 5))),
            Is.LessThan(1e-13));
    }

    [Test]
    public void LearnsThroughEitherEncoder([Values] bool conv)
    {
        using var scope = NewDisposeScope();
        using var prior = new SirenPrior(Small(conv));
        var image = randn(3, 1, 8, 8);
        var latent = prior.EncodeImage(image);
        var parameters = prior.Parameters(latent);
        var x = FieldCoordinates.Grid([8, 8]).unsqueeze(0);
        var output = new SirenPriorOutput(prior.Evaluate(x, parameters), latent, parameters);
        Assert.That(Distance(prior.forward(image).flatten(1), output.Values.flatten(1)), Is.LessThan(1e-6));
        var loss = new SirenPriorLoss().Loss(output, image.flatten(2).transpose(1, 2));
        var weights = parameters.Values.Select(w => w.square().sum().item<float>()).Sum() / parameters.Values.Sum(w => w.numel());
        var expected = (output.Values - image.flatten(2).transpose(1, 2)).square().mean().item<float>()
            + 0.1 * latent.square().mean().item<float>() + 100 * weights;
        Assert.That(loss.item<float>(), Is.EqualTo(expected).Within(1e-4 * expected));
        loss.backward();
        var untouched = prior.named_parameters().Where(p => p.parameter.grad is null).Select(p => p.name.Split('.')[0]).Distinct();
        Assert.That(untouched, Is.EqualTo(new[] { "hypo_net" }));
        if (conv)
        {
            string[] keys = ["conv_theta.weight", "cnn.0.bias", "cnn.2.convs.0.weight", "cnn.2.convs.2.bias", "cnn.3.weight", "fc.weight"];
            Assert.That(prior.state_dict().Keys, Is.SupersetOf(keys.Select(k => $"encoder.{k}")));
            Assert.That(() => prior.Encode(x, x), Throws.InvalidOperationException);
        }
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        using var prior = new SirenPrior(Small(conv: false));
        using var conv = new SirenPrior(Small(conv: true));
        Assert.Multiple(() =>
        {
            Assert.That(() => prior.forward(zeros(1, 2, 8, 8)), Throws.ArgumentException);
            Assert.That(() => prior.Encode(zeros(1, 5, 2), zeros(1, 4, 1)), Throws.ArgumentException);
            Assert.That(() => prior.Encode(zeros(1, 5, 2), zeros(1, 5, 1), zeros(1, 5)), Throws.ArgumentException);
            Assert.That(() => prior.Parameters(zeros(2, 7)), Throws.ArgumentException);
            Assert.That(() => prior.Evaluate(zeros(3, 4, 2), prior.Parameters(zeros(2, 6))), Throws.ArgumentException);
            Assert.That(() => conv.forward(zeros(1, 1, 9, 9)), Throws.ArgumentException);
            Assert.That(() => new SirenPrior(new SirenPriorConfig { ConvEncoder = new() }), Throws.ArgumentException);
            Assert.That(() => new SirenPrior(new SirenPriorConfig { SetEncoder = null }), Throws.ArgumentException);
            Assert.That(() => new SirenPrior(Small(false) with { HyperNet = new() }), Throws.ArgumentException);
            Assert.That(() => new SetEncoder(new SetEncoderConfig { Nonlinearity = "tanh" }), Throws.ArgumentException);
            Assert.That(() => new SirenHyperNetwork([], 3), Throws.ArgumentException);
        });
    }
}
