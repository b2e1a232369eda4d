using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchZoo.Kernels.Attention.AttentionTiles;

namespace TorchZoo.Kernels.Attention;

/// <summary>
/// The forward pass of some groups, or of some queries of one, continuing from what earlier parts have left: block of keys after block of
/// keys, in each all queries that see any of it, six at a time. Output, largest score and sum are kept up to date (Milakov and Gimelshein
/// 2018, arXiv 1805.02867).
/// </summary>
/// <param name="x">Of one head.</param>
/// <param name="part">The part.</param>
/// <param name="groups">Its groups, from the first to before the second.</param>
/// <param name="queries">Their queries, at multiples of <see cref="Queries"/>.</param>
/// <param name="scratch">Memory of <see cref="Scratch"/> numbers.</param>
internal readonly unsafe struct AttentionForward<T>(AttentionOperands<T> x, RangePart part, (int From, int To) groups,
    (int From, int To) queries, T* scratch) : ILanesKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // At most 64 bytes of padding in a row.
    public static long Scratch(int width, int valueWidth)
    {
        long d = width + 64, e = valueWidth + 64;
        return TileProduct.Rows * (d + e + Keys) + Keys * (d + e);
    }

    public void Run<V>() where V : struct, ILanes<V, T>
    {
        int d = Padded<V, T>(x.Width), e = Padded<V, T>(x.ValueWidth);
        T* q = scratch, o = q + TileProduct.Rows * d, scores = o + TileProduct.Rows * e, kT = scores + TileProduct.Rows * Keys,
            v = kT + Keys * d;
        fixed (int* allQueries = part.Queries, allKeys = part.Keys, allLow = part.Low, allHigh = part.High)
            for (var g = groups.From; g < groups.To; g++)
            {
                int first = part.QueryStarts[g], keys = part.KeyStarts[g + 1] - part.KeyStarts[g],
                    from = queries.From, to = Math.Min(queries.To, part.QueryStarts[g + 1] - first);
                if (from >= to) continue;
                int* low = allLow + first, high = allHigh + first, query = allQueries + first, key = allKeys + part.KeyStarts[g];
                for (var k = low[from] / Keys * Keys; k < high[to - 1]; k += Keys)
                {
                    var count = Math.Min(Keys, keys - k);
                    PackTransposed(x.K, x.Width, key + k, count, kT);
                    Pack<V, T>(x.V, x.ValueWidth, key + k, count, v, e, Keys, T.One);
                    int begin = FirstAbove(high, from, to, k) / TileProduct.Rows * TileProduct.Rows,
                        end = FirstAbove(low, from, to, k + count - 1);
                    for (var t = Math.Max(from, begin); t < end; t += TileProduct.Rows)
                        Tile<V>(query + t, low + t, high + t, Math.Min(TileProduct.Rows, to - t), k, count, q, kT, v, scores, o, d, e);
                }
            }
    }

    [MethodImpl(Loop)]
    private void Tile<V>(int* query, int* low, int* high, int rows, int k, int count, T* q, T* kT, T* v, T* scores, T* o, int d, int e)
        where V : struct, ILanes<V, T>
    {
        // The keys that any of these sees, in whole registers.
        int from = Math.Max(low[0] - k, 0) / V.Count * V.Count,
            to = (Math.Min(high[rows - 1] - k, count) + V.Count - 1) / V.Count * V.Count;
        if (from >= to) return;
        Pack<V, T>(x.Q, x.Width, query, rows, q, d, TileProduct.Rows, x.Scale);
        TileProduct.Run<V, T>((to - from) / V.Count, x.Width, q, d, 1, kT + from, Keys, scores + from, Keys, false);
        var factors = stackalloc T[TileProduct.Rows];
        for (var r = 0; r < TileProduct.Rows; r++)
        {
            var row = scores + r * Keys;
            factors[r] = T.One;
            var (l, h) = r < rows ? (Math.Max(low[r] - k, 0), Math.Min(high[r] - k, count)) : (0, 0);
            if (l < h)
            {
                Hide(row, from, to, l, h);
                factors[r] = Softmax<V>(row, from, to, x.LogSum + query[r], x.Sum + query[r]);
            }
            else new Span<T>(row + from, to - from).Clear();
        }
        for (var r = 0; r < rows; r++) Scaled<V>(x.Output + (long)query[r] * x.ValueWidth, factors[r], o + r * e);
        TileProduct.Run<V, T>(e / V.Count, to - from, scores + from, Keys, 1, v + from * e, e, o, e, true);
        for (var r = 0; r < rows; r++) Keep<V>(o + r * e, x.Output + (long)query[r] * x.ValueWidth);
    }

    // Scores become exp(score − largest). Returns by what earlier sums are to be multiplied.
    [MethodImpl(Loop)]
    private static T Softmax<V>(T* scores, int from, int to, T* largest, T* sum) where V : struct, ILanes<V, T>
    {
        var top = V.Create(*largest);
        for (var j = from; j < to; j += V.Count) top = V.Max(top, V.Load(scores + j));
        var most = top.Largest();
        // So far no score is a number above −∞: what a softmax over them alone is, is not asked yet.
        var shift = most == T.NegativeInfinity ? V.Zero : V.Create(most);
        var total = V.Zero;
        for (var j = from; j < to; j += V.Count)
        {
            var p = VectorMath.Exp<V, T>(V.Load(scores + j) - shift);
            p.Store(scores + j);
            total += p;
        }
        var factor = most == *largest ? T.One : T.Exp(*largest - most);
        *sum = *sum * factor + total.Sum();
        *largest = most;
        return factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Scaled<V>(T* from, T factor, T* to) where V : struct, ILanes<V, T>
    {
        var times = V.Create(factor);
        var j = 0;
        for (; j + V.Count <= x.ValueWidth; j += V.Count) (V.Load(from + j) * times).Store(to + j);
        if (j < x.ValueWidth) (V.LoadPart(from + j, x.ValueWidth - j) * times).Store(to + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Keep<V>(T* from, T* to) where V : struct, ILanes<V, T>
    {
        var j = 0;
        for (; j + V.Count <= x.ValueWidth; j += V.Count) V.Load(from + j).Store(to + j);
        if (j < x.ValueWidth) V.Load(from + j).StorePart(to + j, x.ValueWidth - j);
    }
}

/// <summary>After the last part: outputs are divided by their sums, and the log-sum-exp takes the largest score's place.</summary>
/// <param name="x">All heads.</param>
/// <param name="rows">Rows of all of them, from the first to before the second.</param>
internal readonly unsafe struct AttentionFinish<T>(AttentionOperands<T> x, (long From, long To) rows) : ILanesKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(Loop)]
    public void Run<V>() where V : struct, ILanes<V, T>
    {
        for (var i = rows.From; i < rows.To; i++)
        {
            var sum = x.Sum[i];
            x.LogSum[i] += T.Log(sum);
            // A row without keys: 0, and not 0 / 0.
            if (sum == T.Zero && x.LogSum[i] == T.NegativeInfinity) sum = T.One;
            var share = V.Create(T.One / sum);
            T* row = x.Output + i * x.ValueWidth;
            var j = 0;
            for (; j + V.Count <= x.ValueWidth; j += V.Count) (V.Load(row + j) * share).Store(row + j);
            if (j < x.ValueWidth) (V.LoadPart(row + j, x.ValueWidth - j) * share).StorePart(row + j, x.ValueWidth - j);
        }
    }
}
