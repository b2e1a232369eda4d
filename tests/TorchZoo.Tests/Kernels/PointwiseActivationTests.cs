using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Tests.Kernels;

public class PointwiseActivationTests
{
    private sealed record Case(long[] Shape, int Axis, bool Bias, bool Residual);

    private static readonly Gen<Case> Cases = Gen.OneOf(
            // Channels in the middle, channels last, one row of many units, more rows than one unit takes, large enough for two threads.
            Gen.Select(Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[0, 70]).Select((b, c, n) => (Shape: new long[] { b, c, n }, Axis: 1)),
            Gen.Select(Gen.Int[0, 300], Gen.Int[1, 67]).Select((n, c) => (Shape: new long[] { n, c }, Axis: -1)),
            Gen.Select(Gen.Int[1, 3], Gen.Int[4000, 9000]).Select((c, n) => (Shape: new long[] { c, n }, Axis: 0)),
            Gen.Select(Gen.Int[2, 3], Gen.Int[5, 7]).Select((b, c) => (Shape: new long[] { b, c, 71, 67 }, Axis: 1)),
            Gen.Const((Shape: new long[] { 4, 5, 6, 3 }, Axis: -2)))
        .Select(Gen.Bool, Gen.Bool, (s, bias, residual) => new Case(s.Shape, s.Axis, bias, residual));

    private static Tensor[] Reference(Activation activation, Case one, Tensor?[] x)
    {
        var axis = one.Axis < 0 ? one.Axis + one.Shape.Length : one.Axis;
        var z = x[0]!;
        if (x[1] is { } bias) z = z + bias.reshape([.. one.Shape.Select((n, i) => i == axis ? n : 1)]);
        if (x[2] is { } residual) z = z + residual;
        return [activation switch
        {
            Activation.Identity => z * 1,
            Activation.Relu => z.relu(),
            Activation.Sigmoid => z.sigmoid(),
            Activation.Tanh => z.tanh(),
            Activation.Silu => functional.silu(z),
            Activation.Gelu => functional.gelu(z),
            Activation.GeluTanh => 0.5 * z * (1 + (Math.Sqrt(2 / Math.PI) * (z + 0.044715 * z.pow(3))).tanh()),
            Activation.Softplus => functional.softplus(z),
            Activation.Mish => functional.mish(z),
            _ => z.sin(),
        }];
    }

    [Test, Category("Property")]
    public void KernelIsTheReference([Values] Activation activation) => new KernelCheck<Case>(Cases,
        (one, generator) =>
        [
            // Wide enough for the tails; ReLU's kink is hit in neither type.
            randn(one.Shape, generator: generator) * 4,
            one.Bias ? randn([one.Shape[one.Axis < 0 ? one.Axis + one.Shape.Length : one.Axis]], generator: generator) : null,
            one.Residual ? randn(one.Shape, generator: generator) : null,
        ],
        (one, x) => [PointwiseActivation.Apply(activation, x[0]!, x[1], x[2], one.Axis)], (one, x) => Reference(activation, one, x))
    { Iterations = 15, SingleTolerance = 5e-6, DoubleTolerance = 2e-14 }.Run();

    [Test]
    public void GradientsAreDifferences([Values] Activation activation, [Values] bool hasResidual)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        GradCheck.Run(x => [PointwiseActivation.Apply(activation, x[0]!, x[1], x[2])],
            [randn([2, 3, 5], ScalarType.Float64, generator: generator), randn([3], ScalarType.Float64, generator: generator),
                hasResidual ? randn([2, 3, 5], ScalarType.Float64, generator: generator) : null],
            secondOrder: activation is not (Activation.Relu or Activation.Identity));
    }

    [Test]
    public void OfOneNumber()
    {
        using var scope = NewDisposeScope();
        Assert.That(PointwiseActivation.Apply(Activation.Relu, tensor(2f), residual: tensor(3f)).item<float>(), Is.EqualTo(5));
    }

    [Test]
    public void OtherTypesGoThroughTorch()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        Tensor x = randn([2, 3, 5], generator: generator), bias = randn([3], generator: generator);
        var half = PointwiseActivation.Apply(Activation.Gelu, x.to(ScalarType.BFloat16), bias.to(ScalarType.BFloat16));
        Assert.That(half.dtype, Is.EqualTo(ScalarType.BFloat16));
        Assert.That(half.to(ScalarType.Float32).allclose(PointwiseActivation.Apply(Activation.Gelu, x, bias), 0.03, 0.03), Is.True);
        // A bias of full precision, as under automatic casting.
        Assert.That(PointwiseActivation.Apply(Activation.Gelu, x.to(ScalarType.BFloat16), bias).dtype, Is.EqualTo(ScalarType.BFloat16));
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var x = zeros(2, 3, 5);
        Assert.Multiple(() =>
        {
            Assert.That(() => PointwiseActivation.Apply(Activation.Gelu, null!), Throws.ArgumentNullException);
            Assert.That(() => PointwiseActivation.Apply((Activation)99, x),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("activation"));
            Assert.That(() => PointwiseActivation.Apply(Activation.Gelu, x, zeros(5)),
                Throws.ArgumentException.With.Message.Contains("expected shape (3), got (5)"));
            Assert.That(() => PointwiseActivation.Apply(Activation.Gelu, x, zeros(5), channelAxis: 3),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("channelAxis"));
            Assert.That(() => PointwiseActivation.Apply(Activation.Gelu, x, null, zeros(2, 3, 4)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("residual"));
        });
    }
}
