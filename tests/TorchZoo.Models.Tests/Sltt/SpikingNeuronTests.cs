using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Spiking;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public class SpikingNeuronTests
{
    [Test]
    public void ByHand()
    {
        using var scope = NewDisposeScope();
        using var neuron = new LeakyIntegrateAndFire(tau: 2);
        var input = tensor(0.6, ScalarType.Float64);
        double[] spikes = new double[3], potentials = new double[3];
        for (var t = 0; t < 3; t++) (spikes[t], potentials[t]) = (neuron.call(input).item<double>(), neuron.Membrane!.item<double>());
        Assert.That(spikes, Is.EqualTo(new double[] { 0, 0, 1 }));
        Assert.That(potentials, Is.EqualTo(new[] { 0.6, 0.9, 0.05 }).Within(1e-15));
    }

    [Test]
    public void WithoutALeakAndWithAHardReset()
    {
        using var scope = NewDisposeScope();
        using var neuron = new IntegrateAndFire(threshold: 1.5, vReset: -0.5);
        var input = tensor(0.8, ScalarType.Float64);
        double[] spikes = new double[4], potentials = new double[4];
        for (var t = 0; t < 4; t++) (spikes[t], potentials[t]) = (neuron.call(input).item<double>(), neuron.Membrane!.item<double>());
        // From −0.5: 0.3, 1.1, 1.9 → −0.5, 0.3.
        Assert.That(spikes, Is.EqualTo(new double[] { 0, 0, 1, 0 }));
        Assert.That(potentials, Is.EqualTo(new[] { 0.3, 1.1, -0.5, 0.3 }).Within(1e-15));
    }

    [Test]
    public void ParametricNeuronsAreLeakyOnesThatLearn([Values] bool decayInput, [Values(null, 0.25)] double? reset)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        using var fixedTau = new LeakyIntegrateAndFire(3, vReset: reset, decayInput: decayInput, temporal: TemporalGradient.Full);
        using var learned = new ParametricLeakyIntegrateAndFire(3, vReset: reset, decayInput: decayInput, temporal: TemporalGradient.Full);
        learned.to(ScalarType.Float64);
        Assert.That(learned.Tau, Is.EqualTo(3).Within(1e-6));
        var inputs = Enumerable.Range(0, 4).Select(_ => randn([50], ScalarType.Float64, generator: generator) + 1).ToList();
        Tensor ours = Run(learned), theirs = Run(fixedTau);
        Assert.That((ours - theirs).abs().max().item<double>(), Is.LessThan(1e-6));
        var gradient = autograd.grad([ours.sum()], [learned.parameters().Single()])[0].item<double>();
        Assert.That(gradient, Is.Not.Zero.And.InRange(-1e3, 1e3));

        // Spikes are steps; the potentials after them are smooth in τ almost everywhere, except for the surrogate.
        Tensor Run(SpikingNeuron neuron)
        {
            neuron.ResetState();
            foreach (var x in inputs) neuron.call(x);
            return neuron.Membrane!.alias();
        }
    }

    [Test]
    public void AnEarlierFrameHasNoGradientUnlessItIsAskedFor()
    {
        using var scope = NewDisposeScope();
        foreach (var temporal in Enum.GetValues<TemporalGradient>())
        {
            using var neuron = new LeakyIntegrateAndFire(tau: 2, temporal: temporal);
            Tensor first = (rand(5) * 0.4).requires_grad_(), second = rand(5).requires_grad_();
            neuron.call(first);
            neuron.call(second).sum().backward();
            Assert.That(first.grad is not null, Is.EqualTo(temporal == TemporalGradient.Full));
            Assert.That(second.grad, Is.Not.Null);
        }
    }

    [Test]
    public void TheStateIsForgottenOnReset()
    {
        using var scope = NewDisposeScope();
        using var neuron = new LeakyIntegrateAndFire(tau: 4);
        var x = full(2, 0.9f);
        Tensor first = neuron.call(x), second = neuron.call(x);
        neuron.ResetState();
        Assert.That(neuron.Membrane, Is.Null);
        Assert.That(neuron.call(x).Equals(first) && !second.Equals(first));
        Assert.That(() => neuron.call(zeros(3)), Throws.InvalidOperationException.With.Message.Contains("ResetState"));
        Assert.That(() => neuron.call(zeros(2, ScalarType.Float64)), Throws.InvalidOperationException);
        Assert.That(neuron.state_dict(), Is.Empty);
    }

    [Test]
    public void BadNumbers()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => new LeakyIntegrateAndFire(0.9), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new LeakyIntegrateAndFire(threshold: 0), Throws.ArgumentException);
            Assert.That(() => new LeakyIntegrateAndFire(alpha: 0), Throws.ArgumentException);
            Assert.That(() => new ParametricLeakyIntegrateAndFire(1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => new IntegrateAndFire(double.NaN), Throws.ArgumentException);
            Assert.That(() => new TemporalDropout(1), Throws.InstanceOf<ArgumentException>());
        });
    }

    [Test]
    public void DropoutLeavesOutTheSameInAllSteps()
    {
        using var scope = NewDisposeScope();
        using var dropout = new TemporalDropout(0.3);
        var x = ones(1000);
        Tensor first = dropout.call(x), second = dropout.call(x);
        Assert.That(first.Equals(second));
        Assert.That(first.eq(0).sum().item<long>(), Is.InRange(230, 370));
        Assert.That(first.max().item<float>(), Is.EqualTo(1 / 0.7f).Within(1e-6));
        Assert.That(() => dropout.call(ones(7)), Throws.InvalidOperationException);
        dropout.ResetState();
        Assert.That(dropout.call(x).Equals(first), Is.False);
        dropout.eval();
        Assert.That(dropout.call(x).Equals(x));
    }
}
