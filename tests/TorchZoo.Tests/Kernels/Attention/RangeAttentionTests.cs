using CsCheck;
using NUnit.Framework;
using TorchZoo.Kernels.Attention;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Kernels.Attention;

public sealed class RangeAttentionTests
{
    /// <summary>Sizes, and where a random plan comes from.</summary>
    private sealed record Case(int Batch, int Heads, int Length, int Width, int ValueWidth, int Seed);

    private static readonly Gen<Case> Cases =
        from batch in Gen.Int[0, 2]
        from heads in Gen.Int[1, 3]
        from length in Gen.Int[1, 330]
        from width in Gen.Int[1, 70]
        from valueWidth in Gen.Int[1, 70]
        from seed in Gen.Int[0, 1 << 20]
        select new Case(batch, heads, length, width, valueWidth, seed);

    // Each head has its own plan: positions dealt out to some groups, in any order, with any ranges, and perhaps none. Queries see keys
    // behind them as well.
    private static RangePlan[] Plans(Case c)
    {
        var random = new Random(c.Seed);
        return [.. Enumerable.Range(0, c.Heads).Select(_ => new RangePlan(Part(random, c.Length)))];
    }

    private static RangePart Part(Random random, int length)
    {
        int[] queries = [.. Enumerable.Range(0, length)], keys = [.. queries];
        random.Shuffle(queries);
        random.Shuffle(keys);
        var groups = new List<RangeGroup>();
        for (int q = 0, k = 0; q < length || k < length;)
        {
            int rows = random.Next(0, length - q + 1), columns = random.Next(0, length - k + 1);
            if (rows + columns == 0) continue;
            groups.Add(Group(random, queries[q..(q + rows)], keys[k..(k + columns)]));
            (q, k) = (q + rows, k + columns);
        }
        return new(groups);
    }

    private static RangeGroup Group(Random random, int[] queries, int[] keys)
    {
        int[] low = [.. queries.Select(_ => random.Next(0, keys.Length + 1)).Order()],
            high = [.. queries.Select(_ => random.Next(0, keys.Length + 1)).Order()];
        return new(queries, keys, [.. low.Zip(high, Math.Min)], high);
    }

    private static Tensor Dense(Tensor?[] x, RangePlan[] plans)
    {
        var length = (int)x[0]!.shape[2];
        var hidden = stack([.. plans.Select(p => p.ToMask(length))]).logical_not();
        var empty = hidden.all(-1, keepdim: true);
        var scores = x[0]!.matmul(x[1]!.transpose(-1, -2)) * 0.3;
        return scores.masked_fill(hidden & empty.logical_not(), double.NegativeInfinity).softmax(-1).masked_fill(empty, 0).matmul(x[2]!);
    }

    private static Tensor?[] Inputs(Case c, Generator generator) =>
    [
        randn([c.Batch, c.Heads, c.Length, c.Width], ScalarType.Float64, generator: generator),
        randn([c.Batch, c.Heads, c.Length, c.Width], ScalarType.Float64, generator: generator),
        randn([c.Batch, c.Heads, c.Length, c.ValueWidth], ScalarType.Float64, generator: generator),
    ];

    // Not with numbers that aren't finite: a matrix product makes NaN of a hidden pair's 0 · ∞, and a kernel that leaves it out doesn't.
    [Test, Category("Property")]
    public void ItIsMaskedAttention() => new KernelCheck<Case>(Cases, Inputs,
        (c, x) => [RangeAttention.Apply(x[0]!, x[1]!, x[2]!, Plans(c), 0.3)], (c, x) => [Dense(x, Plans(c))])
    {
        SingleTolerance = 1e-5,
        DoubleTolerance = 1e-13,
        NonFinite = false,
    }.Run();

    [Test, Category("Property")]
    public void TheFormInTorchOperationsIsMaskedAttention() => Cases.Sample(c =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)c.Seed);
        var x = Inputs(c, generator);
        Assert.That(RangeAttention.Composed(x[0]!, x[1]!, x[2]!, Plans(c), 0.3).allclose(Dense(x, Plans(c)), 0, 1e-12), Is.True);
    }, iter: 30, threads: 1);

    [Test]
    public void RegistersOfAllWidthsGiveTheSame()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var c = new Case(1, 1, 300, 37, 21, 5);
        var plans = new[] { new RangePlan(Part(new Random(3), c.Length)) };
        Tensor[] x = [.. Inputs(c, generator).Select(t => t!.requires_grad_())];
        var expected = Dense(x, plans);
        var cotangent = randn(expected.shape, ScalarType.Float64, generator: generator);
        expected.backward([cotangent]);
        Check(new ByWidth<Lanes128<double>>());
        Check(new ByWidth<Lanes256<double>>());
        Check(new ByWidth<Lanes512<double>>());

        void Check(IByWidth width)
        {
            var ours = width.Run(x, cotangent, plans[0].Parts[0], 0.3);
            Assert.Multiple(() =>
            {
                Assert.That(ours[0].allclose(expected, 0, 1e-12), Is.True, $"{width}, output");
                for (var i = 0; i < 3; i++) Assert.That(ours[i + 1].allclose(x[i].grad!, 0, 1e-12), Is.True, $"{width}, gradient {i}");
            });
        }
    }

    private interface IByWidth
    {
        Tensor[] Run(Tensor[] inputs, Tensor cotangent, RangePart part, double scale);
    }

    private sealed unsafe class ByWidth<V> : IByWidth where V : struct, ILanes<V, double>
    {
        public Tensor[] Run(Tensor[] inputs, Tensor cotangent, RangePart part, double scale)
        {
            using var off = no_grad();
            Tensor q = inputs[0].detach(), k = inputs[1].detach(), v = inputs[2].detach(), output = zeros_like(v),
                most = full(v.shape[..3], double.NegativeInfinity, ScalarType.Float64), sum = zeros_like(most), delta = zeros_like(most),
                byQ = zeros_like(q), byK = zeros_like(k), byV = zeros_like(v);
            var x = new AttentionOperands<double>
            {
                Length = q.shape[2],
                Width = (int)q.shape[3],
                ValueWidth = (int)v.shape[3],
                Scale = scale,
                Q = Address(q),
                K = Address(k),
                V = Address(v),
                Output = Address(output),
                LogSum = Address(most),
                Sum = Address(sum),
                ByOutput = Address(cotangent),
                ByQ = Address(byQ),
                ByK = Address(byK),
                ByV = Address(byV),
                Delta = Address(delta),
            };
            var scratch = zeros(Math.Max(AttentionForward<double>.Scratch(x.Width, x.ValueWidth),
                AttentionBackward<double>.Scratch(x.Width, x.ValueWidth)), ScalarType.Float64);
            (int, int) all = (0, int.MaxValue), groups = (0, part.Groups);
            new AttentionForward<double>(x, part, groups, all, Address(scratch)).Run<V>();
            new AttentionFinish<double>(x, (0, x.Length)).Run<V>();
            new AttentionDelta<double>(x, (0, x.Length)).Run<V>();
            new AttentionBackward<double>(x, part, groups, all, all, AttentionGradients.All, Address(scratch)).Run<V>();
            return [output, byQ, byK, byV];
        }

        private static double* Address(Tensor tensor)
        {
            using var pinned = Pinned<double>.Of(tensor, nameof(tensor));
            return pinned.Pointer;
        }

        public override string ToString() => typeof(V).Name;
    }

    [Test]
    public void NothingGivesNothing()
    {
        using var scope = NewDisposeScope();
        var plan = new RangePlan(new RangePart([RangeGroup.Triangle([0, 1, 2])]));
        foreach (long[] shape in new long[][] { [2, 0, 3, 4], [0, 2, 3, 4] })
        {
            var x = randn(shape).requires_grad_();
            foreach (var y in new[] { RangeAttention.Apply(x, x, x, [plan]), RangeAttention.Composed(x, x, x, [plan]) })
                Assert.That(y.shape, Is.EqualTo(shape));
            RangeAttention.Apply(x, x, x, [plan]).sum().backward();
            Assert.That(x.grad!.shape, Is.EqualTo(shape));
        }
        // A plan without pairs.
        var nothing = RangeAttention.Apply(randn(1, 1, 3, 2), randn(1, 1, 3, 2), randn(1, 1, 3, 2), [new RangePlan()]);
        Assert.That(nothing.eq(0).all().item<bool>(), Is.True);
    }

    [Test]
    public void BadPlansAreRefused() => Assert.Multiple(() =>
    {
        void Refused(string parameter, Func<object> make) =>
            Assert.That(() => make(), Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(parameter));
        Refused("low", () => new RangeGroup([0, 1], [0, 1], [0], [1, 1]));
        Refused("high", () => new RangeGroup([0, 1], [0, 1], [0, 0], [1]));
        Refused("low", () => new RangeGroup([0, 1], [0, 1], [1, 0], [1, 1]));
        Refused("low", () => new RangeGroup([0], [0], [-1], [1]));
        Refused("high", () => new RangeGroup([0], [0, 1], [1], [0]));
        Refused("high", () => new RangeGroup([0], [0, 1], [1], [3]));
        Refused("high", () => new RangeGroup([0, 1], [0, 1], [0, 0], [2, 1]));
        Refused("window", () => RangeGroup.Band([0, 1], 0));
        Refused("groups", () => new RangePart([RangeGroup.Triangle([0, 1]), RangeGroup.Triangle([1])]));
        Refused("groups", () => new RangePart([RangeGroup.Triangle([-1])]));
        Refused("length", () => new RangePlan(new RangePart([RangeGroup.Triangle([0, 4])])).ToMask(4));
    });

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        var plan = new RangePlan(new RangePart([RangeGroup.Triangle([0, 1, 2, 3])]));
        Tensor x = randn(1, 2, 4, 3);
        void Refused(string parameter, Func<Tensor> compute) =>
            Assert.That(() => compute(), Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(parameter));
        Assert.Multiple(() =>
        {
            Refused("heads", () => RangeAttention.Apply(x, x, x, []));
            Refused("heads", () => RangeAttention.Apply(x, x, x, [plan, plan, plan]));
            Refused("heads", () => RangeAttention.Apply(x.narrow(2, 0, 3), x.narrow(2, 0, 3), x.narrow(2, 0, 3), [plan]));
            Refused("q", () => RangeAttention.Apply(x[0], x, x, [plan]));
            Refused("q", () => RangeAttention.Apply(x.to(ScalarType.Int32), x, x, [plan]));
            Refused("k", () => RangeAttention.Apply(x, x.narrow(3, 0, 2), x, [plan]));
            Refused("v", () => RangeAttention.Composed(x, x, x.narrow(2, 0, 3), [plan]));
        });
    }
}
