using TorchZoo.Kernels.Attention;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// A factorised attention pattern (section 4): which positions j ≤ i each position i attends to. The stride need not divide the length:
/// the last chunk or column is shorter then.
/// </summary>
public sealed class AttentionPattern
{
    private readonly RangePlan?[] _plans;

    private AttentionPattern(AttentionPatternKind kind, int length, int stride, int summaryWidth, int summaryBlocks)
    {
        if (length < 1) throw new ArgumentException($"expected a length of at least 1, got {length}", nameof(length));
        if (stride < 1) throw new ArgumentException($"expected a stride of at least 1, got {stride}", nameof(stride));
        if (summaryWidth < 1 || summaryWidth > stride)
            throw new ArgumentException($"expected 1 to {stride} summary columns, got {summaryWidth}", nameof(summaryWidth));
        if (summaryBlocks < 1 || (long)summaryBlocks * summaryWidth > stride)
            throw new ArgumentException(
                $"expected 1 to {stride / summaryWidth} blocks of {summaryWidth} columns in chunks of {stride}, got {summaryBlocks}",
                nameof(summaryBlocks));
        (Kind, Length, Stride, SummaryWidth, SummaryBlocks) = (kind, length, stride, summaryWidth, summaryBlocks);
        _plans = new RangePlan?[summaryBlocks];
    }

    /// <summary>Which it is.</summary>
    public AttentionPatternKind Kind { get; }

    /// <summary>n, positions of the sequence.</summary>
    public int Length { get; }

    /// <summary>l, about √n.</summary>
    public int Stride { get; }

    /// <summary>c, summary columns of a chunk.</summary>
    public int SummaryWidth { get; }

    /// <summary>Blocks of c columns, from the end of the chunk, that heads take in turns: head h has block h mod that.</summary>
    public int SummaryBlocks { get; }

    /// <summary>Pairs of a position and one that it attends to, in head 0.</summary>
    public long PairCount => PlanOf(0).PairCount;

    /// <summary>All earlier positions.</summary>
    /// <param name="length">n</param>
    /// <exception cref="ArgumentException">A number is out of its range; so for all patterns.</exception>
    public static AttentionPattern Causal(int length) => new(AttentionPatternKind.Causal, length, 1, 1, 1);

    /// <summary>The first part of strided attention: the last l positions.</summary>
    /// <param name="length">n</param>
    /// <param name="stride">l</param>
    public static AttentionPattern Local(int length, int stride) => new(AttentionPatternKind.Local, length, stride, 1, 1);

    /// <summary>The second part of strided attention: every l-th position.</summary>
    /// <inheritdoc cref="Local"/>
    public static AttentionPattern Strided(int length, int stride) => new(AttentionPatternKind.Strided, length, stride, 1, 1);

    /// <summary>Both parts of strided attention in one softmax.</summary>
    /// <inheritdoc cref="Local"/>
    public static AttentionPattern StridedMerged(int length, int stride) => new(AttentionPatternKind.StridedMerged, length, stride, 1, 1);

    /// <summary>The first part of fixed attention: the own chunk.</summary>
    /// <inheritdoc cref="Local"/>
    public static AttentionPattern FixedLocal(int length, int stride) => new(AttentionPatternKind.FixedLocal, length, stride, 1, 1);

    /// <summary>The second part of fixed attention: the summary columns.</summary>
    /// <param name="length">n</param>
    /// <param name="stride">l</param>
    /// <param name="summaryWidth">c, from 1 to l.</param>
    /// <param name="summaryBlocks">Blocks of c columns that heads take in turns; together no more than l columns.</param>
    public static AttentionPattern FixedSummary(int length, int stride, int summaryWidth, int summaryBlocks = 1) =>
        new(AttentionPatternKind.FixedSummary, length, stride, summaryWidth, summaryBlocks);

    /// <summary>Both parts of fixed attention in one softmax.</summary>
    /// <inheritdoc cref="FixedSummary"/>
    public static AttentionPattern Fixed(int length, int stride, int summaryWidth, int summaryBlocks = 1) =>
        new(AttentionPatternKind.Fixed, length, stride, summaryWidth, summaryBlocks);

    /// <summary>The same pattern of a sequence of another length.</summary>
    public AttentionPattern WithLength(int length) => length == Length ? this : new(Kind, length, Stride, SummaryWidth, SummaryBlocks);

    /// <summary>Whether position i attends to position j: the definition.</summary>
    /// <param name="query">i, any number from 0; it may lie beyond the length.</param>
    /// <param name="key">j</param>
    /// <param name="head">Number of the head.</param>
    public bool Contains(int query, int key, int head = 0)
    {
        int i = query, j = key, l = Stride;
        if (j < 0 || j > i) return false;
        return Kind switch
        {
            AttentionPatternKind.Local => i - j < l,
            AttentionPatternKind.Strided => (i - j) % l == 0,
            AttentionPatternKind.FixedLocal => j / l == i / l,
            AttentionPatternKind.FixedSummary => IsSummary(j, head),
            AttentionPatternKind.Fixed => j / l == i / l || IsSummary(j, head),
            AttentionPatternKind.StridedMerged => i - j < l || (i - j) % l == 0,
            _ => true,
        };
    }

    /// <summary>The positions that one attends to, in order. It takes time in proportion to their number.</summary>
    /// <param name="query">i</param>
    /// <param name="head">Number of the head.</param>
    public IReadOnlyList<int> Keys(int query, int head = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(query);
        ArgumentOutOfRangeException.ThrowIfNegative(head);
        int i = query, l = Stride, chunk = i / l * l, band = Math.Max(0, i - l + 1);
        return Kind switch
        {
            AttentionPatternKind.Local => [.. From(band)],
            AttentionPatternKind.Strided => [.. Every(i % l, i)],
            AttentionPatternKind.FixedLocal => [.. From(chunk)],
            AttentionPatternKind.FixedSummary => [.. Summary(i, head)],
            AttentionPatternKind.Fixed => [.. Summary(chunk - 1, head), .. From(chunk)],
            AttentionPatternKind.StridedMerged => [.. Every(i % l, band - 1), .. From(band)],
            _ => [.. From(0)],
        };

        IEnumerable<int> From(int first) => Enumerable.Range(first, i - first + 1);

        IEnumerable<int> Every(int first, int last)
        {
            for (var j = first; j <= last; j += l) yield return j;
        }
    }

    /// <summary>The last position that attends to one: from then on no generator needs it. <see cref="int.MaxValue"/>: there is always
    /// another.</summary>
    /// <param name="key">j</param>
    /// <param name="head">Number of the head.</param>
    /// <returns>−1: none ever does.</returns>
    public int LastQuery(int key, int head = 0) => Kind switch
    {
        AttentionPatternKind.Local => key + Stride - 1,
        AttentionPatternKind.FixedLocal => (key / Stride + 1) * Stride - 1,
        AttentionPatternKind.FixedSummary => IsSummary(key, head) ? int.MaxValue : -1,
        AttentionPatternKind.Fixed => IsSummary(key, head) ? int.MaxValue : (key / Stride + 1) * Stride - 1,
        _ => int.MaxValue,
    };

    /// <summary>The pattern as a matrix, true where position i (row) attends to position j (column): (n, n). For pictures, and to test
    /// against.</summary>
    /// <param name="head">Number of the head.</param>
    public Tensor ToMask(int head = 0)
    {
        var mask = new bool[(long)Length * Length];
        for (var i = 0; i < Length; i++)
            for (var j = 0; j <= i; j++) mask[(long)i * Length + j] = Contains(i, j, head);
        return tensor(mask, [Length, Length]);
    }

    /// <summary>The pattern as the framework's attention kernel takes it.</summary>
    /// <param name="head">Number of the head.</param>
    public RangePlan PlanOf(int head)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(head);
        ref var plan = ref _plans[head % SummaryBlocks];
        return plan ??= new RangePlan(Parts(head % SummaryBlocks).Where(p => p.PairCount > 0).ToList());
    }

    private IEnumerable<RangePart> Parts(int head)
    {
        int n = Length, l = Stride;
        switch (Kind)
        {
            case AttentionPatternKind.Causal:
                yield return new([RangeGroup.Triangle(All())]);
                break;
            case AttentionPatternKind.Local:
                yield return new([RangeGroup.Band(All(), l)]);
                break;
            case AttentionPatternKind.Strided:
                // Of each residue class, a causal attention of its own.
                yield return new([.. Columns().Select(c => RangeGroup.Triangle(c))]);
                break;
            case AttentionPatternKind.StridedMerged:
                yield return new([RangeGroup.Band(All(), l)]);
                // The diagonal is in the band, and nothing else.
                yield return new([.. Columns().Select(c => RangeGroup.Triangle(c, diagonal: false))]);
                break;
            case AttentionPatternKind.FixedLocal:
                yield return Chunks();
                break;
            case AttentionPatternKind.FixedSummary:
                yield return Summaries(i => i);
                break;
            case AttentionPatternKind.Fixed:
                yield return Chunks();
                // Those of the own chunk are in it already.
                yield return Summaries(i => i / l * l - 1);
                break;
        }

        int[] All() => [.. Enumerable.Range(0, n)];

        IEnumerable<int[]> Columns() => Enumerable.Range(0, Math.Min(l, n))
            .Select(r => Enumerable.Range(0, (n - r + l - 1) / l).Select(t => r + t * l).ToArray());

        RangePart Chunks() => new([.. All().Chunk(l).Select(c => RangeGroup.Triangle(c))]);

        // All that begins with the first query that has any.
        RangePart Summaries(Func<int, int> last)
        {
            int[] columns = [.. Summary(n - 1, head)], queries = [.. All().Where(i => columns.Length > 0 && last(i) >= columns[0])];
            var high = new int[queries.Length];
            for (int t = 0, u = 0; t < queries.Length; t++)
            {
                while (u < columns.Length && columns[u] <= last(queries[t])) u++;
                high[t] = u;
            }
            return new([new(queries, columns, new int[queries.Length], high)]);
        }
    }

    // Offset of a head's summary columns in a chunk.
    private int FirstSummary(int head) => Stride - (head % SummaryBlocks + 1) * SummaryWidth;

    private bool IsSummary(int key, int head) => key % Stride - FirstSummary(head) is var column && column >= 0 && column < SummaryWidth;

    // The summary columns up to a position.
    private IEnumerable<int> Summary(int last, int head)
    {
        for (var chunk = FirstSummary(head); chunk <= last; chunk += Stride)
            for (var j = chunk; j < chunk + SummaryWidth && j <= last; j++) yield return j;
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        AttentionPatternKind.Causal => $"Causal, n = {Length}",
        AttentionPatternKind.Fixed or AttentionPatternKind.FixedSummary => $"{Kind}, n = {Length}, l = {Stride}, c = {SummaryWidth}",
        _ => $"{Kind}, n = {Length}, l = {Stride}",
    };
}
