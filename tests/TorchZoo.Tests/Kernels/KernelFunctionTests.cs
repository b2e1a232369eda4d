using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

public class KernelFunctionTests
{
    /// <summary>(a b + c, a²), c optional: several outputs, a null, something saved, something in fields.</summary>
    private sealed class Sample(double factor = 1) : KernelFunction
    {
        public int Forwards, Backwards;
        public bool WasRecorded;
        public bool[] Needed = [];
        public Func<Tensor?[]>? Instead;

        protected override Tensor[] Forward(KernelCall call)
        {
            Forwards++;
            WasRecorded = call.IsRecorded;
            Needed = [call.Needs(0), call.Needs(1), call.Needs(2)];
            var product = call[0] * call[1] * factor;
            call.Save(call[0] * 2, null);
            call.State = "kept";
            return [call.Optional(2) is { } c ? product + c : product, call[0].square()];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            Backwards++;
            if (Instead is not null) return Instead();
            Assert.That(call.State, Is.EqualTo("kept"));
            Assert.That(call.OptionalSaved(1), Is.Null);
            Assert.That(is_grad_enabled(), Is.False);
            var byA = zeros_like(call[0]);
            if (byOutputs[0] is { } g) byA += g * call[1] * factor;
            if (byOutputs[1] is { } h) byA += h * call.Saved(0);
            return [byA, call.Needs(1) && byOutputs[0] is not null ? byOutputs[0]! * call[0] * factor : null, byOutputs[0]];
        }

        protected override Tensor[] Eager(KernelCall call)
        {
            var product = call[0] * call[1] * factor;
            return [call.Optional(2) is { } c ? product + c : product, call[0].square()];
        }
    }

    private sealed class FirstOrderOnly : KernelFunction
    {
        protected override Tensor[] Forward(KernelCall call) => [call[0].sin()];

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs) => [byOutputs[0]! * call[0].cos()];
    }

    private sealed class Identity : KernelFunction
    {
        protected override bool SavesInputs => false;

        protected override Tensor[] Forward(KernelCall call) => [call[0]];

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs) => [byOutputs[0]];
    }

    private static Tensor Leaf(Generator generator, params long[] shape) =>
        randn(shape, ScalarType.Float64, generator: generator).requires_grad_();

    private static void Same(Tensor a, Tensor b) => Assert.That(a.allclose(b, 1e-14, 1e-14), Is.True);

    [Test]
    public void GradientsAreThoseOfTheReference([Values] bool hasThird, [Values(0, 1, 2)] int used)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor a = Leaf(generator, 3, 4), b = Leaf(generator, 3, 4);
        var c = hasThird ? Leaf(generator, 3, 4) : null;
        var sample = new Sample(1.5);
        var y = sample.Apply(a, b, c);
        Tensor[] expected = [hasThird ? a * b * 1.5 + c! : a * b * 1.5, a.square()];
        Same(y[0], expected[0]);
        Same(y[1], expected[1]);
        Tensor[] wanted = [a, b, .. hasThird ? [c!] : Array.Empty<Tensor>()];
        Tensor Loss(Tensor[] o) => used == 0 ? o[0].cos().sum() : used == 1 ? o[1].cos().sum() : (o[0] * o[1]).sum();
        var ours = autograd.grad([Loss(y)], wanted, allow_unused: true);
        var theirs = autograd.grad([Loss(expected)], wanted, allow_unused: true);
        BackwardPass.ThrowIfFailed();
        foreach (var (mine, other) in ours.Zip(theirs))
        {
            Assert.That(mine.IsInvalid, Is.EqualTo(other.IsInvalid));
            if (!mine.IsInvalid) Same(mine, other);
        }
        Assert.That((sample.Forwards, sample.Backwards), Is.EqualTo((1, 1)));
    }

    [Test]
    public void WithoutNeedThereIsNoGraph()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor a = Leaf(generator, 3), b = Leaf(generator, 3);
        var sample = new Sample();
        Assert.That(sample.Apply(a.detach(), b.detach(), null)[0].requires_grad, Is.False);
        Assert.That(sample.WasRecorded, Is.False);
        using (no_grad()) Assert.That(sample.Apply(a, b, null)[0].requires_grad, Is.False);
        Assert.That(sample.WasRecorded, Is.False);
        Assert.That(sample.Apply(a, b.detach(), null)[0].requires_grad, Is.True);
        Assert.That(sample.Needed, Is.EqualTo(new[] { true, false, false }));
    }

    [Test]
    public void GradientsOfGradientsGoThroughTheReference()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor a = Leaf(generator, 4);
        // One input depends on the other: neither may get the other's share.
        var (ours, theirs) = (Third(b => new Sample().Apply(a, b, null)), Third(b => [a * b, a.square()]));
        foreach (var (mine, other) in ours.Zip(theirs)) Assert.That(mine.allclose(other, 1e-12, 1e-12), Is.True);
        BackwardPass.ThrowIfFailed();

        Tensor[] Third(Func<Tensor, Tensor[]> function)
        {
            var y = function(a.exp());
            var first = autograd.grad([(y[0] * y[1]).sum()], [a], retain_graph: true, create_graph: true)[0];
            var second = autograd.grad([first.sin().sum()], [a], retain_graph: true, create_graph: true)[0];
            return [first, second, autograd.grad([second.square().sum()], [a])[0]];
        }
    }

    [Test]
    public void DifferencesAgree([Values] bool hasThird)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        GradCheck.Run(x => new Sample(1.5).Apply(x), [Leaf(generator, 2, 3), Leaf(generator, 2, 3), hasThird ? Leaf(generator, 2, 3) : null],
            secondOrder: true);
    }

    // The checks themselves can fail.
    [Test]
    public void AWrongGradientIsFound()
    {
        using var scope = NewDisposeScope();
        var wrong = new Sample { Instead = () => [zeros(3, ScalarType.Float64), null, null] };
        Assert.That(() => GradCheck.Run(x => wrong.Apply(x), [ones(3, ScalarType.Float64), ones(3, ScalarType.Float64), null]),
            Throws.TypeOf<AssertionException>());
    }

    [Test, Category("Property")]
    public void KernelCheckFindsNothingHere() => new KernelCheck<int>(Gen.Int[0, 40],
        (n, generator) => [randn([n], generator: generator), randn([n], generator: generator),
            n % 2 == 0 ? randn([n], generator: generator) : null],
        (_, x) => new Sample().Apply(x),
        (_, x) => x[2] is { } c ? [x[0]! * x[1]! + c, x[0]!.square()] : [x[0]! * x[1]!, x[0]!.square()]).Run();

    [Test]
    public void WithoutReferenceThereAreNoGradientsOfGradients()
    {
        using var scope = NewDisposeScope();
        var x = ones(3).requires_grad_();
        var gradient = autograd.grad([new FirstOrderOnly().Apply(x)[0].sum()], [x], retain_graph: true, create_graph: true)[0];
        Assert.That(gradient.isnan().all().item<bool>(), Is.True);
        Assert.That(BackwardPass.ThrowIfFailed, Throws.InstanceOf<NotSupportedException>().With.Message.Contains(nameof(FirstOrderOnly)));
        new Identity().Apply(x)[0].sum().backward(create_graph: true);
        Assert.That(BackwardPass.ThrowIfFailed, Throws.InstanceOf<NotSupportedException>().With.Message.Contains(nameof(Identity)));
    }

    // libtorch would end the process for most of these.
    [Test]
    public void WhatGoesWrongInTheBackwardPassComesOut()
    {
        using var scope = NewDisposeScope();
        var a = ones(3).requires_grad_();
        Check(() => throw new InvalidOperationException("out of something"), "out of something");
        Check(() => [ones(4), null, null], "the gradient by input 0 should be Float32 (3) on cpu, but is Float32 (4)");
        Check(() => [ones(3, ScalarType.Float64), null, null], "is Float64");
        Check(() => [ones(3)], "has 3 inputs and returned 1");

        void Check(Func<Tensor?[]> instead, string message)
        {
            var gradient = autograd.grad([new Sample { Instead = instead }.Apply(a, ones(3), null)[0].sum()], [a])[0];
            Assert.That(gradient.isnan().all().item<bool>(), Is.True);
            Assert.That(BackwardPass.ThrowIfFailed, Throws.InvalidOperationException.With.Message.Contains(message));
            Assert.That(BackwardPass.ThrowIfFailed, Throws.Nothing);
        }
    }

    [Test]
    public void AnInputChangedInBetweenIsNoticed()
    {
        using var scope = NewDisposeScope();
        Tensor a = ones(3).requires_grad_(), b = ones(3);
        var y = new Sample().Apply(a, b, null)[0];
        b.add_(1);
        y.sum().backward();
        Assert.That(BackwardPass.ThrowIfFailed, Throws.Exception.With.Message.Contains("modified by an inplace operation"));
    }

    [Test]
    public void ItsOwnInputMayComeBack()
    {
        using var scope = NewDisposeScope();
        var x = ones(3).requires_grad_();
        var y = new Identity().Apply(x)[0];
        (y * 2).sum().backward();
        Assert.That(x.grad!.sum().item<float>(), Is.EqualTo(6));
        using (no_grad())
        {
            new Identity().Apply(x)[0].Dispose();
            Assert.That(x.IsInvalid, Is.False);
        }
        BackwardPass.ThrowIfFailed();
    }

    [Test]
    public void SixteenBitInputsBecomeFloat32()
    {
        using var scope = NewDisposeScope();
        var x = ones(3, ScalarType.BFloat16).requires_grad_();
        var y = new FirstOrderOnly().ApplyInFullPrecision(x)[0];
        Assert.That(y.dtype, Is.EqualTo(ScalarType.Float32));
        y.sum().backward();
        Assert.That(x.grad!.dtype, Is.EqualTo(ScalarType.BFloat16));
        BackwardPass.ThrowIfFailed();
    }

    // Without any dispose scope of the caller, with a collector that never rests.
    [Test]
    public void NothingIsLostAndNothingStays()
    {
        if (!LiveMemory.IsMeasurable) Assert.Ignore("the allocator doesn't tell");
        const int size = 1 << 20;
        using var a = ones(size).requires_grad_();
        using var b = ones(size);
        Step();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = LiveMemory.InUse;
        for (var i = 0; i < 5; i++) Step();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        // One leaked tensor a step would be five.
        Assert.That(LiveMemory.InUse - before, Is.LessThan(4 * size));

        void Step()
        {
            using var scope = NewDisposeScope();
            Tensor x = a * 1;
            for (var i = 0; i < 4; i++) x = new Sample(0.5).Apply(x, b, null)[0];
            GC.Collect(0);
            x.sum().backward();
            Assert.That(a.grad!.max().item<float>(), Is.EqualTo(1 / 16f));
            a.grad!.zero_();
            BackwardPass.ThrowIfFailed();
        }
    }

    // Of what a deep chain's backward pass computes, each part is needed by the next alone.
    [Test]
    public void IntermediateGradientsGoAtOnce()
    {
        if (!PeakMemory.IsMeasurable) Assert.Ignore("the system doesn't tell");
        const int size = 1 << 22;
        using var a = ones(size).requires_grad_();
        var used = PeakMemory.Of(() =>
        {
            using var scope = NewDisposeScope();
            var x = a * 1;
            for (var i = 0; i < 16; i++) x = new Identity().Apply(x)[0];
            x.sum().backward();
        });
        // a·1, its gradient, that of a, one on the way and a transient.
        Assert.That(used / (4.0 * size), Is.LessThan(6));
        BackwardPass.ThrowIfFailed();
    }
}
