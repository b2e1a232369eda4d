using CsCheck;
using NUnit.Framework;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class AttentionPatternTests
{
    private static AttentionPattern[] All(int n, int l, int c, int blocks = 1) =>
    [
        AttentionPattern.Causal(n), AttentionPattern.Local(n, l), AttentionPattern.Strided(n, l), AttentionPattern.StridedMerged(n, l),
        AttentionPattern.FixedLocal(n, l), AttentionPattern.FixedSummary(n, l, c, blocks), AttentionPattern.Fixed(n, l, c, blocks),
    ];

    [Test, Category("Property")]
    public void PlansKeysAndLastQueriesFollowTheDefinition() =>
        (from n in Gen.Int[1, 90]
         from l in Gen.Int[1, 30]
         from c in Gen.Int[1, l]
         from blocks in Gen.Int[1, l / c]
         from head in Gen.Int[0, 5]
         select (n, l, c, blocks, head)).Sample(x =>
         {
             using var scope = NewDisposeScope();
             foreach (var pattern in All(x.n, x.l, x.c, x.blocks))
             {
                 var mask = pattern.ToMask(x.head);
                 var plan = pattern.PlanOf(x.head);
                 Assert.That(plan.ToMask(x.n).Equals(mask), Is.True, $"{pattern}");
                 Assert.That(plan.PairCount, Is.EqualTo(mask.sum().item<long>()), $"{pattern}");
                 for (var i = 0; i < x.n; i++)
                 {
                     var keys = Enumerable.Range(0, i + 1).Where(j => pattern.Contains(i, j, x.head)).ToArray();
                     Assert.That(pattern.Keys(i, x.head), Is.EqualTo(keys), $"{pattern}, {i}");
                     var users = Enumerable.Range(i, 3 * x.l).Where(q => pattern.Contains(q, i, x.head)).DefaultIfEmpty(-1).Max();
                     var last = pattern.LastQuery(i, x.head);
                     if (last == int.MaxValue) Assert.That(users, Is.GreaterThanOrEqualTo(i));
                     else Assert.That(last, Is.EqualTo(users));
                 }
             }
         }, iter: 60, threads: 1);

    [TestCase(64, 8, 1), TestCase(96, 12, 3), TestCase(60, 12, 12)]
    public void PairsAreCounted(int n, int l, int c)
    {
        int m = n / l;
        Assert.Multiple(() =>
        {
            Assert.That(AttentionPattern.Causal(n).PairCount, Is.EqualTo(n * (n + 1) / 2));
            Assert.That(AttentionPattern.Local(n, l).PairCount, Is.EqualTo(n * l - l * (l - 1) / 2));
            Assert.That(AttentionPattern.Strided(n, l).PairCount, Is.EqualTo(l * m * (m + 1) / 2));
            Assert.That(AttentionPattern.FixedLocal(n, l).PairCount, Is.EqualTo(m * l * (l + 1) / 2));
            Assert.That(AttentionPattern.Fixed(n, l, c).PairCount, Is.EqualTo(m * l * (l + 1) / 2 + (long)l * c * m * (m - 1) / 2));
        });
    }

    [Test]
    public void TwoLayersReachEverything()
    {
        using var scope = NewDisposeScope();
        const int N = 53, L = 7;
        Tensor Step(AttentionPattern p) => eye(N) + p.ToMask().to(ScalarType.Float32);
        bool Reaches(params AttentionPattern[] layers) =>
            layers.Select(Step).Aggregate((a, b) => b.matmul(a)).gt(0).Equals(ones(N, N).tril().gt(0));
        AttentionPattern local = AttentionPattern.Local(N, L), strided = AttentionPattern.Strided(N, L),
            chunk = AttentionPattern.FixedLocal(N, L), summary = AttentionPattern.FixedSummary(N, L, 2),
            merged = AttentionPattern.Fixed(N, L, 2), both = AttentionPattern.StridedMerged(N, L);
        Assert.Multiple(() =>
        {
            Assert.That(Reaches(local, strided), Is.True);
            Assert.That(Reaches(strided, local), Is.True);
            Assert.That(Reaches(chunk, summary), Is.True);
            Assert.That(Reaches(summary, chunk), Is.False);
            Assert.That(Reaches(chunk, summary, chunk), Is.True);
            Assert.That(Reaches(summary, chunk, summary), Is.True);
            Assert.That(Reaches(merged), Is.False);
            Assert.That(Reaches(merged, merged), Is.True);
            Assert.That(Reaches(both, both), Is.True);
            Assert.That(Reaches(local, local), Is.False);
        });
    }

    [Test]
    public void SpecialCasesAreDense()
    {
        using var scope = NewDisposeScope();
        const int N = 20;
        var dense = AttentionPattern.Causal(N).ToMask();
        Assert.Multiple(() =>
        {
            Assert.That(dense.Equals(ones(N, N).tril().gt(0)), Is.True);
            Assert.That(AttentionPattern.Local(N, N).ToMask().Equals(dense), Is.True);
            Assert.That(AttentionPattern.Strided(N, 1).ToMask().Equals(dense), Is.True);
            Assert.That(AttentionPattern.Fixed(N, 6, 6).ToMask().Equals(dense), Is.True);
            Assert.That((AttentionPattern.FixedSummary(N, 6, 6).ToMask() | AttentionPattern.FixedLocal(N, 6).ToMask()).Equals(dense),
                Is.True);
        });
    }

    [Test]
    public void HeadsTakeDistinctSummaryBlocks()
    {
        using var scope = NewDisposeScope();
        var pattern = AttentionPattern.FixedSummary(40, 8, 2, 3);
        var last = Enumerable.Range(0, 4).Select(h => pattern.Keys(39, h).Select(j => j % 8).Distinct().ToArray()).ToArray();
        Assert.That(last, Is.EqualTo(new[] { new[] { 6, 7 }, [4, 5], [2, 3], [6, 7] }));
    }

    [Test]
    public void BadNumbersAreRefused() => Assert.Multiple(() =>
    {
        Assert.That(() => AttentionPattern.Causal(0), Throws.ArgumentException.With.Property("ParamName").EqualTo("length"));
        Assert.That(() => AttentionPattern.Local(4, 0), Throws.ArgumentException.With.Property("ParamName").EqualTo("stride"));
        Assert.That(() => AttentionPattern.Fixed(9, 4, 0), Throws.ArgumentException.With.Property("ParamName").EqualTo("summaryWidth"));
        Assert.That(() => AttentionPattern.Fixed(9, 4, 5), Throws.ArgumentException.With.Property("ParamName").EqualTo("summaryWidth"));
        Assert.That(() => AttentionPattern.Fixed(9, 4, 2, 3), Throws.ArgumentException.With.Property("ParamName").EqualTo("summaryBlocks"));
        Assert.That(() => AttentionPattern.Fixed(9, 4, 2, 0), Throws.ArgumentException.With.Property("ParamName").EqualTo("summaryBlocks"));
        Assert.That(() => AttentionPattern.Strided(9, 4).Keys(-1), Throws.InstanceOf<ArgumentException>());
    });
}
