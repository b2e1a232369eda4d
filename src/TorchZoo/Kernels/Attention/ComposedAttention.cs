using static TorchSharp.torch;

namespace TorchZoo.Kernels.Attention;

/// <summary><see cref="RangeAttention"/> in torch operations.</summary>
internal static class ComposedAttention
{
    // Queries of a block.
    private const int Queries = 64;

    public static Tensor Compute(Tensor q, Tensor k, Tensor v, RangePlan[] heads, double scale)
    {
        if (heads.Length == 0) return zeros_like(v);
        // Heads of the same plan together.
        var groups = heads.Select((plan, head) => (plan, head)).GroupBy(h => h.plan).ToList();
        if (groups.Count == 1) return OfPlan(q, k, v, heads[0], scale);
        var order = new long[heads.Length];
        var outputs = new List<Tensor>();
        var next = 0L;
        foreach (var group in groups)
        {
            long[] numbers = [.. group.Select(h => (long)h.head)];
            foreach (var number in numbers) order[number] = next++;
            var index = tensor(numbers, device: q.device);
            outputs.Add(OfPlan(q.index_select(1, index), k.index_select(1, index), v.index_select(1, index), group.Key, scale));
        }
        return cat(outputs, 1).index_select(1, tensor(order, device: q.device));
    }

    private static Tensor OfPlan(Tensor q, Tensor k, Tensor v, RangePlan plan, double scale)
    {
        // By hand, because automatic casting and 16-bit types would lose the log-sum-exp's digits.
        Tensor? output = null, logSum = null;
        foreach (var part in plan.Parts)
        {
            if (part.PairCount == 0) continue;
            var (o, l) = OfPart(q, k, v, part, scale);
            if (output is null || logSum is null) (output, logSum) = (o, l);
            else
            {
                var sum = logaddexp(logSum, l);
                // −∞ − −∞: a query that has no keys so far.
                var least = sum.eq(double.NegativeInfinity);
                var shift = sum.masked_fill(least, 0);
                output = output * (logSum - shift).exp().unsqueeze(-1) + o * (l - shift).exp().unsqueeze(-1);
                logSum = sum;
            }
        }
        return output is null ? zeros_like(v) : output.to(v.dtype);
    }

    private static (Tensor Output, Tensor LogSum) OfPart(Tensor q, Tensor k, Tensor v, RangePart part, double scale)
    {
        // Blocks of queries, each with as many keys as the block with most.
        var blocks = new List<(int Group, int From, int To)>();
        var widest = 1;
        for (var g = 0; g < part.Groups; g++)
            for (var t = part.QueryStarts[g]; t < part.QueryStarts[g + 1]; t += Queries)
            {
                var to = Math.Min(t + Queries, part.QueryStarts[g + 1]);
                if (part.High[to - 1] <= part.Low[t]) continue;
                blocks.Add((g, t, to));
                widest = Math.Max(widest, part.High[to - 1] - part.Low[t]);
            }
        var rows = Math.Min(Queries, blocks.Max(b => b.To - b.From));
        long length = q.shape[2];
        long[] queries = new long[blocks.Count * rows], keys = new long[blocks.Count * widest], places = new long[length];
        var hidden = new bool[(long)blocks.Count * rows * widest];
        Array.Fill(hidden, true);
        // Queries that no block has find a row of nothing behind all blocks.
        Array.Fill(places, queries.Length);
        foreach (var (b, (group, from, to)) in blocks.Index())
        {
            int first = part.Low[from], count = part.High[to - 1] - first;
            for (var u = 0; u < count; u++) keys[(long)b * widest + u] = part.Keys[part.KeyStarts[group] + first + u];
            for (var t = from; t < to; t++)
            {
                var row = (long)b * rows + t - from;
                queries[row] = part.Queries[t];
                if (part.Low[t] < part.High[t]) places[part.Queries[t]] = row;
                hidden.AsSpan(checked((int)(row * widest)) + part.Low[t] - first, part.High[t] - part.Low[t]).Clear();
            }
        }
        var device = q.device;
        using var scope = NewDisposeScope();
        var mask = tensor(hidden, [blocks.Count, rows, widest], device: device);
        Tensor qs = Rows(q, queries, rows), ks = Rows(k, keys, widest), vs = Rows(v, keys, widest);
        var scores = (qs.matmul(ks.transpose(-1, -2)) * scale).masked_fill(mask, double.NegativeInfinity);
        scores = scores.to(scores.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
        // Queries without keys: any finite number in place of their −∞ lets the gradients be zeros.
        var empty = mask.all(-1, keepdim: true);
        scores = scores.masked_fill(empty, 0);
        var logSum = scores.logsumexp(-1);
        var output = (scores - logSum.unsqueeze(-1)).exp().to(vs.dtype).matmul(vs);
        output = Back(output, 0);
        logSum = Back(logSum.unsqueeze(-1), double.NegativeInfinity).squeeze(-1);
        return (output.MoveToOuterDisposeScope(), logSum.MoveToOuterDisposeScope());

        Tensor Rows(Tensor x, long[] positions, long count) => x.index_select(2, tensor(positions, device: device))
            .reshape(x.shape[0], x.shape[1], blocks.Count, count, x.shape[3]);

        Tensor Back(Tensor x, double nothing)
        {
            var flat = x.flatten(2, 3);
            var none = full([flat.shape[0], flat.shape[1], 1, flat.shape[3]], nothing, flat.dtype, device);
            return cat([flat, none], 2).index_select(2, tensor(places, device: device));
        }
    }
}
