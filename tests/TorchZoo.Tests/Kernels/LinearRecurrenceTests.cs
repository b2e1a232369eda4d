using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

public class LinearRecurrenceTests
{
    private sealed record Case(long Batch, long Steps, long States, long Channels, bool Initial, bool Reverse)
    {
        // No axis of states at all for 0.
        public long[] Shape => States == 0 ? [Batch, Steps, Channels] : [Batch, Steps, States, Channels];

        public long[] Matrices => States == 0 ? Shape : [Batch, Steps, States, States, Channels];

        public Tensor?[] Random(Generator generator) =>
        [
            randn(Matrices, generator: generator) / Math.Sqrt(2 * Math.Max(States, 1)),
            randn(Shape, generator: generator),
            Initial ? randn([Batch, .. Shape[2..]], generator: generator) : null,
        ];
    }

    private static readonly Gen<Case> Small = Gen.Select(Gen.Long[0, 3], Gen.Long[1, 20], Gen.Long[0, 4], Gen.Long[0, 40], Gen.Bool, Gen.Bool,
        (b, t, n, c, initial, reverse) => new Case(b, t, n, c, initial, reverse));

    // For two threads, and more channels than a unit has.
    private static readonly Gen<Case> Large = Gen.Select(Gen.Long[2, 3], Gen.Long[60, 80], Gen.Long[0, 2], Gen.Long[150, 270], Gen.Bool, Gen.Bool,
        (b, t, n, c, initial, reverse) => new Case(b, t, n, c, initial, reverse));

    private static Tensor Kernel(Case one, Tensor?[] x) => LinearRecurrence.Scan(x[0]!, x[1]!, x[2], one.Reverse);

    // A step at a time.
    private static Tensor Loop(Case one, Tensor?[] x)
    {
        var (a, b, h) = (x[0]!, x[1]!, x[2]);
        var found = new Tensor[one.Steps];
        for (var i = 0; i < one.Steps; i++)
        {
            var t = one.Reverse ? one.Steps - 1 - i : i;
            var step = b.select(1, t);
            if (h is not null) step = step + (one.States == 0 ? a.select(1, t) * h : (a.select(1, t) * h.unsqueeze(1)).sum(2));
            found[t] = h = step;
        }
        return stack(found, 1);
    }

    [Test, Category("Property")]
    public void TheKernelStepsThroughTime() => new KernelCheck<Case>(Gen.Frequency((4, Small), (1, Large)), (one, generator) => one.Random(generator),
        (one, x) => [Kernel(one, x)], (one, x) => [Loop(one, x)])
    { SingleTolerance = 4e-6, DoubleTolerance = 4e-15 }.Run();

    [Test]
    public void TheAssociativeScanStepsThroughTime()
    {
        using var generator = new Generator(2);
        for (var steps = 1L; steps <= 130; steps += steps < 20 ? 1 : 11)
            foreach (var states in new[] { 0L, 1, 2, 3 })
            {
                using var scope = NewDisposeScope();
                var one = new Case(2, steps, states, 3, steps % 2 == 0, steps % 3 == 0);
                Tensor?[] x = [.. one.Random(generator).Select(t => t?.to(ScalarType.Float64).requires_grad_())];
                Tensor scan = LinearRecurrence.AssociativeScan(x[0]!, x[1]!, x[2], one.Reverse), kernel = Kernel(one, x), loop = Loop(one, x), weights = randn(scan.shape, ScalarType.Float64, generator: generator);
                Assert.That(Distance(scan, loop), Is.LessThan(1e-12), $"{one}");
                Assert.That(Distance(kernel, loop), Is.LessThan(1e-12), $"{one}");
                Tensor[] leaves = [.. x.OfType<Tensor>()];
                var expected = autograd.grad([(loop * weights).sum()], leaves, allow_unused: true);
                foreach (var result in new[] { scan, kernel })
                    foreach (var (gradient, other) in autograd.grad([(result * weights).sum()], leaves, allow_unused: true).Zip(expected))
                        Assert.That(gradient.IsInvalid || other.IsInvalid ? Largest(gradient) + Largest(other) : Distance(gradient, other), Is.LessThan(1e-12), $"{one}");
            }

        static double Largest(Tensor x) => x.IsInvalid ? 0 : x.abs().max().item<double>();

        static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();
    }

    [Test]
    public void GradientsAreDifferences([Values(0L, 1, 2, 3)] long states, [Values] bool reverse)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var one = new Case(2, 4, states, 2, true, reverse);
        GradCheck.Run(x => [Kernel(one, x)], [.. one.Random(generator).Select(x => x!.to(ScalarType.Float64))], secondOrder: true);
        GradCheck.Run(x => [LinearRecurrence.Adjoint(x[0]!, x[1]!, reverse)], [.. one.Random(generator)[..2].Select(x => x!.to(ScalarType.Float64))], secondOrder: true);
    }

    [Test]
    public void AdjointIsTheGradientByB([Values] bool reverse)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var one = new Case(2, 7, 2, 5, false, reverse);
        Tensor?[] x = one.Random(generator);
        var b = x[1]!.requires_grad_();
        var g = randn(b.shape, generator: generator);
        Kernel(one, x).backward([g]);
        Assert.That(LinearRecurrence.Adjoint(x[0]!, g, reverse).allclose(b.grad!, 0, 0), Is.True);
    }

    [Test]
    public void OfOnesItIsACumulativeSum()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var b = randn([2, 33, 5], ScalarType.Float64, generator: generator);
        Assert.That(LinearRecurrence.Scan(ones_like(b), b).allclose(b.cumsum(1), 0, 1e-13), Is.True);
        Assert.That(LinearRecurrence.Scan(ones_like(b), b, reverse: true).allclose(b.flip(1).cumsum(1).flip(1), 0, 1e-13), Is.True);
    }

    [Test]
    public void WithoutStepsItIsEmpty()
    {
        using var scope = NewDisposeScope();
        Tensor a = zeros([2, 0, 3]).requires_grad_(), b = zeros([2, 0, 3]).requires_grad_(), initial = ones(2, 3).requires_grad_();
        var h = LinearRecurrence.Scan(a, b, initial);
        Assert.That(h.shape, Is.EqualTo(new long[] { 2, 0, 3 }));
        h.sum().backward();
        BackwardPass.ThrowIfFailed();
        Assert.That(initial.grad is null || initial.grad.eq(0).all().item<bool>(), Is.True);
        Assert.That(LinearRecurrence.AssociativeScan(a, b, initial).shape, Is.EqualTo(new long[] { 2, 0, 3 }));
    }

    [Test]
    public void SixteenBitsAreComputedInFloat32()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        Tensor a = rand([2, 9, 4], generator: generator).to(ScalarType.BFloat16), b = randn([2, 9, 4], generator: generator).to(ScalarType.BFloat16);
        var h = LinearRecurrence.Scan(a, b);
        Assert.That(h.dtype, Is.EqualTo(ScalarType.Float32));
        Assert.That(h.allclose(LinearRecurrence.Scan(a.to(ScalarType.Float32), b.to(ScalarType.Float32)), 0, 0), Is.True);
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var b = zeros(2, 3, 4);
        Assert.Multiple(() =>
        {
            Assert.That(() => LinearRecurrence.Scan(null!, b), Throws.ArgumentNullException);
            Assert.That(() => LinearRecurrence.Scan(b, null!), Throws.ArgumentNullException);
            Assert.That(() => LinearRecurrence.Scan(zeros(2, 3), zeros(2, 3)), Throws.ArgumentException.With.Message.Contains("(batch, time, channels)"));
            Assert.That(() => LinearRecurrence.Scan(zeros(2, 3, 5), b), Throws.ArgumentException.With.Property("ParamName").EqualTo("a"));
            Assert.That(() => LinearRecurrence.Scan(zeros([2, 3, 2, 2, 4]), zeros(2, 3, 3, 4)), Throws.ArgumentException.With.Property("ParamName").EqualTo("a"));
            Assert.That(() => LinearRecurrence.Scan(zeros([2, 3, 0, 0, 4]), zeros(2, 3, 0, 4)), Throws.ArgumentException.With.Property("ParamName").EqualTo("b"));
            Assert.That(() => LinearRecurrence.Scan(zeros([2, 3, 4], ScalarType.Float64), b), Throws.ArgumentException.With.Property("ParamName").EqualTo("a"));
            Assert.That(() => LinearRecurrence.Scan(zeros([2, 3, 4], ScalarType.Int64), zeros([2, 3, 4], ScalarType.Int64)), Throws.ArgumentException.With.Property("ParamName").EqualTo("b"));
            Assert.That(() => LinearRecurrence.Scan(b, b, zeros(2, 5)), Throws.ArgumentException.With.Property("ParamName").EqualTo("initial"));
            Assert.That(() => LinearRecurrence.Adjoint(b, zeros(2, 3, 5)), Throws.ArgumentException);
        });
    }
}
