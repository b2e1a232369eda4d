using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;

namespace TorchZoo.Models.Compression;

/// <summary>
/// The two sums of a sparse layer, over memory laid out by <see cref="SparsePlan"/>: blocks of samples, in each the channels, in each its
/// positions, at each the numbers of a block's samples side by side. One weight meets a vector of samples, or of positions.
/// </summary>
/// <remarks>The running sums stay in registers from a row's first weight to its last: one load and one multiplication for each weight and
/// vector.</remarks>
internal static unsafe class SparseKernels
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    // Registers that are loaded one after the other.
    private const int Group = 4;

    /// <summary>Where the numbers lie that one kind of sum is taken over.</summary>
    /// <param name="Blocks">Blocks of samples.</param>
    /// <param name="Lines">Runs of consecutive numbers in a channel.</param>
    /// <param name="Length">Numbers of a line, a multiple of 64 bytes' worth.</param>
    /// <param name="Unit">Numbers at a position.</param>
    /// <param name="SourceBlock">From a block to the next in the source.</param>
    /// <param name="SourceLine">From a line to the next in the source.</param>
    /// <param name="TargetBlock">From a block to the next in the target.</param>
    /// <param name="TargetRow">From a channel to the next in the target.</param>
    /// <param name="TargetLine">From a line to the next in the target.</param>
    public readonly record struct Strides(long Blocks, long Lines, long Length, long Unit, long SourceBlock, long SourceLine, long TargetBlock,
        long TargetRow, long TargetLine);

    /// <summary>target[r, …] = bias[r] + Σ_{k of row r} values[k] · source[positions[k] + …]</summary>
    public readonly struct Product<T>(Strides at, int first, int last, int* rows, int* positions, T* values, T* bias, T* source, T* target)
        : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(Hot)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            for (long block = 0; block < at.Blocks; block++)
                for (long line = 0; line < at.Lines; line++)
                    for (long i = 0; i < at.Length;)
                    {
                        var vectors = (at.Length - i) / V.Count;
                        var width = vectors >= 8 ? 8 : vectors >= 4 ? 4 : vectors >= 2 ? 2 : 1;
                        var x = source + block * at.SourceBlock + line * at.SourceLine + i;
                        var y = target + block * at.TargetBlock + line * at.TargetLine + i;
                        for (var row = first; row < last; row++)
                        {
                            var (begin, end) = (rows[row], rows[row + 1]);
                            var start = V.Create(bias is null ? T.Zero : bias[row]);
                            var to = y + row * at.TargetRow;
                            if (width == 8) Eight<V>(begin, end, start, x, to);
                            else if (width == 4) Four<V>(begin, end, start, x, to);
                            else if (width == 2) Two<V>(begin, end, start, x, to);
                            else One<V>(begin, end, start, x, to);
                        }
                        i += width * V.Count;
                    }
        }

        [MethodImpl(Hot)]
        private void Eight<V>(int k, int end, V start, T* x, T* y) where V : struct, ILanes<V, T>
        {
            V a0 = start, a1 = start, a2 = start, a3 = start, a4 = start, a5 = start, a6 = start, a7 = start;
            T* weights = values;
            int* sources = positions;
            var unit = at.Unit;
            for (; k < end; k++)
            {
                var w = V.Create(weights[k]);
                var p = x + sources[k] * unit;
                a0 = V.MultiplyAdd(w, V.Load(p), a0);
                a1 = V.MultiplyAdd(w, V.Load(p + V.Count), a1);
                a2 = V.MultiplyAdd(w, V.Load(p + 2 * V.Count), a2);
                a3 = V.MultiplyAdd(w, V.Load(p + 3 * V.Count), a3);
                a4 = V.MultiplyAdd(w, V.Load(p + 4 * V.Count), a4);
                a5 = V.MultiplyAdd(w, V.Load(p + 5 * V.Count), a5);
                a6 = V.MultiplyAdd(w, V.Load(p + 6 * V.Count), a6);
                a7 = V.MultiplyAdd(w, V.Load(p + 7 * V.Count), a7);
            }
            a0.Store(y);
            a1.Store(y + V.Count);
            a2.Store(y + 2 * V.Count);
            a3.Store(y + 3 * V.Count);
            a4.Store(y + 4 * V.Count);
            a5.Store(y + 5 * V.Count);
            a6.Store(y + 6 * V.Count);
            a7.Store(y + 7 * V.Count);
        }

        [MethodImpl(Hot)]
        private void Four<V>(int k, int end, V start, T* x, T* y) where V : struct, ILanes<V, T>
        {
            V a0 = start, a1 = start, a2 = start, a3 = start;
            T* weights = values;
            int* sources = positions;
            var unit = at.Unit;
            for (; k < end; k++)
            {
                var w = V.Create(weights[k]);
                var p = x + sources[k] * unit;
                a0 = V.MultiplyAdd(w, V.Load(p), a0);
                a1 = V.MultiplyAdd(w, V.Load(p + V.Count), a1);
                a2 = V.MultiplyAdd(w, V.Load(p + 2 * V.Count), a2);
                a3 = V.MultiplyAdd(w, V.Load(p + 3 * V.Count), a3);
            }
            a0.Store(y);
            a1.Store(y + V.Count);
            a2.Store(y + 2 * V.Count);
            a3.Store(y + 3 * V.Count);
        }

        [MethodImpl(Hot)]
        private void Two<V>(int k, int end, V start, T* x, T* y) where V : struct, ILanes<V, T>
        {
            V a0 = start, a1 = start;
            T* weights = values;
            int* sources = positions;
            var unit = at.Unit;
            for (; k < end; k++)
            {
                var w = V.Create(weights[k]);
                var p = x + sources[k] * unit;
                a0 = V.MultiplyAdd(w, V.Load(p), a0);
                a1 = V.MultiplyAdd(w, V.Load(p + V.Count), a1);
            }
            a0.Store(y);
            a1.Store(y + V.Count);
        }

        [MethodImpl(Hot)]
        private void One<V>(int k, int end, V start, T* x, T* y) where V : struct, ILanes<V, T>
        {
            var a = start;
            for (; k < end; k++) a = V.MultiplyAdd(V.Create(values[k]), V.Load(x + positions[k] * at.Unit), a);
            a.Store(y);
        }
    }

    /// <summary>byValues[k] = Σ target[r of k, …] · source[positions[k] + …] and byBias[r] = Σ target[r, …]: the derivatives of
    /// <see cref="Product{T}"/> by its weights, the target holding the loss's derivatives by it.</summary>
    /// <remarks>Of so many blocks at a time, <c>together</c>, the sums stay in registers.</remarks>
    public readonly struct Correlation<T>(Strides at, long together, int first, int last, int* rows, int* positions, T* source, T* target,
        T* byValues, T* byBias) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(Hot)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            for (var k = rows[first]; k < rows[last]; k++) byValues[k] = T.Zero;
            if (byBias is not null)
                for (var row = first; row < last; row++) byBias[row] = T.Zero;
            var inGroups = at.Lines == 1 && at.Length % (Group * V.Count) == 0;
            for (long block = 0; block < at.Blocks; block += together)
            {
                var blocks = Math.Min(together, at.Blocks - block);
                for (var row = first; row < last; row++)
                {
                    var x = source + block * at.SourceBlock;
                    var y = target + block * at.TargetBlock + row * at.TargetRow;
                    int k = rows[row], end = rows[row + 1];
                    if (inGroups)
                    {
                        Groups<V>(k, end, blocks, x, y);
                        k = end;
                    }
                    for (; k + 8 <= end; k += 8) Eight<V>(k, blocks, x, y);
                    for (; k + 4 <= end; k += 4) Four<V>(k, blocks, x, y);
                    for (; k < end; k++) One<V>(k, blocks, x, y);
                    if (byBias is not null) byBias[row] += Total<V>(blocks, y);
                }
            }
        }

        // A matrix's: the row of the target stays in registers, and each weight meets the source's numbers in the order in which they lie,
        // which the second-level cache gives more than twice as fast as those of eight weights in turns.
        [MethodImpl(Hot)]
        private void Groups<V>(int k, int end, long blocks, T* x, T* y) where V : struct, ILanes<V, T>
        {
            long size = Group * V.Count, inBlock = at.Length / size, groups = blocks * inBlock;
            for (var g = 0L; g < groups; g += 2)
            {
                var (block, within) = (g / inBlock, g % inBlock * size);
                T* from = x + block * at.SourceBlock + within, to = y + block * at.TargetBlock + within;
                // The next group is in this block, or the first of the next one.
                var (nextX, nextY) = within + size < at.Length ? (size, size) : (at.SourceBlock - within, at.TargetBlock - within);
                if (g + 1 < groups) Pair<V>(k, end, from, nextX, to, nextY);
                else Single<V>(k, end, from, to);
            }
        }

        [MethodImpl(Hot)]
        private void Pair<V>(int k, int end, T* x, long nextX, T* y, long nextY) where V : struct, ILanes<V, T>
        {
            V g0 = V.Load(y), g1 = V.Load(y + V.Count), g2 = V.Load(y + 2 * V.Count), g3 = V.Load(y + 3 * V.Count);
            y += nextY;
            V g4 = V.Load(y), g5 = V.Load(y + V.Count), g6 = V.Load(y + 2 * V.Count), g7 = V.Load(y + 3 * V.Count);
            int* sources = positions;
            T* sums = byValues;
            var unit = at.Unit;
            for (; k + 4 <= end; k += 4)
            {
                T* p0 = x + sources[k] * unit, p1 = x + sources[k + 1] * unit, p2 = x + sources[k + 2] * unit, p3 = x + sources[k + 3] * unit;
                V.AddSums(Dot(p0, g0, g1, g2, g3, p0 + nextX, g4, g5, g6, g7), Dot(p1, g0, g1, g2, g3, p1 + nextX, g4, g5, g6, g7),
                    Dot(p2, g0, g1, g2, g3, p2 + nextX, g4, g5, g6, g7), Dot(p3, g0, g1, g2, g3, p3 + nextX, g4, g5, g6, g7), sums + k);
            }
            for (; k < end; k++)
            {
                var p = x + sources[k] * unit;
                sums[k] += Dot(p, g0, g1, g2, g3, p + nextX, g4, g5, g6, g7).Sum();
            }
        }

        [MethodImpl(Hot)]
        private void Single<V>(int k, int end, T* x, T* y) where V : struct, ILanes<V, T>
        {
            V g0 = V.Load(y), g1 = V.Load(y + V.Count), g2 = V.Load(y + 2 * V.Count), g3 = V.Load(y + 3 * V.Count);
            int* sources = positions;
            T* sums = byValues;
            var unit = at.Unit;
            for (; k + 4 <= end; k += 4)
                V.AddSums(Dot(x + sources[k] * unit, g0, g1, g2, g3), Dot(x + sources[k + 1] * unit, g0, g1, g2, g3),
                    Dot(x + sources[k + 2] * unit, g0, g1, g2, g3), Dot(x + sources[k + 3] * unit, g0, g1, g2, g3), sums + k);
            for (; k < end; k++) sums[k] += Dot(x + sources[k] * unit, g0, g1, g2, g3).Sum();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Dot<V>(T* p, V g0, V g1, V g2, V g3) where V : struct, ILanes<V, T> =>
            V.MultiplyAdd(g2, V.Load(p + 2 * V.Count), g0 * V.Load(p)) +
            V.MultiplyAdd(g3, V.Load(p + 3 * V.Count), g1 * V.Load(p + V.Count));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Dot<V>(T* p, V g0, V g1, V g2, V g3, T* q, V g4, V g5, V g6, V g7) where V : struct, ILanes<V, T>
        {
            V a = g0 * V.Load(p), b = g1 * V.Load(p + V.Count);
            a = V.MultiplyAdd(g2, V.Load(p + 2 * V.Count), a);
            b = V.MultiplyAdd(g3, V.Load(p + 3 * V.Count), b);
            a = V.MultiplyAdd(g4, V.Load(q), a);
            b = V.MultiplyAdd(g5, V.Load(q + V.Count), b);
            a = V.MultiplyAdd(g6, V.Load(q + 2 * V.Count), a);
            return a + V.MultiplyAdd(g7, V.Load(q + 3 * V.Count), b);
        }

        // Eight weights share what is loaded of the target.
        [MethodImpl(Hot)]
        private void Eight<V>(int k, long blocks, T* x, T* y) where V : struct, ILanes<V, T>
        {
            V a0 = V.Zero, a1 = V.Zero, a2 = V.Zero, a3 = V.Zero, a4 = V.Zero, a5 = V.Zero, a6 = V.Zero, a7 = V.Zero;
            long length = at.Length, unit = at.Unit;
            long o0 = positions[k] * unit, o1 = positions[k + 1] * unit, o2 = positions[k + 2] * unit, o3 = positions[k + 3] * unit,
                o4 = positions[k + 4] * unit, o5 = positions[k + 5] * unit, o6 = positions[k + 6] * unit, o7 = positions[k + 7] * unit;
            for (long block = 0; block < blocks; block++)
                for (long line = 0; line < at.Lines; line++)
                {
                    T* from = x + block * at.SourceBlock + line * at.SourceLine, to = y + block * at.TargetBlock + line * at.TargetLine;
                    for (long i = 0; i < length; i += V.Count, from += V.Count)
                    {
                        var g = V.Load(to + i);
                        a0 = V.MultiplyAdd(g, V.Load(from + o0), a0);
                        a1 = V.MultiplyAdd(g, V.Load(from + o1), a1);
                        a2 = V.MultiplyAdd(g, V.Load(from + o2), a2);
                        a3 = V.MultiplyAdd(g, V.Load(from + o3), a3);
                        a4 = V.MultiplyAdd(g, V.Load(from + o4), a4);
                        a5 = V.MultiplyAdd(g, V.Load(from + o5), a5);
                        a6 = V.MultiplyAdd(g, V.Load(from + o6), a6);
                        a7 = V.MultiplyAdd(g, V.Load(from + o7), a7);
                    }
                }
            var sums = byValues + k;
            sums[0] += a0.Sum();
            sums[1] += a1.Sum();
            sums[2] += a2.Sum();
            sums[3] += a3.Sum();
            sums[4] += a4.Sum();
            sums[5] += a5.Sum();
            sums[6] += a6.Sum();
            sums[7] += a7.Sum();
        }

        [MethodImpl(Hot)]
        private void Four<V>(int k, long blocks, T* x, T* y) where V : struct, ILanes<V, T>
        {
            V a0 = V.Zero, a1 = V.Zero, a2 = V.Zero, a3 = V.Zero;
            long length = at.Length, unit = at.Unit;
            long o0 = positions[k] * unit, o1 = positions[k + 1] * unit, o2 = positions[k + 2] * unit, o3 = positions[k + 3] * unit;
            for (long block = 0; block < blocks; block++)
                for (long line = 0; line < at.Lines; line++)
                {
                    T* from = x + block * at.SourceBlock + line * at.SourceLine, to = y + block * at.TargetBlock + line * at.TargetLine;
                    for (long i = 0; i < length; i += V.Count, from += V.Count)
                    {
                        var g = V.Load(to + i);
                        a0 = V.MultiplyAdd(g, V.Load(from + o0), a0);
                        a1 = V.MultiplyAdd(g, V.Load(from + o1), a1);
                        a2 = V.MultiplyAdd(g, V.Load(from + o2), a2);
                        a3 = V.MultiplyAdd(g, V.Load(from + o3), a3);
                    }
                }
            var sums = byValues + k;
            sums[0] += a0.Sum();
            sums[1] += a1.Sum();
            sums[2] += a2.Sum();
            sums[3] += a3.Sum();
        }

        [MethodImpl(Hot)]
        private void One<V>(int k, long blocks, T* x, T* y) where V : struct, ILanes<V, T>
        {
            var a = V.Zero;
            x += positions[k] * at.Unit;
            for (long block = 0; block < blocks; block++)
                for (long line = 0; line < at.Lines; line++)
                {
                    T* from = x + block * at.SourceBlock + line * at.SourceLine, to = y + block * at.TargetBlock + line * at.TargetLine;
                    for (long i = 0; i < at.Length; i += V.Count) a = V.MultiplyAdd(V.Load(to + i), V.Load(from + i), a);
                }
            byValues[k] += a.Sum();
        }

        [MethodImpl(Hot)]
        private T Total<V>(long blocks, T* y) where V : struct, ILanes<V, T>
        {
            var a = V.Zero;
            for (long block = 0; block < blocks; block++)
                for (long line = 0; line < at.Lines; line++)
                    for (long i = 0; i < at.Length; i += V.Count) a += V.Load(y + block * at.TargetBlock + line * at.TargetLine + i);
            return a.Sum();
        }
    }
}
