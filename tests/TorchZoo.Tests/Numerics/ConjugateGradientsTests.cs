using CsCheck;
using NUnit.Framework;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public sealed class ConjugateGradientsTests
{
    private static Tensor Systems(long batch, long n, ulong seed, ScalarType dtype = ScalarType.Float64)
    {
        using var generator = new Generator(seed);
        var m = randn([batch, n, n], dtype: dtype, generator: generator);
        return matmul(m, m.mH) + 0.5 * eye(n, dtype: dtype);
    }

    private static Func<Tensor, Tensor> Times(Tensor a) => x => matmul(a, x.unsqueeze(-1)).squeeze(-1);

    [Test, Category("Property")]
    public void EqualsADirectSolve() => Gen.Select(Gen.Int[0, 4], Gen.Int[1, 12], Gen.UInt).Sample((batch, n, seed) =>
    {
        using var scope = NewDisposeScope();
        var a = Systems(batch, n, seed);
        using var generator = new Generator(seed + 1);
        var b = randn([batch, n], dtype: ScalarType.Float64, generator: generator);
        var x = ConjugateGradients.Solve(Times(a), b, tolerance: 1e-12, maxIterations: 200);
        var direct = linalg.solve(a, b.unsqueeze(-1)).squeeze(-1);
        return allclose(x, direct, rtol: 1e-7, atol: 1e-7);
    }, iter: 40, threads: 1);

    [Test]
    public void SolvesHermitianSystems()
    {
        using var scope = NewDisposeScope();
        var a = Systems(3, 8, 1, ScalarType.ComplexFloat64);
        using var generator = new Generator(2);
        var b = randn([3, 8], dtype: ScalarType.ComplexFloat64, generator: generator);
        var x = ConjugateGradients.Solve(Times(a), b, tolerance: 1e-12);
        Assert.That((Times(a)(x) - b).abs().max().item<double>(), Is.LessThan(1e-10));
    }

    [Test]
    public void EachSystemStopsOnItsOwn()
    {
        using var scope = NewDisposeScope();
        // Exact arithmetic needs as many iterations as there are different eigenvalues.
        var diagonal = tensor(new double[,] { { 2, 2, 2, 2 }, { 1, 1, 3, 3 }, { 1, 2, 3, 4 }, { 1, 2, 3, 4 } });
        var b = ones_like(diagonal);
        b[3].fill_(0);
        using var result = ConjugateGradients.Run(x => diagonal * x, b, tolerance: 1e-12);
        Assert.That(result.AllConverged);
        Assert.That(result.Iterations.data<long>().ToArray(), Is.EqualTo(new[] { 1L, 2, 4, 0 }));
        Assert.That((result.Solution - b / diagonal).abs().max().item<double>(), Is.LessThan(1e-13));
    }

    [Test]
    public void AnExactPreconditionerNeedsOneIteration()
    {
        using var scope = NewDisposeScope();
        var a = Systems(2, 6, 5);
        var inverse = linalg.inv(a);
        using var generator = new Generator(6);
        var b = randn([2, 6], dtype: ScalarType.Float64, generator: generator);
        using var result = ConjugateGradients.Run(Times(a), b, Times(inverse), tolerance: 1e-8);
        Assert.That(result.Iterations.data<long>().ToArray(), Is.All.EqualTo(1));
    }

    [Test]
    public void StartsWhereItIsTold()
    {
        using var scope = NewDisposeScope();
        var a = Systems(2, 6, 5);
        var x = ones([2, 6], dtype: ScalarType.Float64);
        using var result = ConjugateGradients.Run(Times(a), Times(a)(x), initial: x);
        Assert.That(result.Iterations.max().item<long>(), Is.Zero);
    }

    [Test]
    public void SaysWhichSystemsDidNotConverge()
    {
        using var scope = NewDisposeScope();
        var diagonal = tensor(new double[,] { { 1, 1 }, { 1, 2 } });
        var b = ones_like(diagonal);
        using var result = ConjugateGradients.Run(x => diagonal * x, b, maxIterations: 1);
        Assert.That(result.Converged.data<bool>().ToArray(), Is.EqualTo(new[] { true, false }));
        var thrown = Assert.Throws<NotConvergedException>(() => ConjugateGradients.Solve(x => diagonal * x, b, maxIterations: 1));
        Assert.That(thrown!.Iterations, Is.EqualTo(1));
        Assert.That(thrown.Residual, Is.EqualTo(result.RelativeResidual.max().item<double>()));
    }

    [Test]
    public void IndefiniteOrNotANumberIsNeverASolution()
    {
        using var scope = NewDisposeScope();
        var b = ones([1, 3], dtype: ScalarType.Float64);
        Assert.Throws<NotConvergedException>(() => ConjugateGradients.Solve(x => -x, b));
        Assert.Throws<NotConvergedException>(() => ConjugateGradients.Solve(x => x, b * double.NaN));
        Assert.Throws<NotConvergedException>(() => ConjugateGradients.Solve(x => x * double.NaN, b));
    }

    [Test]
    public void RefusesBadInput()
    {
        using var scope = NewDisposeScope();
        var b = ones([2, 3]);
        Assert.Throws<ArgumentException>(() => ConjugateGradients.Solve(x => x, b.sum()));
        Assert.Throws<ArgumentException>(() => ConjugateGradients.Solve(x => x, b.to(ScalarType.Int32)));
        Assert.Throws<ArgumentException>(() => ConjugateGradients.Solve(x => x, b, initial: b.t()));
        Assert.Throws<ArgumentOutOfRangeException>(() => ConjugateGradients.Solve(x => x, b, tolerance: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ConjugateGradients.Solve(x => x, b, maxIterations: -1));
    }
}
