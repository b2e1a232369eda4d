using CsCheck;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Fields;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

/// <summary>The one-pass derivatives against backward differentiation.</summary>
public sealed class SirenJetTests
{
    private static Siren Net(long d, long c, long width, int layers, bool linear = true, ulong seed = 1)
    {
        using var generator = new Generator(seed);
        var config = new SirenConfig
        {
            InFeatures = d,
            OutFeatures = c,
            HiddenFeatures = width,
            NumHiddenLayers = layers,
            OutermostLinear = linear,
            FirstOmega0 = 3,
            HiddenOmega0 = 2
        };
        return new Siren(config, generator).to(ScalarType.Float64);
    }

    private static Tensor Points(long n, long d, ulong seed = 2)
    {
        using var generator = new Generator(seed);
        return rand([n, d], dtype: ScalarType.Float64, generator: generator) * 2 - 1;
    }

    private static double Distance(Tensor a, Tensor b)
    {
        Assert.That(a.shape, Is.EqualTo(b.shape));
        if (a.numel() == 0) return 0;
        return ((a - b).abs().max() / (1 + b.abs().max())).item<double>();
    }

    [Test, Category("Property")]
    public void IsWhatDoubleBackwardGives() =>
        Gen.Select(Gen.Int[1, 3], Gen.Int[1, 3], Gen.Int[1, 40], Gen.Int[0, 3], Gen.Int[1, 70], Gen.Bool)
        .Sample((d, c, width, layers, n, linear) =>
        {
            using var scope = NewDisposeScope();
            using var net = Net(d, c, width, layers, linear);
            var x = Points(n, d).requires_grad_();
            var y = net.forward(x);
            var hessian = DifferentialOperators.Hessian(y, x);
            var (each, jacobian) = (hessian.diagonal(0, -2, -1), DifferentialOperators.Jacobian(y, x));
            using (no_grad())
            {
                var jet = net.Jet(x);
                var all = net.Jet(x, SecondOrder.Each);
                double[] weights = [.. Enumerable.Range(0, d).Select(i => 1.5 - i)];
                var weighted = net.Jet(x, SecondOrder.Weighted(weights));
                var none = net.Jet(x, SecondOrder.None);
                Assert.Multiple(() =>
                {
                    Assert.That(Distance(jet.Value, y), Is.LessThan(1e-13));
                    Assert.That(Distance(jet.Gradient, jacobian), Is.LessThan(1e-12));
                    Assert.That(Distance(jet.Laplacian, each.sum(-1)), Is.LessThan(1e-12));
                    Assert.That(Distance(all.Second, each), Is.LessThan(1e-12));
                    Assert.That(Distance(weighted.Laplacian, (each * tensor(weights)).sum(-1)), Is.LessThan(1e-12));
                    Assert.That(Distance(none.Gradient, jet.Gradient), Is.LessThan(1e-13));
                    Assert.That(none.Second.shape, Is.EqualTo(new long[] { n, c, 0 }));
                });
            }
        }, iter: 20, threads: 1);

    [TestCase(2, 1, 24, 3, 60)]
    [TestCase(3, 2, 17, 1, 500)]
    public void ItsGradientsAreThoseOfDoubleBackward(int d, int c, int width, int layers, int n)
    {
        using var scope = NewDisposeScope();
        using var net = Net(d, c, width, layers);
        var (x, x2) = (Points(n, d).requires_grad_(), Points(n, d).requires_grad_());
        var jet = net.Jet(x);
        Loss(jet.Value, jet.Gradient, jet.Laplacian).backward();
        var ours = net.parameters().Select(p => p.grad!.clone()).Append(x.grad!).ToArray();
        net.zero_grad();

        var y = net.forward(x2);
        var laplacians = Enumerable.Range(0, c).Select(k => DifferentialOperators.Laplace(y.narrow(-1, k, 1), x2));
        Loss(y, DifferentialOperators.Jacobian(y, x2), cat(laplacians.ToArray(), -1)).backward();
        var theirs = net.parameters().Select(p => p.grad!).Append(x2.grad!).ToArray();
        Assert.That(ours.Zip(theirs, Distance), Is.All.LessThan(1e-10));

        static Tensor Loss(Tensor value, Tensor gradient, Tensor laplacian) =>
            value.square().mean() + (gradient * (gradient.sin() + 0.3)).mean() + (laplacian - 1).square().mean() * 0.01;
    }

    [Test]
    public void CanBeDifferentiatedTwice()
    {
        using var scope = NewDisposeScope();
        using var net = Net(2, 1, 9, 1);
        var x = Points(5, 2).requires_grad_();
        var third = DifferentialOperators.Gradient(net.Jet(x).Laplacian, x);
        var (x2, y2) = (x.detach().clone().requires_grad_(), default(Tensor));
        y2 = net.forward(x2);
        var expected = DifferentialOperators.Gradient(DifferentialOperators.Laplace(y2, x2), x2);
        Assert.That(Distance(third, expected), Is.LessThan(1e-11));
        third.square().sum().backward();
        var ours = net.parameters().Select(p => p.grad?.clone()).ToArray();
        net.zero_grad();
        expected.square().sum().backward();
        foreach (var (mine, parameter) in ours.Zip(net.parameters()))
            Assert.That(mine is null || parameter.grad is null ? 0 : Distance(mine, parameter.grad), Is.LessThan(1e-9));
    }

    [Test]
    public void TakesAnyLeadingAxesAndNoPointsAtAll()
    {
        using var scope = NewDisposeScope();
        using var net = Net(2, 3, 10, 1);
        var x = Points(12, 2);
        var (flat, shaped, none) = (net.Jet(x), net.Jet(x.view(2, 3, 2, 2)), net.Jet(x[..0]));
        Assert.That(Distance(shaped.Gradient, flat.Gradient.view(2, 3, 2, 3, 2)), Is.Zero);
        Assert.That(none.Laplacian.shape, Is.EqualTo(new long[] { 0, 3 }));
        Assert.That(() => net.Jet(x.view(8, 3)), Throws.ArgumentException);
        Assert.That(() => net.Jet(x, SecondOrder.Weighted(1)), Throws.ArgumentException);
        Assert.That(() => net.Jet(x, SecondOrder.None).Laplacian, Throws.InvalidOperationException);
    }

    [Test]
    public void SinglePrecisionIsCloseToDouble()
    {
        using var scope = NewDisposeScope();
        using var net = Net(2, 1, 64, 2);
        var x = Points(300, 2);
        var exact = net.Jet(x);
        net.to(ScalarType.Float32);
        var single = net.Jet(x.to(ScalarType.Float32));
        Assert.That(Distance(single.Laplacian.to(ScalarType.Float64), exact.Laplacian), Is.LessThan(1e-5));
    }
}
