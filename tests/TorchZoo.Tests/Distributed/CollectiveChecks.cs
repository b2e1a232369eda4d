using TorchZoo.Checkpoints;
using TorchZoo.Distributed;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Distributed;

/// <summary>Every operation on every type, with results that can be written down.</summary>
internal static class CollectiveChecks
{
    private static readonly ScalarType[] Numbers =
        [ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int32, ScalarType.Int64];

    private static readonly ScalarType[] Any = [.. Numbers, ScalarType.Byte, ScalarType.Bool, ScalarType.ComplexFloat32,
        ScalarType.ComplexFloat64];

    public static void Run(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        foreach (var type in Numbers)
            foreach (var count in new long[] { 0, 1, 7, 1000, 65_537 })
            {
                Reduce(group, type, count);
                Scatter(group, type, count);
            }
        foreach (var type in Any) Gather(group, type);
        Layouts(group);
        Complex(group);
        Wide(group);
        Small(group);
        Several(group);
        Refusals(group);
        group.Barrier();
    }

    // Element i of rank r: i mod 5 + r.
    private static Tensor Own(ScalarType type, long count, int rank) => arange(count).remainder(5).add(rank).to(type);

    private static void Reduce(ProcessGroup group, ScalarType type, long count)
    {
        foreach (var op in new[] { ReduceOp.Sum, ReduceOp.Min, ReduceOp.Max, ReduceOp.Product })
        {
            var expected = Own(ScalarType.Float64, count, 0);
            for (var r = 1; r < group.Size; r++)
            {
                var other = Own(ScalarType.Float64, count, r);
                expected = op switch
                {
                    ReduceOp.Sum => expected + other,
                    ReduceOp.Min => minimum(expected, other),
                    ReduceOp.Max => maximum(expected, other),
                    _ => expected * other,
                };
            }
            var now = Own(type, count, group.Rank);
            var (address, later) = (TensorMemory.Address(now), Own(type, count, group.Rank));
            group.AllReduce(now, op);
            var pending = group.AllReduceAsync(later, op);
            pending.Wait();
            pending.Wait();
            Same(now, expected.to(type), $"{op} of {count} {type}");
            Same(later, expected.to(type), $"{op} of {count} {type}, later");
            True(pending.IsDone && TensorMemory.Address(now) == address, "done, and in place");
        }
        var one = Own(type, count, group.Rank);
        group.Broadcast(one, root: group.Size - 1);
        Same(one, Own(type, count, group.Size - 1), $"broadcast of {count} {type}");
    }

    private static void Scatter(ProcessGroup group, ScalarType type, long count)
    {
        var mine = group.ReduceScatter(cat([.. Enumerable.Range(0, group.Size).Select(r => Own(type, 2 * count, group.Rank + r).view(2,
            count))]));
        // Of share s: the sum over ranks r of i mod 5 + r + s.
        var expected = Own(ScalarType.Float64, 2 * count, group.Rank).view(2, count) * group.Size + group.Size * (group.Size - 1) / 2;
        Same(mine, expected.to(type), $"reduce-scatter of {count} {type}");
    }

    private static void Gather(ProcessGroup group, ScalarType type)
    {
        var all = group.AllGather(Own(type, 6, group.Rank).view(2, 3));
        Same(all, stack([.. Enumerable.Range(0, group.Size).Select(r => Own(type, 6, r).view(2, 3))]), $"all-gather of {type}");
        True(group.AllGather(zeros([0, 3], type)).shape.AsSpan().SequenceEqual([group.Size, 0, 3]), "nothing gathered");
    }

    // What isn't contiguous, and what wants gradients.
    private static void Layouts(ProcessGroup group)
    {
        var wide = Own(ScalarType.Float32, 30, group.Rank).view(5, 6);
        group.AllReduce(wide.t()[1..3]);
        var expected = Own(ScalarType.Float32, 30, group.Rank).view(5, 6);
        var sum = Own(ScalarType.Float32, 30, 0).view(5, 6) * group.Size + group.Size * (group.Size - 1) / 2;
        expected.t()[1..3].copy_(sum.t()[1..3]);
        Same(wide, expected, "part of a transposed matrix");
        var weight = ones(3, requires_grad: true);
        group.AllReduce(weight);
        Same(weight.detach(), ones(3) * group.Size, "a leaf");
        group.AllReduceAsync(weight).Wait();
        Same(weight.detach(), ones(3) * group.Size * group.Size, "a leaf, later");
    }

    private static void Complex(ProcessGroup group)
    {
        var z = complex(ones(3), ones(3) * group.Rank);
        group.AllReduce(z);
        Same(z, complex(ones(3) * group.Size, ones(3) * (group.Size * (group.Size - 1) / 2)), "a complex sum");
    }

    // 256 + 1 is 256 in bfloat16, but 256 + 1 + 1 is 258.
    private static void Wide(ProcessGroup group)
    {
        if (group.Size < 3) return;
        var x = full(1, group.Rank == 0 ? 256 : group.Rank < 3 ? 1 : 0, ScalarType.BFloat16);
        group.AllReduce(x);
        Same(x, full(1, 258, ScalarType.BFloat16), "a 16-bit sum in float32");
    }

    private static void Small(ProcessGroup group)
    {
        Span<double> values = [group.Rank, 1];
        group.AllReduce(values);
        True(values[0] == group.Size * (group.Size - 1) / 2 && values[1] == group.Size, "small sums");
        True(group.Any(group.Rank == group.Size - 1) && !group.Any(false), "any");
        var texts = group.AllGather(new byte[group.Rank]);
        True(texts.Length == group.Size && texts.Index().All(t => t.Item.Length == t.Index), "byte strings");
    }

    // Many at once, of two groups in different orders.
    private static void Several(ProcessGroup group)
    {
        using var other = group.Duplicate();
        var tensors = Enumerable.Range(0, 20).Select(i => full(1000 * i, 1.0 + i, ScalarType.Float64)).ToList();
        var sums = tensors.Select(t => t.clone()).ToList();
        List<PendingOperation> pending = [];
        var groups = group.Rank % 2 == 0 ? new[] { group, other } : [other, group];
        foreach (var g in groups)
            for (var i = 0; i < 10; i++) pending.Add(g.AllReduceAsync(sums[ReferenceEquals(g, group) ? i : 10 + i]));
        group.Barrier();
        foreach (var p in Enumerable.Reverse(pending)) p.Wait();
        foreach (var (sum, tensor) in sums.Zip(tensors)) Same(sum, tensor * group.Size, "one of many");
    }

    private static void Refusals(ProcessGroup group)
    {
        Throws<ArgumentException>(() => group.AllReduce(ones(2, ScalarType.Bool)));
        Throws<ArgumentException>(() => group.AllReduce(complex(ones(1), ones(1)), ReduceOp.Max));
        Throws<ArgumentException>(() => group.ReduceScatter(tensor(1f)));
        if (group.Size > 1) Throws<ArgumentException>(() => group.ReduceScatter(ones(group.Size + 1)));
        Throws<ArgumentOutOfRangeException>(() => group.Broadcast(ones(1), group.Size));
    }

    private static void Same(Tensor actual, Tensor expected, string what) =>
        True(actual.dtype == expected.dtype && actual.shape.AsSpan().SequenceEqual(expected.shape)
            && actual.eq(expected).all().item<bool>(), what);

    private static void True(bool condition, string what)
    {
        if (!condition) throw new InvalidOperationException($"wrong: {what}");
    }

    private static void Throws<T>(Action action) where T : Exception
    {
        try { action(); }
        catch (T) { return; }
        throw new InvalidOperationException($"no {typeof(T).Name}");
    }
}
