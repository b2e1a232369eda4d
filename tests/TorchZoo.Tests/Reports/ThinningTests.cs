using CsCheck;
using NUnit.Framework;
using TorchZoo.Reports.Html;

namespace TorchZoo.Tests.Reports;

public class ThinningTests
{
    [Test, Category("Property")]
    public void EveryStretchKeepsItsExtremesAndLittleElse()
    {
        var value = Gen.Frequency((20, Gen.Double[-1e3, 1e3]), (1, Gen.Const(double.NaN)), (1, Gen.Const(double.PositiveInfinity)));
        Gen.Select(value.Array[0, 400], Gen.Int[4, 60]).Sample((y, most) =>
        {
            double[] x = [.. Enumerable.Range(0, y.Length).Select(i => (double)i)];
            var kept = Thinning.Keep(x, y, most);
            Assert.That(kept, Is.Ordered.Ascending.And.Unique);
            if (y.Length <= most)
            {
                Assert.That(kept, Has.Length.EqualTo(y.Length));
                return;
            }
            Assert.That(kept, Does.Contain(0).And.Contain(y.Length - 1));
            var gaps = kept.Count(i => !double.IsFinite(y[i]));
            Assert.That(kept.Length - gaps, Is.LessThanOrEqualTo(most));
            // Written once more, by hand: the stretches are equal parts of the axis.
            var stretches = (most - 2) / 2;
            foreach (var stretch in Enumerable.Range(0, y.Length)
                .GroupBy(i => Math.Min(stretches - 1, (int)(x[i] / (y.Length - 1) * stretches))))
            {
                double[] all = [.. stretch.Select(i => y[i]).Where(double.IsFinite)], left = [.. kept.Intersect(stretch).Select(i => y[i]).Where(double.IsFinite)];
                if (all.Length == 0) continue;
                Assert.That((left.Min(), left.Max()), Is.EqualTo((all.Min(), all.Max())));
                if (stretch.Any(i => !double.IsFinite(y[i]))) Assert.That(kept.Intersect(stretch).Any(i => !double.IsFinite(y[i])), "a gap stays one");
            }
        }, threads: 1, iter: 300);
    }

    [Test]
    public void ASpikeOfOneStepInAMillionStays()
    {
        var y = new double[1_000_000];
        y[654_321] = 1;
        var kept = Thinning.Keep([.. Enumerable.Range(0, y.Length).Select(i => (double)i)], y, 600);
        Assert.That(kept, Does.Contain(654_321).And.Length.LessThanOrEqualTo(600));
    }

    [Test]
    public void StepsThatAreAllTheSameAreNoDivisionByZero() =>
        Assert.That(Thinning.Keep([3, 3, 3, 3, 3, 3], [1, 2, 0, 5, 4, 1], 4), Is.EqualTo([0, 2, 3, 5]));

    [Test]
    public void AsManyOrdinatesAsAbscissae() => Assert.That(() => Thinning.Keep([1], [], 10), Throws.ArgumentException);
}
