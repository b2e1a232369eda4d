using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Tests.Kernels;

public class SelfGateTests
{
    private sealed record Case(long[] Shape, long[] Slope)
    {
        /// <summary>A slope's gradient adds up thousands of terms of either sign: it is of the size of their number's root, and so is its rounding,
        /// whatever is left of the sum. Slopes that are this many times too large have gradients of the size of a term.</summary>
        public double Scale => Math.Sqrt(Math.Max(1, Product(Shape) / Math.Max(1, Product(Slope))));

        private static long Product(long[] shape) => shape.Aggregate(1L, (a, b) => a * b);
    }

    private static readonly Gen<Case> Cases = Gen.OneOf(
        // One slope, in one unit and in many; channels in the middle, last and first; shapes that go through torch.
        Gen.Int[0, 5000].Select(n => new Case([n], [1])),
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 5], Gen.Int[0, 70]).Select((b, c, n) => new Case([b, c, n], [c, 1])),
        Gen.Select(Gen.Int[0, 300], Gen.Int[1, 67]).Select((n, c) => new Case([n, c], [c])),
        Gen.Select(Gen.Int[1, 3], Gen.Int[4000, 9000]).Select((c, n) => new Case([c, n], [c, 1])),
        Gen.Select(Gen.Int[2, 3], Gen.Int[5, 7]).Select((b, c) => new Case([b, c, 71, 67], [c, 1, 1])),
        Gen.Const(new Case([2, 100_003], [])), Gen.Const(new Case([4, 5, 6], [5, 6])), Gen.Const(new Case([3], [2, 3])));

    private static Tensor Reference(GateFunction gate, Tensor x, Tensor slope) => x * (gate switch
    {
        GateFunction.Logistic => (slope * x).sigmoid(),
        GateFunction.Normal => 0.5 * (slope * x * -Math.Sqrt(0.5)).erfc(),
        _ => functional.softplus(slope * x, 1, 40).tanh(),
    });

    [Test, Category("Property")]
    public void KernelIsTheReference([Values] GateFunction gate) => new KernelCheck<Case>(Cases,
        (one, generator) => [randn(one.Shape, generator: generator) * 4, randn(one.Slope, generator: generator) * one.Scale],
        (one, x) => [SelfGate.Apply(gate, x[0]!, x[1]! / one.Scale)], (one, x) => [Reference(gate, x[0]!, x[1]! / one.Scale)])
    {
        Iterations = 20,
        // Terms are up to some hundred.
        SingleTolerance = 2e-5,
        DoubleTolerance = 1e-13,
    }.Run();

    [Test]
    public void GradientsAreDifferences([Values] GateFunction gate, [Values] bool byChannel)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        GradCheck.Run(x => [SelfGate.Apply(gate, x[0]!, x[1]!)], [randn([2, 3, 5], ScalarType.Float64, generator: generator),
            randn(byChannel ? [3, 1] : [1], ScalarType.Float64, generator: generator)], secondOrder: true);
    }

    [Test]
    public void WithTheSlopeOneTheyAreTheFrameworks()
    {
        using var scope = NewDisposeScope();
        var x = linspace(-30, 30, 1001, ScalarType.Float64);
        var one = tensor(1.0);
        Assert.That((SelfGate.Apply(GateFunction.Logistic, x, one) - functional.silu(x)).abs().max().item<double>(), Is.LessThan(1e-14));
        Assert.That((SelfGate.Apply(GateFunction.Normal, x, one) - functional.gelu(x)).abs().max().item<double>(), Is.LessThan(1e-14));
        Assert.That((SelfGate.Apply(GateFunction.Mish, x, one) - functional.mish(x)).abs().max().item<double>(), Is.LessThan(1e-8));
    }

    [Test]
    public void OtherTypesAndShapes()
    {
        using var scope = NewDisposeScope();
        var x = linspace(-3, 3, 12).reshape(3, 4);
        // A slope of full precision and no axes, as the number that it is; 16-bit numbers.
        Assert.That(SelfGate.Apply(GateFunction.Logistic, x, tensor(2.0)).allclose(x * (2 * x).sigmoid()));
        var half = SelfGate.Apply(GateFunction.Logistic, x.to(ScalarType.BFloat16), tensor(2.0));
        Assert.That(half.dtype, Is.EqualTo(ScalarType.BFloat16));
        Assert.That(SelfGate.Apply(GateFunction.Normal, tensor(2f), tensor(1f)).shape, Is.Empty);
        Assert.That(SelfGate.Apply(GateFunction.Normal, tensor(2f), ones(3)).shape, Is.EqualTo(new long[] { 3 }));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        Assert.That(() => SelfGate.Apply(GateFunction.Mish, null!, ones(1)), Throws.ArgumentNullException);
        Assert.That(() => SelfGate.Apply(GateFunction.Mish, ones(1), null!), Throws.ArgumentNullException);
        Assert.That(() => SelfGate.Apply((GateFunction)9, ones(1), ones(1)), Throws.ArgumentException);
    }

    [Test]
    public void EveryGateIsAnInstanceOnGpus()
    {
        var instances = CudaSource.Embedded(typeof(CudaSelfGate).Assembly, "self_gate.cu").Instances;
        foreach (var gate in Enum.GetValues<GateFunction>())
            foreach (var type in new[] { "float", "double", "float16", "bfloat16" })
                Assert.That(instances, Has.Member($"forward<{gate},{type}>").And.Member($"backward<{gate},{type}>"));
    }
}
