using System.Numerics;
using System.Runtime.InteropServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Attention;

/// <summary>Cuts attention into shares of work, and has threads do them. Cuts depend on the number of threads, bits don't.</summary>
internal static unsafe class CpuAttention<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    // Pairs of queries and keys, of 64 features, below which a thread's start takes longer than its share.
    private const long WorthThread = 1 << 14;

    // Shares that a thread gets to take, so that long ones even out.
    private const int SharesPerThread = 6;

    private static ScalarType Type => typeof(T) == typeof(float) ? ScalarType.Float32 : ScalarType.Float64;

    /// <summary>A share of the work.</summary>
    private readonly record struct Share(long Head, (int From, int To) Groups, (int From, int To) Queries, (int From, int To) Keys,
        AttentionGradients Wanted);

    public static (Tensor Output, Tensor LogSum) Forward(KernelCall call, RangePlan[] heads, T scale)
    {
        Tensor q = call[0], k = call[1], v = call[2];
        Tensor output = zeros(v.shape, Type), logSum = full(v.shape[..3], double.NegativeInfinity, Type), sum = zeros(v.shape[..3], Type);
        using Pinned<T> pq = Pinned<T>.Of(q, nameof(q)), pk = Pinned<T>.Of(k, nameof(k)), pv = Pinned<T>.Of(v, nameof(v)),
            po = Pinned<T>.Of(output, nameof(output)), pl = Pinned<T>.Of(logSum, nameof(logSum)), ps = Pinned<T>.Of(sum, nameof(sum));
        var x = Operands(q, v, scale) with
        {
            Q = pq.Pointer,
            K = pk.Pointer,
            V = pv.Pointer,
            Output = po.Pointer,
            LogSum = pl.Pointer,
            Sum = ps.Pointer,
        };
        var threads = Threads(q, heads);
        var batch = q.shape[0];
        for (var p = 0; p < Count(heads); p++)
            Run(threads, ForwardShares(heads, p, batch, threads), AttentionForward<T>.Scratch(x.Width, x.ValueWidth), (share, scratch) =>
                Lanes.Run<T, AttentionForward<T>>(new(x.Head(share.Head), heads[share.Head % heads.Length].Parts[p], share.Groups,
                    share.Queries, scratch)));
        Rows(threads, sum.numel(), (from, to) => Lanes.Run<T, AttentionFinish<T>>(new(x, (from, to))));
        return (output, logSum);
    }

    public static Tensor?[] Backward(KernelCall call, RangePlan[] heads, T scale, Tensor byOutput)
    {
        Tensor q = call[0], k = call[1], v = call[2], output = call.Saved(0), logSum = call.Saved(1);
        Tensor byQ = zeros(q.shape, Type), byK = zeros(k.shape, Type), byV = zeros(v.shape, Type), delta = empty(v.shape[..3], Type);
        using Pinned<T> pq = Pinned<T>.Of(q, nameof(q)), pk = Pinned<T>.Of(k, nameof(k)), pv = Pinned<T>.Of(v, nameof(v)),
            po = Pinned<T>.Of(output, nameof(output)), pl = Pinned<T>.Of(logSum, nameof(logSum)),
            pg = Pinned<T>.Of(byOutput, nameof(byOutput)), pd = Pinned<T>.Of(delta, nameof(delta)),
            gq = Pinned<T>.Of(byQ, nameof(byQ)), gk = Pinned<T>.Of(byK, nameof(byK)), gv = Pinned<T>.Of(byV, nameof(byV));
        var x = Operands(q, v, scale) with
        {
            Q = pq.Pointer,
            K = pk.Pointer,
            V = pv.Pointer,
            Output = po.Pointer,
            LogSum = pl.Pointer,
            ByOutput = pg.Pointer,
            ByQ = gq.Pointer,
            ByK = gk.Pointer,
            ByV = gv.Pointer,
            Delta = pd.Pointer,
        };
        var threads = Threads(q, heads);
        var batch = q.shape[0];
        Rows(threads, delta.numel(), (from, to) => Lanes.Run<T, AttentionDelta<T>>(new(x, (from, to))));
        for (var p = 0; p < Count(heads); p++)
            Run(threads, BackwardShares(heads, p, batch, threads), AttentionBackward<T>.Scratch(x.Width, x.ValueWidth), (share, scratch) =>
                Lanes.Run<T, AttentionBackward<T>>(new(x.Head(share.Head), heads[share.Head % heads.Length].Parts[p], share.Groups,
                    share.Queries, share.Keys, share.Wanted, scratch)));
        return [byQ, byK, byV];
    }

    private static AttentionOperands<T> Operands(Tensor q, Tensor v, T scale) =>
        new() { Length = q.shape[2], Width = (int)q.shape[3], ValueWidth = (int)v.shape[3], Scale = scale };

    private static int Count(RangePlan[] heads) => heads.Select(h => h.Parts.Count).DefaultIfEmpty().Max();

    private static int Threads(Tensor q, RangePlan[] heads) =>
        WorkerThreads.Worth(q.shape[0] * heads.Sum(h => h.PairCount) * q.shape[3] / 64, WorthThread);

    private static List<Share> ForwardShares(RangePlan[] heads, int number, long batch, int threads)
    {
        var shares = new List<Share>();
        foreach (var (head, part, pieces) in Parts(heads, number, batch, threads))
            if (part.Groups >= pieces)
                for (var i = 0; i < pieces; i++)
                    shares.Add(new(head, Cut(part.Groups, i, pieces), (0, int.MaxValue), default, default));
            else
                for (var g = 0; g < part.Groups; g++)
                    foreach (var range in Cuts(part.QueryStarts[g + 1] - part.QueryStarts[g], AttentionTiles.Queries, pieces / part.Groups))
                        shares.Add(new(head, (g, g + 1), range, default, default));
        return shares;
    }

    private static List<Share> BackwardShares(RangePlan[] heads, int number, long batch, int threads)
    {
        (int, int) all = (0, int.MaxValue);
        var shares = new List<Share>();
        foreach (var (head, part, pieces) in Parts(heads, number, batch, threads))
        {
            // Where there are groups enough for all threads, none is computed twice.
            var few = threads > 1 && batch * heads.Length * part.Groups < 2 * threads;
            if (!few)
                for (var i = 0; i < Math.Min(pieces, part.Groups); i++)
                    shares.Add(new(head, Cut(part.Groups, i, Math.Min(pieces, part.Groups)), all, all, AttentionGradients.All));
            else
                for (var g = 0; g < part.Groups; g++)
                {
                    foreach (var range in Cuts(part.QueryStarts[g + 1] - part.QueryStarts[g], AttentionTiles.Queries, pieces))
                        shares.Add(new(head, (g, g + 1), range, all, AttentionGradients.ByQueries));
                    foreach (var range in Cuts(part.KeyStarts[g + 1] - part.KeyStarts[g], AttentionTiles.Keys, pieces))
                        shares.Add(new(head, (g, g + 1), all, range, AttentionGradients.ByKeys));
                }
        }
        return shares;
    }

    // The part of a number of each head that has it, and into how many pieces it is to be cut.
    private static IEnumerable<(long Head, RangePart Part, int Pieces)> Parts(RangePlan[] heads, int number, long batch, int threads)
    {
        var all = batch * heads.Length;
        var pieces = threads == 1 ? 1 : (int)Math.Max(1, threads * SharesPerThread / all);
        for (var head = 0L; head < all; head++)
            if (heads[head % heads.Length].Parts is var parts && number < parts.Count && parts[number].Groups > 0)
                yield return (head, parts[number], pieces);
    }

    private static (int From, int To) Cut(int count, int index, int pieces) =>
        ((int)((long)count * index / pieces), (int)((long)count * (index + 1) / pieces));

    // Pieces that begin at multiples of a size.
    private static IEnumerable<(int From, int To)> Cuts(int count, int size, int pieces)
    {
        var blocks = (count + size - 1) / size;
        pieces = Math.Clamp(pieces, 1, Math.Max(1, blocks));
        return Enumerable.Range(0, pieces).Select(i => Cut(blocks, i, pieces)).Select(b => (b.From * size, Math.Min(count, b.To * size)));
    }

    private delegate void Work(Share share, T* scratch);

    private static void Run(int threads, List<Share> shares, long scratch, Work work)
    {
        var next = -1;
        WorkerThreads.Run(Math.Clamp(shares.Count, 1, threads), _ =>
        {
            var memory = (T*)NativeMemory.AlignedAlloc((nuint)(scratch * sizeof(T)), 64);
            try
            {
                for (int i; (i = Interlocked.Increment(ref next)) < shares.Count;) work(shares[i], memory);
            }
            finally { NativeMemory.AlignedFree(memory); }
        });
    }

    private static void Rows(int threads, long rows, Action<long, long> range) => WorkerThreads.Run(threads, rows, range);
}
