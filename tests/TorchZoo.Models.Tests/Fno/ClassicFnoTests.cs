using NUnit.Framework;
using TorchSharp;
using TorchZoo.Checkpoints;
using TorchZoo.Models.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class ClassicFnoTests
{
    [SetUp]
    public void Seed() => random.manual_seed(0);

    [TestCase(new long[] { 8, 8 }, 10, 414_517)]
    [TestCase(new long[] { 8, 8, 8 }, 10, 6_558_537)]
    public void Parameters_are_as_many_as_in_the_papers_table(long[] modes, int frames, int count)
    {
        using var model = new ClassicFno(new ClassicFnoConfig { Modes = modes, InChannels = frames, Width = 20 });
        Assert.That(model.parameters().Sum(p => p.numel()), Is.EqualTo(count));
    }

    [TestCase(new long[] { 5 }, new long[] { 12 })]
    [TestCase(new long[] { 3, 4 }, new long[] { 10, 9 })]
    [TestCase(new long[] { 2, 3, 3 }, new long[] { 6, 7, 8 })]
    public void Converted_weights_are_the_same_layer(long[] modes, long[] sizes)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var classic = new ClassicSpectralConv(2, 3, modes);
        var converted = LegacyFnoConverter.FromIclr(classic.state_dict());
        using var conv = new SpectralConv(2, 3, [.. modes.SkipLast(1).Select(m => 2 * m), 2 * (modes[^1] - 1)], bias: false);
        conv.load_state_dict(converted);
        var x = randn([2, 2, .. sizes]);
        Assert.That((classic.forward(x) - conv.forward(x)).abs().max().item<float>(), Is.LessThan(1e-6));
    }

    [Test]
    public void Its_layer_is_the_scripts_formula()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var conv = new ClassicSpectralConv(2, 3, [3, 4]);
        var state = conv.state_dict();
        var x = randn(2, 2, 10, 9);
        var spectrum = fft.rfftn(x, dim: [2, 3], norm: FFTNormType.Ortho);
        var product = zeros([2, 3, 10, 5], ScalarType.ComplexFloat32);
        product[.., .., ..3, ..4] = einsum("bixy,ioxy->boxy", spectrum[.., .., ..3, ..4], state["weights1"].view_as_complex());
        product[.., .., ^3.., ..4] = einsum("bixy,ioxy->boxy", spectrum[.., .., ^3.., ..4], state["weights2"].view_as_complex());
        var expected = fft.irfftn(product, s: [10, 9], dim: [2, 3], norm: FFTNormType.Ortho);
        Assert.That((conv.forward(x) - expected).abs().max().item<float>(), Is.LessThan(1e-6));
    }

    [Test]
    public void Weights_start_uniform()
    {
        using var scope = NewDisposeScope();
        using var conv = new ClassicSpectralConv(8, 8, [8, 8]);
        var w = conv.state_dict()["weights2"] * 64;
        Assert.That(w.min().item<float>(), Is.InRange(0, 0.01));
        Assert.That(w.max().item<float>(), Is.InRange(0.99, 1));
        Assert.That(w.mean().item<float>(), Is.EqualTo(0.5).Within(0.02));
    }

    [Test]
    public void Names_are_those_of_the_scripts()
    {
        using var scope = NewDisposeScope();
        using var model = new ClassicFno(new ClassicFnoConfig { Modes = [2, 2], InChannels = 1, NLayers = 1, Width = 4 });
        Assert.That(model.state_dict().Keys, Is.EquivalentTo(new[]
        {
            "fc0.weight", "fc0.bias", "conv0.weights1", "conv0.weights2", "w0.weight", "w0.bias",
            "bn0.weight", "bn0.bias", "bn0.running_mean", "bn0.running_var", "bn0.num_batches_tracked",
            "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias",
        }));
    }

    [Test]
    public void Padding_ends_before_the_output()
    {
        using var scope = NewDisposeScope();
        using var model = new ClassicFno(new ClassicFnoConfig
        {
            Modes = [3, 3],
            InChannels = 1,
            OutChannels = 2,
            Width = 4,
            Padding = 9,
            BatchNorm = false,
            NonLinearity = "gelu",
        });
        var y = model.forward(randn(2, 1, 11, 13));
        Assert.That(y.shape, Is.EqualTo(new long[] { 2, 2, 11, 13 }));
        y.sum().backward();
        Assert.That(StateDict.Gradients(model).Values.Select(g => g.isfinite().all().item<bool>()), Is.All.True);
    }

    [Test]
    public void Incomplete_weights_are_refused()
    {
        using var scope = NewDisposeScope();
        var state = new Dictionary<string, Tensor> { ["conv0.weights1"] = randn([2, 2, 3, 3, 2]), ["fc0.weight"] = randn(2, 2) };
        Assert.That(() => LegacyFnoConverter.FromIclr(state), Throws.ArgumentException.With.Message.Contains("conv0.weights2"));
        state["conv0.weights2"] = randn([2, 2, 3, 4, 2]);
        Assert.That(() => LegacyFnoConverter.FromIclr(state), Throws.ArgumentException);
        state["conv0.weights2"] = randn([2, 2, 3, 3, 2]);
        Assert.That(LegacyFnoConverter.FromIclr(state).Keys, Is.EquivalentTo(new[] { "conv0.weight.tensor", "fc0.weight" }));
    }

    [Test]
    public void Bad_input_is_refused()
    {
        using var scope = NewDisposeScope();
        using var model = new ClassicFno(new ClassicFnoConfig { Modes = [4, 4], InChannels = 1 });
        Assert.That(() => model.forward(randn(1, 2, 16, 16)), Throws.ArgumentException);
        Assert.That(() => model.forward(randn(1, 1, 16)), Throws.ArgumentException);
        Assert.That(() => model.forward(randn(1, 1, 6, 16)), Throws.ArgumentException.With.Message.Contains("modes"));
        Assert.That(() => new ClassicFno(new ClassicFnoConfig { Modes = [4, 0], InChannels = 1 }), Throws.ArgumentException);
    }

    [Test]
    public void A_roll_out_feeds_predictions_back()
    {
        using var scope = NewDisposeScope();
        using var model = new Fno(new FnoConfig { NModes = [4], InChannels = 3, OutChannels = 1, HiddenChannels = 4, NLayers = 2 });
        var frames = randn(2, 3, 8).requires_grad_();
        var y = FnoRollout.Run(model, frames, 3);
        var first = model.forward(frames);
        var second = model.forward(cat([frames.narrow(1, 1, 2), first], 1));
        var third = model.forward(cat([frames.narrow(1, 2, 1), first, second], 1));
        Assert.That((y - cat([first, second, third], 1)).abs().max().item<float>(), Is.LessThan(1e-6));
        y.narrow(1, 2, 1).sum().backward();
        Assert.That(frames.grad!.narrow(1, 0, 1).abs().max().item<float>(), Is.GreaterThan(0));
        Assert.That(() => FnoRollout.Run(model, frames, 0), Throws.ArgumentException);
    }
}
