using NUnit.Framework;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public class RandomOrthogonalTests
{
    [Test]
    public void RowsOrColumnsAreOrthonormal()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        foreach (var (rows, columns) in new[] { (1, 1), (5, 5), (3, 7), (7, 3), (1, 4), (4, 1) })
        {
            var q = RandomOrthogonal.Matrix(rows, columns, generator);
            Assert.That(q.shape, Is.EqualTo(new long[] { rows, columns }));
            var product = rows <= columns ? q.matmul(q.t()) : q.t().matmul(q);
            Assert.That((product - eye(Math.Min(rows, columns), dtype: ScalarType.Float64)).abs().max().item<double>(), Is.LessThan(1e-13));
        }
    }

    [Test]
    public void TheyAreUniform()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        // Of 2×2: half are reflections, and every angle is as likely as any other.
        var all = stack([.. Enumerable.Range(0, 2000).Select(_ => RandomOrthogonal.Matrix(2, 2, generator))]);
        var flips = linalg.det(all).lt(0).to(ScalarType.Float64).mean().item<double>();
        Assert.That(flips, Is.EqualTo(0.5).Within(0.05));
        var angles = atan2(all.select(2, 0).select(1, 1), all.select(2, 0).select(1, 0));
        foreach (var quadrant in Enumerable.Range(-2, 4))
        {
            var inside = angles.ge(quadrant * Math.PI / 2).logical_and(angles.lt((quadrant + 1) * Math.PI / 2));
            Assert.That(inside.to(ScalarType.Float64).mean().item<double>(), Is.EqualTo(0.25).Within(0.04));
        }
    }

    [Test]
    public void ItIsRepeatableAndRefusesBadSizes()
    {
        using var scope = NewDisposeScope();
        using Generator one = new(3), other = new(3);
        Assert.That(RandomOrthogonal.Matrix(4, 6, one).allclose(RandomOrthogonal.Matrix(4, 6, other), 0, 0));
        Assert.That(() => RandomOrthogonal.Matrix(0, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => RandomOrthogonal.Matrix(2, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
