using NUnit.Framework;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public sealed class DifferentialOperatorsTests
{
    private static Tensor Points(params long[] shape)
    {
        using var generator = new Generator(3);
        return randn(shape, ScalarType.Float64, generator: generator).requires_grad_();
    }

    private static double Distance(Tensor a, Tensor b)
    {
        Assert.That(a.shape, Is.EqualTo(b.shape));
        return (a - b).abs().max().item<double>();
    }

    // y₁ = x₁² x₂, y₂ = sin x₁ + x₂³
    private static Tensor Field(Tensor x)
    {
        Tensor a = x.narrow(-1, 0, 1), b = x.narrow(-1, 1, 1);
        return cat([a * a * b, a.sin() + b * b * b], -1);
    }

    [Test]
    public void ClosedForms()
    {
        using var scope = NewDisposeScope();
        var x = Points(3, 5, 2);
        var y = Field(x);
        Tensor a = x.select(-1, 0), b = x.select(-1, 1), zero = zeros_like(a);
        var jacobian = stack([stack([2 * a * b, a * a], -1), stack([a.cos(), 3 * b * b], -1)], -2);
        var hessian = stack([
            stack([stack([2 * b, 2 * a], -1), stack([2 * a, zero], -1)], -2),
            stack([stack([-a.sin(), zero], -1), stack([zero, 6 * b], -1)], -2)], -3);
        Assert.Multiple(() =>
        {
            Assert.That(Distance(DifferentialOperators.Jacobian(y, x), jacobian), Is.LessThan(1e-13));
            Assert.That(Distance(DifferentialOperators.Gradient(y, x), jacobian.sum(-2)), Is.LessThan(1e-13));
            Assert.That(Distance(DifferentialOperators.Gradient(y, x, cat([ones(3, 5, 1), zeros(3, 5, 1)], -1)
                .to(ScalarType.Float64)), jacobian.select(-2, 0)), Is.LessThan(1e-13));
            Assert.That(Distance(DifferentialOperators.Divergence(y, x), (2 * a * b + 3 * b * b).unsqueeze(-1)), Is.LessThan(1e-13));
            Assert.That(Distance(DifferentialOperators.Hessian(y, x), hessian), Is.LessThan(1e-13));
            Assert.That(Distance(DifferentialOperators.Laplace(y, x), (2 * b - a.sin() + 6 * b).unsqueeze(-1)), Is.LessThan(1e-13));
        });
    }

    [Test]
    public void TheResultsCanBeDifferentiatedAgain()
    {
        using var scope = NewDisposeScope();
        var x = Points(7, 2);
        var laplacian = DifferentialOperators.Laplace(Field(x), x);
        Tensor a = x.select(-1, 0);
        var expected = stack([-a.cos(), full_like(a, 8)], -1);
        Assert.That(Distance(DifferentialOperators.Gradient(laplacian, x), expected), Is.LessThan(1e-13));
    }

    [Test]
    public void WhatVanishesIsZero()
    {
        using var scope = NewDisposeScope();
        var x = Points(4, 3);
        var weight = Points(3, 2);
        Assert.Multiple(() =>
        {
            // Linear, piecewise linear, and independent of x.
            Assert.That(DifferentialOperators.Laplace(x.mm(weight.detach()), x).abs().sum().item<double>(), Is.Zero);
            Assert.That(DifferentialOperators.Laplace(x.mm(weight), x).abs().sum().item<double>(), Is.Zero);
            Assert.That(DifferentialOperators.Laplace(x.mm(weight).relu(), x).abs().sum().item<double>(), Is.Zero);
            Assert.That(DifferentialOperators.Hessian(x.relu().mm(weight), x).abs().sum().item<double>(), Is.Zero);
            Assert.That(DifferentialOperators.Gradient(weight.sum().expand(4, 1), x).abs().sum().item<double>(), Is.Zero);
        });
    }

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var x = Points(4, 2);
        var y = Field(x);
        Assert.Multiple(() =>
        {
            Assert.That(() => DifferentialOperators.Gradient(y, x.detach()), Throws.InvalidOperationException);
            Assert.That(() => DifferentialOperators.Gradient(y.detach(), x), Throws.InvalidOperationException);
            Assert.That(() => DifferentialOperators.Gradient(y[..3], x), Throws.ArgumentException);
            Assert.That(() => DifferentialOperators.Gradient(y, x, ones(4, 1)), Throws.ArgumentException);
            Assert.That(() => DifferentialOperators.Divergence(y.narrow(-1, 0, 1), x), Throws.ArgumentException);
            Assert.That(() => DifferentialOperators.Jacobian(null!, x), Throws.ArgumentNullException);
            Assert.That(() => { using var off = no_grad(); return DifferentialOperators.Laplace(y, x); }, Throws.InvalidOperationException);
        });
    }
}
