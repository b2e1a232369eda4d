using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Models.Sequences;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SparseAttentionTests
{
    private static readonly AttentionPatternKind[] Kinds = Enum.GetValues<AttentionPatternKind>();

    private static AttentionPattern Pattern(AttentionPatternKind kind, int n, int l, int c, int blocks = 1) => kind switch
    {
        AttentionPatternKind.Local => AttentionPattern.Local(n, l),
        AttentionPatternKind.Strided => AttentionPattern.Strided(n, l),
        AttentionPatternKind.FixedLocal => AttentionPattern.FixedLocal(n, l),
        AttentionPatternKind.FixedSummary => AttentionPattern.FixedSummary(n, l, c, blocks),
        AttentionPatternKind.Fixed => AttentionPattern.Fixed(n, l, c, blocks),
        AttentionPatternKind.StridedMerged => AttentionPattern.StridedMerged(n, l),
        _ => AttentionPattern.Causal(n),
    };

    // Output, and gradients by q, k and v.
    private static Tensor[] Pass(Tensor[] inputs, Tensor cotangent, IReadOnlyList<AttentionPattern> patterns, AttentionKernel kernel)
    {
        Tensor[] x = [.. inputs.Select(t => t.detach().requires_grad_())];
        var output = SparseAttention.Apply(x[0], x[1], x[2], patterns, kernel: kernel);
        output.backward([cotangent.to(output.dtype)]);
        BackwardPass.ThrowIfFailed();
        return [output.detach(), .. x.Select(t => t.grad!)];
    }

    private static Tensor[] Inputs(Generator random, ScalarType type, long batch, long heads, long n, long d, long e) =>
    [
        randn([batch, heads, n, d], type, generator: random), randn([batch, heads, n, d], type, generator: random),
        randn([batch, heads, n, e], type, generator: random),
    ];

    private static void Close(Tensor[] computed, Tensor[] expected, double output, double gradient, string what)
    {
        for (var i = 0; i < computed.Length; i++)
        {
            var error = (computed[i].to(ScalarType.Float64) - expected[i].to(ScalarType.Float64)).abs().max().item<double>();
            Assert.That(error, Is.LessThanOrEqualTo(i == 0 ? output : gradient), $"{what}, {(i == 0 ? "output" : $"gradient {i}")}");
        }
    }

    private static void OnThreads(int count, Action action)
    {
        var before = get_num_threads();
        try
        {
            set_num_threads(count);
            action();
        }
        finally { set_num_threads(before); }
    }

    [Test]
    public void AtEveryLengthItIsMaskedDenseAttention() => OnThreads(1, () =>
    {
        using var random = new Generator(1);
        var choice = new Random(1);
        for (var n = 1; n <= 300; n++)
        {
            using var scope = NewDisposeScope();
            var l = choice.Next(1, choice.Next(2) == 0 ? n + 3 : 40);
            var c = choice.Next(1, Math.Min(l, 12) + 1);
            var pattern = Pattern(Kinds[n % Kinds.Length], n, l, c, choice.Next(1, Math.Min(l / c, 3) + 1));
            int heads = choice.Next(1, 4), d = choice.Next(1, 40), e = choice.Next(1, 40);
            var exact = Inputs(random, ScalarType.Float64, 1, heads, n, d, e);
            var cotangent = randn([1, heads, n, e], ScalarType.Float64, generator: random);
            var expected = Pass(exact, cotangent, [pattern], AttentionKernel.DenseMasked);
            Close(Pass(exact, cotangent, [pattern], AttentionKernel.Fused), expected, 1e-12, 1e-12, $"{pattern}, float64");
            Tensor[] single = [.. exact.Select(x => x.to(ScalarType.Float32))];
            Close(Pass(single, cotangent, [pattern], AttentionKernel.Fused),
                Pass([.. single.Select(x => x.to(ScalarType.Float64))], cotangent, [pattern], AttentionKernel.DenseMasked), 1e-5, 1e-4,
                $"{pattern}, float32");
        }
    });

    [Test, Category("Property")]
    public void TheComposedFormIsMaskedDenseAttention() => Gen.Select(Gen.Int[1, 200], Gen.Int[1, 40], Gen.Int[0, Kinds.Length - 1])
        .Sample((n, l, kind) =>
        {
            using var scope = NewDisposeScope();
            using var random = new Generator((ulong)(n * 41 + l));
            AttentionPattern[] patterns =
                [Pattern(Kinds[kind], n, l, (l + 2) / 3), AttentionPattern.Strided(n, l), Pattern(Kinds[kind], n, l, l)];
            var x = Inputs(random, ScalarType.Float64, 2, 3, n, 5, 4);
            var cotangent = randn_like(x[2]);
            Close(Pass(x, cotangent, patterns, AttentionKernel.Composed), Pass(x, cotangent, patterns, AttentionKernel.DenseMasked), 1e-12,
                1e-11, string.Join(", ", patterns.AsEnumerable()));
        }, iter: 40, threads: 1);

    [Test]
    public void EachHeadMayHaveItsPattern()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        const int N = 131;
        AttentionPattern[] patterns = [AttentionPattern.Local(N, 11), AttentionPattern.Strided(N, 11), AttentionPattern.Fixed(N, 11, 2, 3),
            AttentionPattern.Fixed(N, 11, 2, 3), AttentionPattern.FixedSummary(N, 140, 1)];
        var x = Inputs(random, ScalarType.Float64, 2, 5, N, 9, 17);
        var cotangent = randn_like(x[2]);
        var fused = Pass(x, cotangent, patterns, AttentionKernel.Fused);
        Close(fused, Pass(x, cotangent, patterns, AttentionKernel.DenseMasked), 1e-12, 1e-12, "heads");
        // No column of the last pattern's is within the sequence.
        Assert.That(fused.All(t => t[TensorIndex.Colon, 4].eq(0).all().item<bool>()), Is.True);
    }

    [TestCaseSource(nameof(Kinds))]
    public void GradientsAreThoseOfDifferences(AttentionPatternKind kind)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        GradCheck.Run(x => [SparseAttention.Apply(x[0]!, x[1]!, x[2]!, Pattern(kind, 11, 3, 2))],
            Inputs(random, ScalarType.Float64, 1, 2, 11, 2, 3), secondOrder: true);
    }

    // Few heads are cut into shares of queries and keys, many aren't.
    [Test]
    public void TheBitsDontDependOnTheThreads([Values(1, 3)] int batch, [ValueSource(nameof(Kinds))] AttentionPatternKind kind)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        AttentionPattern[] pattern = [Pattern(kind, 777, 60, 7, 2)];
        var x = Inputs(random, ScalarType.Float32, batch, 2, 777, 24, 20);
        var cotangent = randn_like(x[2]);
        Tensor[]? one = null;
        foreach (var threads in new[] { 1, 2, 3, 7 })
            OnThreads(threads, () =>
            {
                var now = Pass(x, cotangent, pattern, AttentionKernel.Fused);
                one ??= now;
                foreach (var (a, b) in one.Zip(now)) Assert.That(a.Equals(b), Is.True, $"{threads} threads");
            });
    }

    [Test]
    public void EachPositionSeesItsKeysAndNoOthers([ValueSource(nameof(Kinds))] AttentionPatternKind kind)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        const int N = 210, Changed = 47;
        var pattern = Pattern(kind, N, 16, 3);
        var x = Inputs(random, ScalarType.Float32, 1, 1, N, 8, 8);
        var before = SparseAttention.Apply(x[0], x[1], x[2], pattern);
        x[1][0, 0, Changed] += 1;
        x[2][0, 0, Changed] += 1;
        var differs = SparseAttention.Apply(x[0], x[1], x[2], pattern).ne(before).any(-1)[0, 0];
        Assert.That(differs.Equals(pattern.ToMask()[TensorIndex.Colon, Changed]), Is.True);
    }

    [Test]
    public void LargeScoresAreNoProblem()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        foreach (var kind in Kinds)
        {
            Tensor[] x = [.. Inputs(random, ScalarType.Float64, 1, 2, 150, 8, 8).Select(t => t * 40)];
            var cotangent = randn(x[2].shape, ScalarType.Float64, generator: random);
            AttentionPattern[] pattern = [Pattern(kind, 150, 9, 2)];
            Close(Pass(x, cotangent, pattern, AttentionKernel.Fused), Pass(x, cotangent, pattern, AttentionKernel.DenseMasked), 1e-10, 1e-9,
                $"{kind}");
        }
    }

    [TestCase(ScalarType.BFloat16, 0.02), TestCase(ScalarType.Float16, 0.004)]
    public void SixteenBitsAreComputedInFloat32(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        AttentionPattern[] pattern = [AttentionPattern.Fixed(100, 10, 2)];
        Tensor[] x = [.. Inputs(random, ScalarType.Float32, 1, 2, 100, 16, 16).Select(t => t.to(type))];
        var cotangent = randn(x[2].shape, generator: random).to(type);
        var computed = Pass(x, cotangent, pattern, AttentionKernel.Auto);
        Assert.That(computed.Select(t => t.dtype), Is.All.EqualTo(type));
        Close(computed, Pass([.. x.Select(t => t.to(ScalarType.Float64))], cotangent, pattern, AttentionKernel.DenseMasked), tolerance,
            4 * tolerance, $"{type}");
    }

    // Beside the outputs: a few numbers a query, and blocks that don't grow.
    [Test]
    public void MemoryIsThatOfTheOutputs()
    {
        if (!PeakMemory.IsMeasurable) Assert.Ignore("the system doesn't tell the high-water mark of memory");
        using var scope = NewDisposeScope();
        const int N = 32768;
        AttentionPattern[] patterns = [AttentionPattern.Local(N, 16), AttentionPattern.Fixed(N, 256, 1)];
        var x = Inputs(new Generator(1), ScalarType.Float32, 1, 4, N, 64, 64);
        var cotangent = randn_like(x[2]);
        var size = x[0].numel() * sizeof(float);
        foreach (var pattern in patterns)
        {
            Pass([.. x.Select(t => t.narrow(2, 0, 512))], cotangent.narrow(2, 0, 512), [pattern.WithLength(512)], AttentionKernel.Fused);
            long peak = PeakMemory.Of(() =>
            {
                using var inner = NewDisposeScope();
                Pass(x, cotangent, [pattern], AttentionKernel.Fused);
            });
            Assert.That(peak, Is.LessThan(4 * size + 3 * size), $"{pattern}: outputs and gradients are {4 * size}");
            TestContext.Out.WriteLine($"{pattern}: {(peak - 4.0 * size) / size:0.00} times the size of q");
        }
    }

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        Tensor q = randn(1, 2, 8, 4), v = randn(1, 2, 8, 3);
        var pattern = AttentionPattern.Local(8, 3);
        void Refused(string parameter, Action action) =>
            Assert.That(action, Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(parameter));
        Assert.Multiple(() =>
        {
            Refused("q", () => SparseAttention.Apply(q[0], q[0], v[0], pattern));
            Refused("k", () => SparseAttention.Apply(q, v, v, pattern));
            Refused("k", () => SparseAttention.Apply(q, q.to(ScalarType.Float64), v, pattern));
            Refused("v", () => SparseAttention.Apply(q, q, v[TensorIndex.Colon, 0].unsqueeze(1), pattern));
            Refused("v", () => SparseAttention.Apply(q, q, v.to(ScalarType.Float64), pattern));
            Refused("patterns", () => SparseAttention.Apply(q, q, v, AttentionPattern.Local(9, 3)));
            Refused("patterns", () => SparseAttention.Apply(q, q, v, [pattern, pattern, pattern]));
            Refused("kernel", () => SparseAttention.Apply(q, q, v, pattern, kernel: (AttentionKernel)9));
            Refused("q", () => SparseAttention.Apply(q.to(ScalarType.Int64), q.to(ScalarType.Int64), q.to(ScalarType.Int64), pattern));
        });
    }
}
