using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;

namespace TorchZoo.Kernels.Attention;

/// <summary>
/// What both passes do with tiles. A tile is a block of keys by a few queries, both at multiples of a fixed size from the group's first,
/// whoever computes it: so the bits don't depend on how the work was cut.
/// </summary>
internal static unsafe class AttentionTiles
{
    /// <summary>Keys of a block. Packed twice with 64 features it is 48 KB in float32.</summary>
    public const int Keys = 96;

    /// <summary>Queries of a tile of the backward pass: as many make the sums by keys worth a trip to memory.</summary>
    public const int Queries = 8 * TileProduct.Rows;

    public const MethodImplOptions Loop = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>A width in whole registers.</summary>
    public static int Padded<V, T>(int width) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        (width + V.Count - 1) / V.Count * V.Count;

    /// <summary>Rows at the given positions, times a factor, into contiguous rows with zeros up to their padded width, and rows of zeros
    /// behind them.</summary>
    [MethodImpl(Loop)]
    public static void Pack<V, T>(T* from, int width, int* positions, int count, T* to, int padded, int rows, T factor)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var times = V.Create(factor);
        for (var i = 0; i < count; i++, to += padded)
        {
            var row = from + (long)positions[i] * width;
            var j = 0;
            for (; j + V.Count <= width; j += V.Count) (V.Load(row + j) * times).Store(to + j);
            if (j < width) (V.LoadPart(row + j, width - j) * times).Store(to + j);
        }
        new Span<T>(to, (rows - count) * padded).Clear();
    }

    /// <summary>Rows at the given positions as columns of a matrix of <see cref="Keys"/> columns, zeros behind them.</summary>
    [MethodImpl(Loop)]
    public static void PackTransposed<T>(T* from, int width, int* positions, int count, T* to) where T : unmanaged
    {
        // Four rows at once: a line of the result is written in pieces of 16 bytes or more.
        var i = 0;
        for (; i + 4 <= count; i += 4)
        {
            T* a = from + (long)positions[i] * width, b = from + (long)positions[i + 1] * width,
                c = from + (long)positions[i + 2] * width, d = from + (long)positions[i + 3] * width, column = to + i;
            for (var j = 0; j < width; j++, column += Keys)
            {
                column[0] = a[j];
                column[1] = b[j];
                column[2] = c[j];
                column[3] = d[j];
            }
        }
        for (; i < count; i++)
            for (var j = 0; j < width; j++) to[j * Keys + i] = from[(long)positions[i] * width + j];
        for (; i < Keys; i++)
            for (var j = 0; j < width; j++) to[j * Keys + i] = default;
    }

    /// <summary>target += factor · rows, at the given positions.</summary>
    [MethodImpl(Loop)]
    public static void Add<V, T>(T* rows, int padded, T* target, int width, int* positions, int count, T factor)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var times = V.Create(factor);
        for (var i = 0; i < count; i++, rows += padded)
        {
            var row = target + (long)positions[i] * width;
            var j = 0;
            for (; j + V.Count <= width; j += V.Count) V.MultiplyAdd(times, V.Load(rows + j), V.Load(row + j)).Store(row + j);
            if (j < width) V.MultiplyAdd(times, V.Load(rows + j), V.LoadPart(row + j, width - j)).StorePart(row + j, width - j);
        }
    }

    /// <summary>Scores of keys that a query doesn't see become −∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Hide<T>(T* scores, int from, int to, int low, int high) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (; from < low; from++) scores[from] = T.NegativeInfinity;
        for (from = Math.Max(from, high); from < to; from++) scores[from] = T.NegativeInfinity;
    }

    /// <summary>The first number from <paramref name="from"/> to before <paramref name="to"/> at which a list that never decreases exceeds
    /// a bound; else <paramref name="to"/>.</summary>
    public static int FirstAbove(int* list, int from, int to, int bound)
    {
        while (from < to)
        {
            var middle = from + (to - from) / 2;
            if (list[middle] > bound) to = middle;
            else from = middle + 1;
        }
        return from;
    }
}
