using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels;

public sealed class SineJetTests
{
    private static readonly Gen<(int D, int M, int Points, int Width, bool Single, bool Bias)> Shapes =
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[1, 37], Gen.Bool, Gen.Bool);

    private static double Distance(Tensor a, Tensor b) =>
        a.numel() == 0 ? 0 : ((a - b).to(ScalarType.Float64).abs() / (1 + b.to(ScalarType.Float64).abs().max())).max().item<double>();

    [Test, Category("Property")]
    public void KernelIsTheReferenceForwardAndBackward() => Shapes.Sample((d, m, points, width, single, hasBias) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)(points * 100 + width));
        if (d == 0) m = 0;
        var type = single ? ScalarType.Float32 : ScalarType.Float64;
        var second = new double[m, d];
        for (var j = 0; j < m; j++)
            for (var i = 0; i < d; i++) second[j, i] = (i + 2 * j) % 3 - 0.5;
        const double omega = 3;
        var z = randn([1 + d + m, points, width], type, generator: generator).requires_grad_();
        var bias = hasBias ? randn([width], type, generator: generator) : null;
        var cotangent = randn([1 + d + m, points, width], type, generator: generator);
        var expected = SineJet.Eager(z, bias, second, omega);
        (expected * cotangent).sum().backward();

        var data = z.detach();
        Tensor y = empty_like(data), again = empty_like(data), gradient = cotangent.clone(), inPlace = data.clone();
        SineJet.Forward(data, bias, y, second, omega);
        SineJet.Backward(data, bias, gradient, again, second, omega);
        SineJet.Forward(inPlace, bias, inPlace, second, omega);
        // What a GPU without a compiler does.
        Tensor slowly = empty_like(data), slowlyAgain = empty_like(data), slowGradient = cotangent.clone();
        SineJet.ForwardByTorch(data, bias, slowly, second, omega);
        SineJet.BackwardByTorch(data, bias, slowGradient, slowlyAgain, second, omega);
        Assert.That(Distance(slowly, expected.detach()) + Distance(slowlyAgain, slowly) + Distance(slowGradient, z.grad!), Is.Zero);
        var tolerance = single ? 3e-6 : 1e-14;
        Assert.That(Distance(y, expected.detach()), Is.LessThan(tolerance));
        Assert.That(Distance(again, y), Is.LessThan(tolerance));
        Assert.That(Distance(inPlace, y), Is.Zero);
        Assert.That(Distance(gradient, z.grad!), Is.LessThan(tolerance));
    }, iter: 200, threads: 1);

    [Test]
    public void SineIsExactToAnUlpOfOneAtAnyArgument()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var mixed = randn([1, 1, 4096], ScalarType.Float64, generator: generator) * pow(10, linspace(-6, 8, 4096, ScalarType.Float64));
        var x = mixed.to(ScalarType.Float32);
        var y = empty_like(x);
        SineJet.Forward(x, null, y, new double[0, 0], 1);
        var error = (y.to(ScalarType.Float64) - x.to(ScalarType.Float64).sin()).abs().max().item<double>();
        Assert.That(error, Is.LessThan(1.2e-7));

        var odd = tensor(new[] { float.NaN, float.PositiveInfinity, 0f, -0f, 1f, 2f, 3f, 4f }).view(1, 1, 8);
        var z = empty_like(odd);
        SineJet.Forward(odd, null, z, new double[0, 0], 1);
        Assert.That(z.isnan().data<bool>().ToArray(), Is.EqualTo(new[] { true, true, false, false, false, false, false, false }));
    }

    [TestCase(0, 0, false)]
    [TestCase(3, 2, true)]
    public void ComputeIsDifferentiableTwice(int d, int m, bool hasBias)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var second = new double[m, d];
        for (var j = 0; j < m; j++)
            for (var i = 0; i < d; i++) second[j, i] = i - j + 0.5;
        var z = randn([1 + d + m, 4, 11], ScalarType.Float64, generator: generator).requires_grad_();
        var bias = hasBias ? randn([11], ScalarType.Float64, generator: generator).requires_grad_() : null;
        var cotangent = randn([1 + d + m, 11, 4], ScalarType.Float64, generator: generator).transpose(1, 2);
        Tensor[] inputs = bias is null ? [z] : [z, bias];

        var (expected, derivatives) = Derivatives(SineJet.Eager(z, bias, second, 2));
        var (found, ours) = Derivatives(SineJet.Compute(z, bias, second, 2));
        Assert.That(Distance(found, expected), Is.LessThan(1e-14));
        foreach (var (a, b) in ours.Zip(derivatives)) Assert.That(Distance(a, b), Is.LessThan(1e-13));
        using var off = no_grad();
        Assert.That(Distance(SineJet.Compute(z, bias, second, 2), found), Is.Zero);

        // First derivatives by the kernel; then again, recorded, and theirs.
        (Tensor, Tensor[]) Derivatives(Tensor y)
        {
            var first = autograd.grad([y], inputs, [cotangent], retain_graph: true);
            var recorded = autograd.grad([y], inputs, [cotangent], retain_graph: true, create_graph: true);
            var next = autograd.grad([recorded[0].square().sum()], inputs);
            return (y.detach(), [.. first, .. recorded.Select(r => r.detach()), .. next]);
        }
    }

    [Test]
    public void RefusesWhatDoesNotFit()
    {
        using var scope = NewDisposeScope();
        var one = new double[,] { { 1, 1 } };
        var z = zeros(4, 3, 5);
        Assert.Multiple(() =>
        {
            Assert.That(() => SineJet.Forward(zeros(3, 3, 5), null, zeros(3, 3, 5), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Forward(z, zeros(4), zeros(4, 3, 5), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Forward(z, null, zeros(4, 5, 3).transpose(1, 2), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Forward(z, null, zeros([4, 3, 5], ScalarType.Float64), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Forward(z.to(ScalarType.Float16), null, z, one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Backward(z, null, zeros(4, 3, 4), z.clone(), one, 1), Throws.ArgumentException);
            Assert.That(() => SineJet.Eager(zeros(3, 5), null, one, 1), Throws.ArgumentException);
        });
    }
}
