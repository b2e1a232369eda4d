using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchZoo.Kernels.Attention.AttentionTiles;

namespace TorchZoo.Kernels.Attention;

/// <summary>What a share of the backward pass computes. All at once takes five products a tile; in two halves, which may be cut finer,
/// seven. The bits are the same.</summary>
[Flags]
internal enum AttentionGradients
{
    ByQueries = 1,
    ByKeys = 2,
    All = ByQueries | ByKeys,
}

/// <summary>
/// The backward pass of some groups, or of some queries or keys of one: the shares P = exp(score − log-sum-exp) are computed again, and
/// with D = Σ output · gradient: dV = Pᵀ dO, dS = P ∘ (dO Vᵀ − D), dQ = scale · dS K, dK = scale · dSᵀ Q. Gradients are added to.
/// </summary>
/// <param name="x">Of one head.</param>
/// <param name="part">The part.</param>
/// <param name="groups">Its groups, from the first to before the second.</param>
/// <param name="queries">Their queries, at multiples of <see cref="Queries"/>; for gradients by keys, all.</param>
/// <param name="keys">Their keys, at multiples of <see cref="Keys"/>; for gradients by queries, all.</param>
/// <param name="wanted">Which gradients.</param>
/// <param name="scratch">Memory of <see cref="Scratch"/> numbers.</param>
internal readonly unsafe struct AttentionBackward<T>(AttentionOperands<T> x, RangePart part, (int From, int To) groups,
    (int From, int To) queries, (int From, int To) keys, AttentionGradients wanted, T* scratch) : ILanesKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static long Scratch(int width, int valueWidth)
    {
        long d = width + 64, e = valueWidth + 64;
        return Queries * (d + e + 2 * Keys) + Keys * (3 * d + 2 * e) + TileProduct.Rows * d;
    }

    public void Run<V>() where V : struct, ILanes<V, T>
    {
        int d = Padded<V, T>(x.Width), e = Padded<V, T>(x.ValueWidth);
        var w = new Workspace(scratch, d, e);
        fixed (int* allQueries = part.Queries, allKeys = part.Keys, allLow = part.Low, allHigh = part.High)
            for (var g = groups.From; g < groups.To; g++)
            {
                int first = part.QueryStarts[g], keyCount = part.KeyStarts[g + 1] - part.KeyStarts[g],
                    from = queries.From, to = Math.Min(queries.To, part.QueryStarts[g + 1] - first);
                if (from >= to) continue;
                int* low = allLow + first, high = allHigh + first, query = allQueries + first, key = allKeys + part.KeyStarts[g];
                for (var k = Math.Max(keys.From, low[from] / Keys * Keys); k < Math.Min(keys.To, high[to - 1]); k += Keys)
                {
                    var count = Math.Min(Keys, keyCount - k);
                    int begin = FirstAbove(high, from, to, k) / Queries * Queries, end = FirstAbove(low, from, to, k + count - 1);
                    if (begin >= end) continue;
                    Pack<V, T>(x.K, x.Width, key + k, count, w.K, d, Keys, T.One);
                    PackTransposed(x.K, x.Width, key + k, count, w.KT);
                    PackTransposed(x.V, x.ValueWidth, key + k, count, w.VT);
                    new Span<T>(w.ByK, Keys * d).Clear();
                    new Span<T>(w.ByV, Keys * e).Clear();
                    for (var t = Math.Max(from, begin); t < end; t += Queries)
                        Tile<V>(w, query + t, low + t, high + t, Math.Min(Queries, to - t), k, count, d, e);
                    if (!wanted.HasFlag(AttentionGradients.ByKeys)) continue;
                    // The queries were packed with the scale.
                    Add<V, T>(w.ByK, d, x.ByK, x.Width, key + k, count, T.One);
                    Add<V, T>(w.ByV, e, x.ByV, x.ValueWidth, key + k, count, T.One);
                }
            }
    }

    [MethodImpl(Loop)]
    private void Tile<V>(Workspace w, int* query, int* lows, int* highs, int rows, int k, int count, int d, int e)
        where V : struct, ILanes<V, T>
    {
        // Ranges in the block; behind the last query there are none, at the block's end, so that ends never decrease.
        int* low = stackalloc int[Queries], high = stackalloc int[Queries];
        for (var r = 0; r < Queries; r++)
        {
            low[r] = r < rows ? Math.Clamp(lows[r] - k, 0, count) : count;
            high[r] = r < rows ? Math.Clamp(highs[r] - k, 0, count) : count;
        }
        Pack<V, T>(x.Q, x.Width, query, rows, w.Q, d, Queries, x.Scale);
        Pack<V, T>(x.ByOutput, x.ValueWidth, query, rows, w.ByOutput, e, Queries, T.One);
        for (var r = 0; r < Queries; r += TileProduct.Rows)
        {
            T* shares = w.Shares + r * Keys, slopes = w.Slopes + r * Keys;
            int from = Keys, to = 0;
            for (var i = r; i < r + TileProduct.Rows; i++)
                if (low[i] < high[i]) (from, to) = (Math.Min(from, low[i]), high[i]);
            if (from >= to)
            {
                new Span<T>(shares, TileProduct.Rows * Keys).Clear();
                new Span<T>(slopes, TileProduct.Rows * Keys).Clear();
                continue;
            }
            from = from / V.Count * V.Count;
            to = (to + V.Count - 1) / V.Count * V.Count;
            TileProduct.Run<V, T>((to - from) / V.Count, x.Width, w.Q + r * d, d, 1, w.KT + from, Keys, shares + from, Keys, false);
            TileProduct.Run<V, T>((to - from) / V.Count, x.ValueWidth, w.ByOutput + r * e, e, 1, w.VT + from, Keys, slopes + from, Keys,
                false);
            for (var i = 0; i < TileProduct.Rows; i++)
            {
                T* p = shares + i * Keys, s = slopes + i * Keys;
                if (low[r + i] < high[r + i])
                {
                    Hide(p, from, to, low[r + i], high[r + i]);
                    Slopes<V>(p, s, from, to, x.LogSum[query[r + i]], x.Delta[query[r + i]]);
                    Clear(p, from, to);
                    Clear(s, from, to);
                }
                else
                {
                    Clear(p, 0, 0);
                    Clear(s, 0, 0);
                }
            }
            if (!wanted.HasFlag(AttentionGradients.ByQueries)) continue;
            TileProduct.Run<V, T>(d / V.Count, to - from, slopes + from, Keys, 1, w.K + from * d, d, w.ByQ, d, false);
            Add<V, T>(w.ByQ, d, x.ByQ, x.Width, query + r, Math.Min(TileProduct.Rows, rows - r), x.Scale);
        }
        if (!wanted.HasFlag(AttentionGradients.ByKeys)) return;
        int begin = 0, end = 0;
        for (var u = 0; u < count; u += TileProduct.Rows)
        {
            // The queries that see any of these keys.
            while (begin < rows && high[begin] <= u) begin++;
            while (end < rows && low[end] < u + TileProduct.Rows) end++;
            if (begin >= end) continue;
            TileProduct.Run<V, T>(e / V.Count, end - begin, w.Shares + begin * Keys + u, 1, Keys, w.ByOutput + begin * e, e,
                w.ByV + u * e, e, true);
            TileProduct.Run<V, T>(d / V.Count, end - begin, w.Slopes + begin * Keys + u, 1, Keys, w.Q + begin * d, d,
                w.ByK + u * d, d, true);
        }
    }

    // What products left no number in.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear(T* row, int from, int to)
    {
        if (from > 0) new Span<T>(row, from).Clear();
        if (to < Keys) new Span<T>(row + to, Keys - to).Clear();
    }

    // Scores become shares, gradients by shares become gradients by scores.
    [MethodImpl(Loop)]
    private static void Slopes<V>(T* scores, T* gradients, int from, int to, T logSum, T delta) where V : struct, ILanes<V, T>
    {
        V l = V.Create(logSum), d = V.Create(delta);
        for (var j = from; j < to; j += V.Count)
        {
            var p = VectorMath.Exp<V, T>(V.Load(scores + j) - l);
            p.Store(scores + j);
            (p * (V.Load(gradients + j) - d)).Store(gradients + j);
        }
    }

    /// <summary>Parts of the scratch memory. A rest of six keys at a block's end is computed in full.</summary>
    private readonly struct Workspace
    {
        public readonly T* Q, ByOutput, Shares, Slopes, K, KT, VT, ByK, ByV, ByQ;

        public Workspace(T* at, int d, int e)
        {
            Q = at;
            ByOutput = Q + Queries * d;
            Shares = ByOutput + Queries * e;
            Slopes = Shares + Queries * Keys;
            K = Slopes + Queries * Keys;
            KT = K + Keys * d;
            VT = KT + Keys * d;
            ByK = VT + Keys * e;
            ByV = ByK + Keys * d;
            ByQ = ByV + Keys * e;
        }
    }
}

/// <summary>The inner product of each output and its gradient.</summary>
/// <param name="x">All heads.</param>
/// <param name="rows">Rows of all of them, from the first to before the second.</param>
internal readonly unsafe struct AttentionDelta<T>(AttentionOperands<T> x, (long From, long To) rows) : ILanesKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(Loop)]
    public void Run<V>() where V : struct, ILanes<V, T>
    {
        for (var i = rows.From; i < rows.To; i++)
        {
            T* o = x.Output + i * x.ValueWidth, g = x.ByOutput + i * x.ValueWidth;
            var sum = V.Zero;
            var j = 0;
            for (; j + V.Count <= x.ValueWidth; j += V.Count) sum = V.MultiplyAdd(V.Load(o + j), V.Load(g + j), sum);
            if (j < x.ValueWidth) sum = V.MultiplyAdd(V.LoadPart(o + j, x.ValueWidth - j), V.LoadPart(g + j, x.ValueWidth - j), sum);
            x.Delta[i] = sum.Sum();
        }
    }
}
