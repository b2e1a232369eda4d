using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

public class SpikingUpdateTests
{
    private sealed record Case(long[] Shape, bool HasMembrane, SpikingDynamics Dynamics);

    private static readonly Gen<Case> Cases = Gen.Select(
        Gen.OneOf(Gen.Select(Gen.Int[0, 3], Gen.Int[0, 40]).Select((b, n) => new long[] { b, n }), Gen.Const(new long[] { 3, 7, 61, 67 })),
        Gen.Bool, Gen.Select(Gen.Double[1, 10], Gen.Bool, Gen.OneOf(Gen.Const((double?)null), Gen.Double[-0.5, 0.3].Select(r => (double?)r)))
            .Select((tau, decay, reset) => SpikingDynamics.Leaky(tau, decay, reset)),
        Gen.Select(Gen.Double[0.5, 2], Gen.Bool)).Select((shape, has, leaky, more) =>
            new Case(shape, has, leaky with { Threshold = more.Item1, DetachReset = more.Item2 }));

    [Test, Category("Property")]
    public void TheKernelIsTheEagerForm([Values] SurrogateGradient surrogate) => new KernelCheck<Case>(Cases,
        (one, generator) => [randn(one.Shape, generator: generator), one.HasMembrane ? randn(one.Shape, generator: generator) : null],
        (one, x) => Both(SpikingUpdate.Apply(one.Dynamics with { Surrogate = surrogate }, x[0]!, x[1])),
        (one, x) => Both(SpikingUpdate.Eager(one.Dynamics with { Surrogate = surrogate }, x[0]!, x[1])))
    {
        Iterations = 12,
        NonFinite = false,
        // u is rounded, and the fast sigmoid falls by 2 α = 50 times what u is off by.
        SingleTolerance = surrogate == SurrogateGradient.FastSigmoid ? 1e-5 : 2e-6,
    }.Run();

    [Test]
    public void InPlaceItIsTheSame()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16 })
            foreach (var surrogate in Enum.GetValues<SurrogateGradient>())
            {
                var dynamics = SpikingDynamics.Leaky(2) with { Surrogate = surrogate };
                var wide = type == ScalarType.BFloat16 ? ScalarType.Float32 : type;
                Tensor x = randn([3, 41], type, generator: generator).requires_grad_(), v = randn([3, 41], wide, generator: generator),
                    by = randn([3, 41], type, generator: generator), state = v.clone();
                var (expected, next) = SpikingUpdate.Apply(dynamics, x, v);
                var spikes = SpikingUpdate.Advance(dynamics, x, state);
                Assert.That(spikes.Equals(expected) && state.Equals(next) && spikes.dtype == type);
                Assert.That(autograd.grad([spikes], [x], [by])[0].Equals(autograd.grad([expected], [x], [by])[0]));
                using var off = no_grad();
                Assert.That(SpikingUpdate.Advance(dynamics, x, v).Equals(expected) && v.Equals(next));
            }
        Assert.That(() => SpikingUpdate.Advance(new(), zeros(3), zeros(2)), Throws.ArgumentException);
        Assert.That(() => SpikingUpdate.Advance(new(), zeros(3, 2), zeros(2, 3).t()), Throws.ArgumentException.With.Message.Contains("contiguous"));
        Assert.That(() => SpikingUpdate.Advance(new(), zeros(3), zeros(3).requires_grad_()), Throws.ArgumentException);
    }

    // Slope α at the threshold for the triangle, 1/α for the rectangle, α/4 for the sigmoid; and at a distance.
    [TestCase(SurrogateGradient.Triangle, 1.0, 0.0, 1.0)]
    [TestCase(SurrogateGradient.Triangle, 2.0, 0.25, 1.0)]
    [TestCase(SurrogateGradient.Triangle, 1.0, 1.5, 0.0)]
    [TestCase(SurrogateGradient.Rectangle, 2.0, 0.0, 0.5)]
    [TestCase(SurrogateGradient.Rectangle, 2.0, 1.0, 0.5)]
    [TestCase(SurrogateGradient.Rectangle, 2.0, 1.001, 0.0)]
    [TestCase(SurrogateGradient.Sigmoid, 4.0, 0.0, 1.0)]
    [TestCase(SurrogateGradient.Sigmoid, 4.0, 0.5, 4 * 0.8807970779778823 * 0.11920292202211757)]
    [TestCase(SurrogateGradient.ArcTangent, 2.0, 0.0, 1.0)]
    [TestCase(SurrogateGradient.ArcTangent, 2.0, 1 / Math.PI, 0.5)]
    [TestCase(SurrogateGradient.FastSigmoid, 25.0, 0.0, 1.0)]
    [TestCase(SurrogateGradient.FastSigmoid, 25.0, 0.04, 0.25)]
    [TestCase(SurrogateGradient.Exponential, 1.0, 0.0, 0.5)]
    [TestCase(SurrogateGradient.Exponential, 2.0, 0.5, 0.36787944117144233)]
    public void SlopesHaveTheirClosedForms(SurrogateGradient surrogate, double alpha, double distance, double slope)
    {
        using var scope = NewDisposeScope();
        var dynamics = new SpikingDynamics { Surrogate = surrogate, Alpha = alpha };
        foreach (var sign in new[] { 1, -1 })
        {
            var x = tensor(1 + sign * distance, ScalarType.Float64).requires_grad_();
            foreach (var apply in new[] { SpikingUpdate.Apply, new Func<SpikingDynamics, Tensor, Tensor?, (Tensor, Tensor)>(SpikingUpdate.Eager) })
            {
                var (spikes, _) = apply(dynamics, x, null);
                Assert.That(autograd.grad([spikes], [x])[0].item<double>(), Is.EqualTo(slope).Within(1e-12));
            }
        }
        Assert.That(SpikingDynamics.UsualAlpha(surrogate), Is.GreaterThan(0));
    }

    [Test]
    public void ThePotentialAtTheThresholdSpikes()
    {
        using var scope = NewDisposeScope();
        var (spikes, membrane) = SpikingUpdate.Apply(new(), tensor(new double[] { 1, 1 - 1e-15, 1.25, -3 }));
        Assert.That(spikes.data<double>().ToArray(), Is.EqualTo(new double[] { 1, 0, 1, 0 }));
        Assert.That(membrane.data<double>().ToArray(), Is.EqualTo(new[] { 0, 1 - 1e-15, 0.25, -3 }));
    }

    [Test]
    public void WhatIsNotFiniteStays()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity });
        foreach (var reset in new double?[] { null, 0.5 })
        {
            var dynamics = new SpikingDynamics { Reset = reset };
            var (ours, theirs) = (SpikingUpdate.Apply(dynamics, x), SpikingUpdate.Eager(dynamics, x));
            Assert.That(ours.Spikes.data<float>().ToArray(), Is.EqualTo(new float[] { 0, 1, 0 }));
            Assert.That(ours.Membrane.data<float>().ToArray(), Is.EqualTo(theirs.Membrane.data<float>().ToArray()));
        }
    }

    [Test]
    public void SixteenBitInputsKeepAFullPotential()
    {
        using var scope = NewDisposeScope();
        var x = full([300], 0.01, ScalarType.BFloat16);
        Tensor? v = null;
        Tensor spikes = x;
        for (var t = 0; t < 99; t++) (spikes, v) = SpikingUpdate.Apply(new(), x, v);
        Assert.That((spikes.dtype, v!.dtype), Is.EqualTo((ScalarType.BFloat16, ScalarType.Float32)));
        // In bfloat16 sums stop growing far below.
        Assert.That(v[0].item<float>(), Is.EqualTo(99 * x[0].to(ScalarType.Float32).item<float>()).Within(1e-4));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var x = zeros(2, 3);
        Assert.Multiple(() =>
        {
            Assert.That(() => SpikingUpdate.Apply(new(), x, zeros(3)), Throws.ArgumentException.With.Message.Contains("(2, 3)"));
            Assert.That(() => SpikingUpdate.Apply(new(), x, zeros(2, 3, ScalarType.Float64)), Throws.ArgumentException);
            Assert.That(() => SpikingUpdate.Apply(new(), x.to(ScalarType.Int32)), Throws.ArgumentException.With.Message.Contains("Int32"));
            Assert.That(() => SpikingUpdate.Apply(new() { Threshold = 0 }, x), Throws.ArgumentException.With.Message.Contains("threshold"));
            Assert.That(() => SpikingUpdate.Apply(new() { Alpha = -1 }, x), Throws.ArgumentException.With.Message.Contains("-1"));
            Assert.That(() => SpikingUpdate.Apply(new() { Leak = double.NaN }, x), Throws.ArgumentException);
            Assert.That(() => SpikingDynamics.Leaky(0.5), Throws.InstanceOf<ArgumentException>().With.Message.Contains("time constant"));
            Assert.That(() => SpikingDynamics.Leaky(double.NaN), Throws.InstanceOf<ArgumentException>());
        });
    }

    private static Tensor[] Both((Tensor Spikes, Tensor Membrane) outputs) => [outputs.Spikes, outputs.Membrane];
}
