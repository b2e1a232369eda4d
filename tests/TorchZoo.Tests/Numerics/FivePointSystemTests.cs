using CsCheck;
using NUnit.Framework;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public sealed class FivePointSystemTests
{
    [Test, Category("Property")]
    public void SolvingUndoesMultiplying() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 3], Gen.Bool, Gen.ULong).Sample((rows, columns, count, isComplex, seed) =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(seed);
            Tensor Random(params long[] shape) => isComplex
                ? complex(randn(shape, ScalarType.Float64, generator: generator), randn(shape, ScalarType.Float64, generator: generator))
                : randn(shape, ScalarType.Float64, generator: generator);
            // Dominant diagonal, so that the system is well conditioned; unused neighbours must stay unused.
            var system = new FivePointSystem(Random(rows, columns) + 12, Random(rows, columns), Random(rows, columns),
                Random(rows, columns), Random(rows, columns));
            var x = Random(rows, columns, count);
            var b = stack(x.unbind(-1).Select(system.Multiply), -1);
            Assert.That((system.Solve(b) - x).abs().max().item<double>(), Is.LessThan(1e-12));
        }, iter: 30);

    [Test]
    public void MultiplyingIsTheStencil()
    {
        using var scope = NewDisposeScope();
        Tensor Constant(double value) => full([3, 4], value, ScalarType.Float64);
        var system = new FivePointSystem(Constant(1), Constant(10), Constant(100), Constant(1000), Constant(10_000));
        var x = zeros(3, 4, dtype: ScalarType.Float64);
        x[1, 2] = 1;
        double[] expected = [0, 0, 100, 0, 0, 10_000, 1, 1000, 0, 0, 10, 0];
        Assert.That(system.Multiply(x).flatten().data<double>().ToArray(), Is.EqualTo(expected));
    }

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        var a = ones(3, 4, dtype: ScalarType.Float64);
        var system = new FivePointSystem(a, a, a, a, a);
        Assert.Multiple(() =>
        {
            Assert.That(() => system.Solve(zeros(3, 4, dtype: ScalarType.Float64)), Throws.ArgumentException);
            Assert.That(() => system.Solve(zeros(4, 3, 1, dtype: ScalarType.Float64)), Throws.ArgumentException);
            Assert.That(() => system.Solve(zeros(3, 4, 1)), Throws.ArgumentException);
            Assert.That(() => system.Multiply(zeros(3, 4, 1, dtype: ScalarType.Float64)), Throws.ArgumentException);
            Assert.That(() => new FivePointSystem(a, a, a, a, ones(3, 3, dtype: ScalarType.Float64)).Multiply(a), Throws.ArgumentException);
        });
    }
}
