using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TorchZoo.Models.Compression;

/// <summary>
/// Between libtorch's order of numbers, (samples, channels, positions), and the sparse kernels': blocks of samples, in each the channels, in
/// each its positions, at each the numbers of the block's samples side by side.
/// </summary>
/// <param name="samples">Samples.</param>
/// <param name="blocks">Blocks.</param>
/// <param name="unit">Samples of a block; the last one may have room for more than there are.</param>
/// <param name="channels">Channels.</param>
/// <param name="positions">Positions of a channel in libtorch's order.</param>
/// <param name="plane">Positions of a channel in the kernels' order, some of them padding.</param>
/// <param name="map">Where each position lies in the plane; null: at the same place.</param>
internal sealed unsafe class SampleBlocks<T>(long samples, long blocks, long unit, long channels, long positions, long plane, int* map)
    where T : unmanaged
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    // A side of the squares that are transposed in registers.
    private const int Side = 8;

    // Positions that are moved together.
    private const long Run = 256;

    private readonly long _runs = (positions + Run - 1) / Run;

    /// <summary>Pieces that can be moved side by side.</summary>
    public long Pieces => blocks * channels * _runs;

    /// <summary>Moves pieces into blocks. Room for samples that don't exist becomes zero; padding isn't touched.</summary>
    /// <param name="plain">Numbers in libtorch's order.</param>
    /// <param name="blocked">Room in the kernels' order.</param>
    /// <param name="first">The first piece.</param>
    /// <param name="last">The piece after the last one.</param>
    [MethodImpl(Hot)]
    public void Spread(T* plain, T* blocked, long first, long last)
    {
        for (var piece = first; piece < last; piece++)
        {
            var (inPlain, inBlocked, begin, end, count) = Piece(piece);
            T* from = plain + inPlain, to = blocked + inBlocked;
            if (unit > 1) ToUnits(from, to, begin, end, count);
            else
                for (var p = begin; p < end; p++) to[At(p)] = from[p];
            if (count < unit)
                for (var p = begin; p < end; p++) new Span<T>(to + At(p) * unit + count, (int)(unit - count)).Clear();
        }
    }

    /// <summary>Moves pieces out of blocks.</summary>
    /// <param name="blocked">Numbers in the kernels' order.</param>
    /// <param name="plain">Room in libtorch's order.</param>
    /// <param name="first">The first piece.</param>
    /// <param name="last">The piece after the last one.</param>
    [MethodImpl(Hot)]
    public void Collect(T* blocked, T* plain, long first, long last)
    {
        for (var piece = first; piece < last; piece++)
        {
            var (inPlain, inBlocked, begin, end, count) = Piece(piece);
            T* from = blocked + inBlocked, to = plain + inPlain;
            if (unit > 1) FromUnits(from, to, begin, end, count);
            else
                for (var p = begin; p < end; p++) to[p] = from[At(p)];
        }
    }

    // Where channel and block begin, from which position to which, and how many samples.
    private (long Plain, long Blocked, long Begin, long End, long Count) Piece(long piece)
    {
        var (pair, run) = Math.DivRem(piece, _runs);
        var (block, channel) = Math.DivRem(pair, channels);
        return ((block * unit * channels + channel) * positions, pair * plane * unit, run * Run,
            Math.Min(positions, (run + 1) * Run), Math.Min(unit, samples - block * unit));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long At(long position) => map is null ? position : map[position];

    // A few samples at a time: all of them would be so many memory pages at once.
    [MethodImpl(Hot)]
    private void ToUnits(T* from, T* to, long begin, long end, long count)
    {
        var (stride, width) = (channels * positions, unit);
        long sample = 0;
        if (typeof(T) == typeof(float) && Avx.IsSupported)
            for (; sample + Side <= count; sample += Side)
            {
                var p = begin;
                for (; p + Side <= end; p += Side)
                {
                    var (r0, r1, r2, r3, r4, r5, r6, r7) = Transpose((float*)(from + sample * stride + p), stride);
                    r0.Store((float*)(to + At(p) * width + sample));
                    r1.Store((float*)(to + At(p + 1) * width + sample));
                    r2.Store((float*)(to + At(p + 2) * width + sample));
                    r3.Store((float*)(to + At(p + 3) * width + sample));
                    r4.Store((float*)(to + At(p + 4) * width + sample));
                    r5.Store((float*)(to + At(p + 5) * width + sample));
                    r6.Store((float*)(to + At(p + 6) * width + sample));
                    r7.Store((float*)(to + At(p + 7) * width + sample));
                }
                for (; p < end; p++)
                    for (var s = sample; s < sample + Side; s++) to[At(p) * width + s] = from[s * stride + p];
            }
        for (; sample < count; sample++)
            for (var p = begin; p < end; p++) to[At(p) * width + sample] = from[sample * stride + p];
    }

    [MethodImpl(Hot)]
    private void FromUnits(T* from, T* to, long begin, long end, long count)
    {
        var (stride, width) = (channels * positions, unit);
        long sample = 0;
        if (typeof(T) == typeof(float) && Avx.IsSupported)
            for (; sample + Side <= count; sample += Side)
            {
                var p = begin;
                for (; p + Side <= end; p += Side)
                {
                    var (r0, r1, r2, r3, r4, r5, r6, r7) = Transpose(
                        Vector256.Load((float*)(from + At(p) * width + sample)), Vector256.Load((float*)(from + At(p + 1) * width + sample)),
                        Vector256.Load((float*)(from + At(p + 2) * width + sample)), Vector256.Load((float*)(from + At(p + 3) * width + sample)),
                        Vector256.Load((float*)(from + At(p + 4) * width + sample)), Vector256.Load((float*)(from + At(p + 5) * width + sample)),
                        Vector256.Load((float*)(from + At(p + 6) * width + sample)), Vector256.Load((float*)(from + At(p + 7) * width + sample)));
                    var at = (float*)(to + sample * stride + p);
                    r0.Store(at);
                    r1.Store(at + stride);
                    r2.Store(at + 2 * stride);
                    r3.Store(at + 3 * stride);
                    r4.Store(at + 4 * stride);
                    r5.Store(at + 5 * stride);
                    r6.Store(at + 6 * stride);
                    r7.Store(at + 7 * stride);
                }
                for (; p < end; p++)
                    for (var s = sample; s < sample + Side; s++) to[s * stride + p] = from[At(p) * width + s];
            }
        for (; sample < count; sample++)
            for (var p = begin; p < end; p++) to[sample * stride + p] = from[At(p) * width + sample];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>,
        Vector256<float>, Vector256<float>) Transpose(float* at, long stride) =>
        Transpose(Vector256.Load(at), Vector256.Load(at + stride), Vector256.Load(at + 2 * stride), Vector256.Load(at + 3 * stride),
            Vector256.Load(at + 4 * stride), Vector256.Load(at + 5 * stride), Vector256.Load(at + 6 * stride), Vector256.Load(at + 7 * stride));

    // Pairs, then quadruples of rows, then the halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>,
        Vector256<float>, Vector256<float>) Transpose(Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3,
        Vector256<float> r4, Vector256<float> r5, Vector256<float> r6, Vector256<float> r7)
    {
        Vector256<float> a0 = Avx.UnpackLow(r0, r1), a1 = Avx.UnpackHigh(r0, r1), a2 = Avx.UnpackLow(r2, r3), a3 = Avx.UnpackHigh(r2, r3),
            a4 = Avx.UnpackLow(r4, r5), a5 = Avx.UnpackHigh(r4, r5), a6 = Avx.UnpackLow(r6, r7), a7 = Avx.UnpackHigh(r6, r7);
        const byte low = 0x44, high = 0xEE;
        Vector256<float> b0 = Avx.Shuffle(a0, a2, low), b1 = Avx.Shuffle(a0, a2, high), b2 = Avx.Shuffle(a1, a3, low),
            b3 = Avx.Shuffle(a1, a3, high), b4 = Avx.Shuffle(a4, a6, low), b5 = Avx.Shuffle(a4, a6, high), b6 = Avx.Shuffle(a5, a7, low),
            b7 = Avx.Shuffle(a5, a7, high);
        const byte lower = 0x20, upper = 0x31;
        return (Avx.Permute2x128(b0, b4, lower), Avx.Permute2x128(b1, b5, lower), Avx.Permute2x128(b2, b6, lower),
            Avx.Permute2x128(b3, b7, lower), Avx.Permute2x128(b0, b4, upper), Avx.Permute2x128(b1, b5, upper),
            Avx.Permute2x128(b2, b6, upper), Avx.Permute2x128(b3, b7, upper));
    }
}
