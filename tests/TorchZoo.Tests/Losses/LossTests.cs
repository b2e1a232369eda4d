using CsCheck;
using NUnit.Framework;
using TorchZoo.Losses;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Tests.Losses;

public sealed class LossTests
{
    private static Tensor Random(ulong seed, long[] shape, ScalarType dtype = ScalarType.Float64)
    {
        using var generator = new Generator(seed);
        return randn(shape, dtype: dtype, generator: generator);
    }

    private static double Value(Tensor t) => t.to(ScalarType.Float64).item<double>();

    // The sums as they stand in the definition, number by number.
    private static double Brute(Tensor yHat, Tensor y, int d, int p, bool relative)
    {
        var points = y.shape.TakeLast(d).Aggregate(1L, (a, b) => a * b);
        var (difference, truth) = ((yHat - y).abs().reshape(-1, points), y.abs().reshape(-1, points));
        var total = 0.0;
        for (long i = 0; i < difference.shape[0]; i++)
        {
            double Sum(Tensor rows) => rows[i].data<double>().Sum(v => Math.Pow(v, p));
            total += relative ? Math.Pow(Sum(difference), 1.0 / p) / (Math.Pow(Sum(truth), 1.0 / p) + 1e-8)
                : Math.Pow(Sum(difference) / points, 1.0 / p);
        }
        return total;
    }

    [Test, Category("Property")]
    public void LpEqualsItsDefinition() =>
        Gen.Select(Gen.Int[1, 5].Array[1, 4], Gen.Int[1, 4], Gen.Int[1, 5], Gen.UInt, Gen.Bool).Sample((sizes, d, p, seed, isComplex) =>
        {
            if (d > sizes.Length) return true;
            using var scope = NewDisposeScope();
            var shape = sizes.Select(s => (long)s).ToArray();
            var dtype = isComplex ? ScalarType.ComplexFloat64 : ScalarType.Float64;
            var (yHat, y) = (Random(seed, shape, dtype), Random(seed + 1ul, shape, dtype));
            var (loss, mean) = (new LpLoss(d, p), new LpLoss(d, p, Reduction.Mean));
            var norms = shape.SkipLast(d).Aggregate(1L, (a, b) => a * b);
            var none = new LpLoss(d, p, Reduction.None).Rel(yHat, y);
            bool Close(double a, double b) => Math.Abs(a - b) <= 1e-10 * Math.Abs(b);
            return Close(Value(loss.Rel(yHat, y)), Brute(yHat, y, d, p, true))
                && Close(Value(loss.Abs(yHat, y)), Brute(yHat, y, d, p, false))
                && Close(Value(mean.Rel(yHat, y)), Brute(yHat, y, d, p, true) / norms)
                && none.shape.SequenceEqual(shape.SkipLast(d)) && Close(Value(none.sum()), Brute(yHat, y, d, p, true));
        }, iter: 100, threads: 1);

    [Test]
    public void RelativeDistancesScale([Values(1, 2, 3)] int p)
    {
        using var scope = NewDisposeScope();
        var y = Random(1, [4, 2, 6, 5]);
        foreach (var c in new[] { 0, 0.5, 1, 3 })
        {
            Assert.That(Value(new LpLoss(2, p, Reduction.Mean).Rel(c * y, y)), Is.EqualTo(Math.Abs(c - 1)).Within(1e-7));
            Assert.That(Value(new H1Loss(2, reduction: Reduction.Mean).Rel(c * y, y)), Is.EqualTo(Math.Abs(c - 1)).Within(1e-7));
            Assert.That(Value(RelativeL2.Loss(c * y, y)), Is.EqualTo(Math.Abs(c - 1)).Within(1e-14));
        }
        Assert.That(Value(new LpLoss(2, p).Rel(y, y)), Is.Zero);
    }

    [Test]
    public void RepeatedGridValuesChangeNothing([Values(1, 2, 3)] int p)
    {
        using var scope = NewDisposeScope();
        var (yHat, y) = (Random(1, [3, 2, 7]), Random(2, [3, 2, 7]));
        Tensor Repeat(Tensor t) => t.repeat_interleave(3, dim: -1);
        var loss = new LpLoss(1, p, eps: 0);
        Assert.That(Value(loss.Rel(Repeat(yHat), Repeat(y))), Is.EqualTo(Value(loss.Rel(yHat, y))).Within(1e-13));
        Assert.That(Value(loss.Abs(Repeat(yHat), Repeat(y))), Is.EqualTo(Value(loss.Abs(yHat, y))).Within(1e-13));
    }

    [Test]
    public void AbsoluteNormsTendToTheIntegral()
    {
        using var scope = NewDisposeScope();
        // On (0, 2) × (0, 3): ∫ sin²(πx) sin²(2πy/3) = 6/4, and its gradient's square adds (π² + (2π/3)²) times that.
        Tensor Field(long n) => (arange(0, n, dtype: ScalarType.Float64).unsqueeze(1) * (2 * Math.PI / n)).sin()
            * (arange(0, n, dtype: ScalarType.Float64) * (2 * Math.PI / n)).sin();
        var field = Field(400);
        double[] box = [2, 3];
        Assert.That(Value(new LpLoss(2, measure: box).Abs(field, zeros_like(field))), Is.EqualTo(Math.Sqrt(1.5)).Within(1e-12));
        var expected = Math.Sqrt(1.5 * (1 + Math.PI * Math.PI + Math.Pow(2 * Math.PI / 3, 2)));
        Assert.That(Value(new H1Loss(2, measure: box).Abs(field, zeros_like(field))), Is.EqualTo(expected).Within(1e-4 * expected));
    }

    [Test]
    public void H1EqualsDifferencesByHand([Values] bool periodic)
    {
        using var scope = NewDisposeScope();
        const long n = 6, m = 5;
        var (yHat, y) = (Random(1, [2, n, m]), Random(2, [2, n, m]));
        double Square(Tensor t, int b)
        {
            double At(long i, long j) => t[b, i, j].item<double>();
            // Along an axis of s points whose value at i is v(i).
            double Slope(Func<long, double> v, long i, long s)
            {
                var h = 1.0 / s;
                if (periodic) return (v((i + 1) % s) - v((i + s - 1) % s)) / (2 * h);
                if (i == 0) return (-11 * v(0) + 18 * v(1) - 9 * v(2) + 2 * v(3)) / (6 * h);
                if (i == s - 1) return (11 * v(s - 1) - 18 * v(s - 2) + 9 * v(s - 3) - 2 * v(s - 4)) / (6 * h);
                return (v(i + 1) - v(i - 1)) / (2 * h);
            }
            var sum = 0.0;
            for (long i = 0; i < n; i++)
                for (long j = 0; j < m; j++)
                    sum += Math.Pow(At(i, j), 2) + Math.Pow(Slope(q => At(q, j), i, n), 2) + Math.Pow(Slope(q => At(i, q), j, m), 2);
            return sum;
        }
        var expected = Enumerable.Range(0, 2).Sum(b => Math.Sqrt(Square(yHat - y, b)) / (Math.Sqrt(Square(y, b)) + 1e-8));
        Assert.That(Value(new H1Loss(2, [periodic, periodic]).Rel(yHat, y)), Is.EqualTo(expected).Within(1e-12));
    }

    [Test]
    public void OneSidedDifferencesAreExactForCubics()
    {
        using var scope = NewDisposeScope();
        // Only ends are tested: with 4 points they are half of the grid; inner differences have the error h² · v'''/6.
        const long n = 4;
        var x = arange(0, n, dtype: ScalarType.Float64) / n;
        var y = x.pow(3);
        var slope = 3 * x.square();
        slope[1].add_(1.0 / 16);
        slope[2].add_(1.0 / 16);
        var expected = Math.Sqrt(Value((y.square() + slope.square()).sum()) / n);
        Assert.That(Value(new H1Loss(1, [false]).Abs(y, zeros_like(y))), Is.EqualTo(expected).Within(1e-14));
    }

    private static IEnumerable<TestCaseData> Differentiable()
    {
        foreach (var p in new[] { 1, 2, 3, 4 })
        {
            yield return new TestCaseData((Func<Tensor, Tensor, Tensor>)new LpLoss(1, p).Rel, false).SetArgDisplayNames($"Lp rel {p}");
            yield return new TestCaseData((Func<Tensor, Tensor, Tensor>)new LpLoss(2, p, Reduction.Mean).Abs, false)
                .SetArgDisplayNames($"Lp abs {p}");
        }
        yield return new TestCaseData((Func<Tensor, Tensor, Tensor>)new LpLoss(2).Rel, true).SetArgDisplayNames("Lp rel complex");
        yield return new TestCaseData((Func<Tensor, Tensor, Tensor>)new H1Loss(2, [true, false]).Rel, false).SetArgDisplayNames("H1 rel");
        yield return new TestCaseData((Func<Tensor, Tensor, Tensor>)new H1Loss(2).Abs, false).SetArgDisplayNames("H1 abs");
        yield return new TestCaseData((Func<Tensor, Tensor, Tensor>)RelativeL2.Loss, false).SetArgDisplayNames("RelativeL2");
        yield return new TestCaseData((Func<Tensor, Tensor, Tensor>)RelativeL2.Loss, true).SetArgDisplayNames("RelativeL2 complex");
    }

    [TestCaseSource(nameof(Differentiable))]
    public void GradientsEqualDifferences(Func<Tensor, Tensor, Tensor> loss, bool isComplex)
    {
        using var scope = NewDisposeScope();
        long[] shape = isComplex ? [2, 3, 5, 2] : [2, 3, 5];
        Tensor View(Tensor t) => isComplex ? t.view_as_complex() : t;
        var (yHat, y) = (Random(3, shape).requires_grad_(), Random(4, shape).requires_grad_());
        loss(View(yHat), View(y)).backward();
        var (forward, direction) = ((yHat.detach(), y.detach()), (Random(5, shape), Random(6, shape)));
        const double h = 1e-5;
        double At(double s) => Value(loss(View(forward.Item1 + s * direction.Item1), View(forward.Item2 + s * direction.Item2)));
        var difference = (8 * (At(h) - At(-h)) - At(2 * h) + At(-2 * h)) / (12 * h);
        var gradient = Value((yHat.grad! * direction.Item1).sum() + (y.grad! * direction.Item2).sum());
        Assert.That(gradient, Is.EqualTo(difference).Within(1e-7 * (1 + Math.Abs(difference))));
    }

    [TestCaseSource(nameof(Differentiable))]
    public void GradientsAreFiniteWhereTheLossIsZero(Func<Tensor, Tensor, Tensor> loss, bool isComplex)
    {
        using var scope = NewDisposeScope();
        long[] shape = isComplex ? [2, 3, 5, 2] : [2, 3, 5];
        var yHat = Random(3, shape).requires_grad_();
        var y = yHat.detach().clone();
        loss(isComplex ? yHat.view_as_complex() : yHat, isComplex ? y.view_as_complex() : y).backward();
        Assert.That(yHat.grad!.abs().max().item<double>(), Is.Zero);
    }

    [Test]
    public void RelativeL2IsTheMeanOverSamples()
    {
        using var scope = NewDisposeScope();
        var (yHat, y) = (Random(1, [4, 2, 3]), Random(2, [4, 2, 3]));
        Assert.That(Value(RelativeL2.Loss(yHat, y)), Is.EqualTo(Brute(yHat, y, 2, 2, true) / 4).Within(1e-7));
        Assert.That(RelativeL2.PerSample(yHat, y).shape, Is.EqualTo(new long[] { 4 }));
        Assert.That(RelativeL2.PerSample(y[TensorIndex.Slice(0, 0)], y[TensorIndex.Slice(0, 0)]).numel(), Is.Zero);
    }

    [Test]
    public void NothingLeaks()
    {
        using var scope = NewDisposeScope();
        var (yHat, y) = (Random(1, [4, 2, 8, 8]), Random(2, [4, 2, 8, 8]));
        Func<Tensor, Tensor, Tensor>[] losses =
            [new LpLoss(2).Rel, new LpLoss(2).Abs, new H1Loss(2).Rel, new H1Loss(2).Abs, RelativeL2.Loss];
        foreach (var loss in losses)
        {
            var before = scope.DisposablesCount;
            loss(yHat, y).Dispose();
            Assert.That(scope.DisposablesCount, Is.EqualTo(before));
        }
    }

    [Test]
    public void RefusesBadInput()
    {
        using var scope = NewDisposeScope();
        var y = ones([2, 3, 8]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LpLoss(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LpLoss(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LpLoss(eps: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LpLoss(reduction: (Reduction)9));
        Assert.Throws<ArgumentException>(() => new LpLoss(2, measure: [1, 2, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LpLoss(2, measure: [1, 0]));
        Assert.Throws<ArgumentException>(() => new H1Loss(2, [true]));
        Assert.Throws<ArgumentException>(() => new LpLoss().Rel(y, y[0]));
        Assert.Throws<ArgumentException>(() => new LpLoss(4).Rel(y, y));
        Assert.Throws<ArgumentException>(() => new LpLoss().Abs(y, y.to(ScalarType.Int64)));
        Assert.Throws<ArgumentException>(() => new H1Loss(2, [false, true]).Rel(y, y));
        Assert.Throws<ArgumentException>(() => new H1Loss().Rel(y.to(ScalarType.ComplexFloat32), y.to(ScalarType.ComplexFloat32)));
        Assert.Throws<ArgumentException>(() => RelativeL2.Loss(y, y.unsqueeze(0)));
        Assert.Throws<ArgumentException>(() => RelativeL2.Loss(y.sum(), y.sum()));
        Assert.Throws<ArgumentNullException>(() => new LpLoss().Rel(null!, y));
    }
}
