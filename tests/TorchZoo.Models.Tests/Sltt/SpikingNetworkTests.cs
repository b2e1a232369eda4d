using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Spiking;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class SpikingNetworkTests
{
    private static IEnumerable<TestCaseData> Networks()
    {
        yield return Case("ResNet-18", () => new SpikingResNet(new()), 11_176_906, 126,
            ["conv1.weight", "layer2.0.shortcut.bias", "layer4.1.bn2.running_var", "bn1.weight", "linear.bias"]);
        yield return Case("ResNet-34", () => new SpikingResNet(new() { Depth = 34 }), 21_288_778, 238, ["layer3.5.conv2.bias"]);
        yield return Case("VGG-11", () => new SpikingVgg(new()), 9_476_298, 58, ["layer1.0.weight", "layer3.5.running_mean", "classifier.1.weight"]);
        yield return Case("NF-34", () => new SpikingNfResNet(new()), 21_797_688, 126, ["conv1.gain", "layer1.0.skipinit_gain", "layer2.0.downsample.gain", "fc.bias"]);
        yield return Case("NF-50", () => new SpikingNfResNet(new() { Depth = 50 }), 25_557_048, 177, ["layer1.0.conv3.weight"]);
        yield return Case("NF-101", () => new SpikingNfResNet(new() { Depth = 101 }), 44_549_193, 347, ["layer3.22.conv3.bias"]);

        static TestCaseData Case(string name, Func<SpikingNetwork> make, long parameters, int entries, string[] keys) =>
            new TestCaseData(make, parameters, entries, keys).SetArgDisplayNames(name);
    }

    // Counted in the reference.
    [TestCaseSource(nameof(Networks))]
    public void ParametersAndKeysAreTheReferences(Func<SpikingNetwork> make, long parameters, int entries, string[] keys)
    {
        using var scope = NewDisposeScope();
        using var network = make();
        var found = StateDict.Entries(network).Select(e => e.Key).ToList();
        Assert.That(network.parameters().Sum(p => p.numel()), Is.EqualTo(parameters));
        Assert.That(found, Is.SupersetOf(keys));
        Assert.That(found, Has.Count.EqualTo(entries));
    }

    [Test]
    public void FiltersAreStandardised()
    {
        using var scope = NewDisposeScope();
        using var conv = new ScaledWeightStandardizedConv2d(5, 7, 3);
        using (no_grad()) conv.parameters().Last().copy_(rand(7, 1, 1, 1) + 0.5);
        var gain = conv.state_dict()["gain"].flatten();
        var filters = conv.StandardizedWeight().flatten(1);
        Assert.That(filters.mean([1]).abs().max().item<float>(), Is.LessThan(1e-6));
        Assert.That((filters.square().sum(1) - gain.square() * 44.0 / 45).abs().max().item<float>(), Is.LessThan(1e-3));
        Assert.That(() => new ScaledWeightStandardizedConv2d(1, 3, 1), Throws.ArgumentException);
    }

    [Test]
    public void AnNfNetworkBeginsWithItsBiases()
    {
        using var scope = NewDisposeScope();
        using var network = new SpikingNfResNet(new() { NumClasses = 5, TimeSteps = 2 });
        var output = network.call(randn(2, 3, 32, 32));
        Assert.That(output.allclose(network.state_dict()["fc.bias"].expand(2, 5)));
    }

    [Test]
    public void ScaledSpikesOfNoiseHaveVarianceOne()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var neuron = new LeakyIntegrateAndFire();
        var variance = (neuron.call(randn([1_000_000], generator: generator)) * SpikingNfResNetScale).var().item<float>();
        Assert.That(variance, Is.EqualTo(1).Within(0.02));
    }

    private const double SpikingNfResNetScale = 2.74;

    [Test]
    public void BadConfigurations()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => new SpikingVgg(new() { Depth = 12 }), Throws.ArgumentException.With.Message.Contains("12"));
            Assert.That(() => new SpikingResNet(new() { Depth = 50 }), Throws.ArgumentException);
            Assert.That(() => new SpikingNfResNet(new() { Depth = 18 }), Throws.ArgumentException);
            Assert.That(() => new SpikingCnn(new() { Channels = [3] }), Throws.ArgumentException);
            Assert.That(() => new SpikingCnn(new() { InSize = [4, 4] }), Throws.ArgumentException.With.Message.Contains("too small"));
            Assert.That(() => new SpikingCnn(new() { TimeSteps = 0 }), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new SpikingCnn(new() { KernelSize = 2 }), Throws.ArgumentException);
        });
    }
}
