using System.Numerics;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Models.Compression;

/// <summary>
/// How a sparse layer is computed for inputs of one size: what lies where, and which numbers meet.
/// </summary>
/// <remarks>
/// A convolution of stride s splits its padded input into s² planes, one for each remainder of the coordinates, so that every sum is one
/// over consecutive numbers. All planes are equally wide, also those of the output, which lies ⌈K/s⌉ − 1 inside of its own: so the input's
/// derivative is the same kind of sum, of the output's over the transposed pattern.
/// </remarks>
internal sealed unsafe class SparsePlan
{
    // Numbers side by side: as many as keep a block of usual width in the second-level cache; and those of 64 bytes in float32, whose multiples
    // they come in.
    private const int Tile = 64, Grain = 16;

    // Multiplications, and numbers moved, below which a second thread costs more than it does.
    private const long WorthThread = 1 << 17, WorthThreadMoving = 1 << 15;

    // Bytes of blocks over which a weight's derivative is summed up in one go: what the second-level cache holds.
    private const long CacheBytes = 1 << 19;

    private readonly Sum _forward, _backward;
    private readonly int[] _from;
    private readonly Side _input, _output;
    private readonly int _lineStride;
    private readonly bool _overPositions;

    private SparsePlan(Side input, Side output, Sum forward, (Sum Sum, int[] From) backward, int lineStride, bool overPositions)
    {
        (_input, _output, _forward, _lineStride, _overPositions) = (input, output, forward, lineStride, overPositions);
        (_backward, _from) = backward;
    }

    /// <summary>What lies on one side of the layer.</summary>
    /// <param name="Channels">Channels.</param>
    /// <param name="Positions">Positions of each in libtorch's order.</param>
    /// <param name="Plane">Positions of each in the kernels' order.</param>
    /// <param name="Map">Where each of the first lies among the second; null: they are the same.</param>
    /// <param name="Shape">A sample's shape.</param>
    private sealed record Side(int Channels, int Positions, int Plane, int[]? Map, long[] Shape);

    /// <summary>A sum: each row of the target is one over the row's entries, each of which meets a position of the source.</summary>
    /// <param name="Pattern">Rows of the target, positions of the source.</param>
    /// <param name="TargetRow">From a row to the next.</param>
    /// <param name="TargetInset">Where the first row begins.</param>
    /// <param name="SourceInset">Where positions count from.</param>
    /// <param name="Lines">Runs of consecutive positions.</param>
    /// <param name="Length">Positions of each.</param>
    private sealed record Sum(SparsePattern Pattern, int TargetRow, int TargetInset, int SourceInset, int Lines, int Length);

    /// <summary>A matrix's product with vectors.</summary>
    /// <param name="weight">The matrix's pattern.</param>
    /// <param name="inFeatures">Its columns.</param>
    public static SparsePlan Linear(SparsePattern weight, int inFeatures)
    {
        var (transposed, from) = SparsePattern.Sort(weight.Columns, inFeatures, weight.RowOfEach());
        return new(new(1, inFeatures, inFeatures, null, [inFeatures]), new(1, weight.Height, weight.Height, null, [weight.Height]),
            new(weight, 1, 0, 0, 1, 1), (new(transposed, 1, 0, 0, 1, 1), from), 1, overPositions: false);
    }

    /// <summary>A convolution of images of one size.</summary>
    /// <param name="weight">Pattern of the weight as a matrix (output channels, input channels · K²).</param>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="kernel">K</param>
    /// <param name="stride">s</param>
    /// <param name="padding">Zeros at each edge.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="overPositions">Whether vectors go over positions of one sample rather than over samples.</param>
    public static SparsePlan Convolution(SparsePattern weight, int inChannels, int kernel, int stride, int padding, int height, int width,
        bool overPositions)
    {
        int outHeight = (height + 2 * padding - kernel) / stride + 1, outWidth = (width + 2 * padding - kernel) / stride + 1;
        // Of the planes that the input is split into, and of the kernel.
        int planeHeight = Ceil(height + 2 * padding, stride), reach = Ceil(kernel, stride) - 1;
        var lineStride = Ceil(width + 2 * padding, stride) + reach;
        // A vector may go over the end of the last line.
        var slack = overPositions ? Grain : 0;
        int phasePlane = checked(planeHeight * lineStride + slack), inPlane = checked(stride * stride * phasePlane),
            outPlane = checked((planeHeight + reach) * lineStride + slack);
        checked { _ = inPlane * inChannels + outPlane * weight.Height; }

        int Phase(int y, int x) => y % stride * stride + x % stride;
        int InPhase(int y, int x) => y / stride * lineStride + x / stride;
        int Inside(int y, int x) => y * lineStride + x;

        var inMap = new int[height * width];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                inMap[y * width + x] = Phase(y + padding, x + padding) * phasePlane + InPhase(y + padding, x + padding);
        var outMap = new int[outHeight * outWidth];
        for (var y = 0; y < outHeight; y++)
            for (var x = 0; x < outWidth; x++) outMap[y * outWidth + x] = Inside(y + reach, x + reach);

        // Every entry meets a position of the input and, the other way round, one of the output.
        var outChannel = weight.RowOfEach();
        var (at, row, back) = (new int[weight.Count], new int[weight.Count], new int[weight.Count]);
        for (var k = 0; k < weight.Count; k++)
        {
            var (channel, inKernel) = Math.DivRem(weight.Columns[k], kernel * kernel);
            var (i, j) = Math.DivRem(inKernel, kernel);
            at[k] = channel * inPlane + Phase(i, j) * phasePlane + InPhase(i, j);
            row[k] = channel * stride * stride + Phase(i, j);
            back[k] = outChannel[k] * outPlane + Inside(reach - i / stride, reach - j / stride);
        }
        var (transposed, from) = SparsePattern.Sort(row, inChannels * stride * stride, back);
        // The part of the planes that isn't padding.
        int top = padding / stride, bottom = (padding + height - 1) / stride, right = (padding + width - 1) / stride;
        var inset = Inside(top, top);
        return new(
            new(inChannels, height * width, inPlane, inMap, [inChannels, height, width]),
            new(weight.Height, outHeight * outWidth, outPlane, outMap, [weight.Height, outHeight, outWidth]),
            new(new(weight.Rows, at), outPlane, Inside(reach, reach), 0, outHeight, outWidth),
            (new(transposed, phasePlane, inset, inset, bottom - top + 1, right - top + 1), from), lineStride, overPositions);
    }

    /// <summary>The layer's output.</summary>
    /// <param name="x">(samples, …), contiguous.</param>
    /// <param name="values">The weights that are stored.</param>
    /// <param name="bias">(rows); null: 0.</param>
    /// <returns>The output and the input as the kernels have it, for <see cref="Backward"/>.</returns>
    public (Tensor Output, Tensor Input) Forward(Tensor x, Tensor values, Tensor? bias) =>
        x.dtype == ScalarType.Float32 ? Forward<float>(x, values, bias) : Forward<double>(x, values, bias);

    /// <summary>Derivatives of a loss from those by the output.</summary>
    /// <param name="input">As <see cref="Forward"/> gave it.</param>
    /// <param name="values">As it was given.</param>
    /// <param name="byOutput">By the output, contiguous.</param>
    /// <param name="wantsInput">Whether the input's are wanted.</param>
    /// <param name="wantsValues">Whether the weights' are wanted.</param>
    /// <param name="wantsBias">Whether the bias's are wanted.</param>
    public (Tensor? ByInput, Tensor? ByValues, Tensor? ByBias) Backward(Tensor input, Tensor values, Tensor byOutput, bool wantsInput,
        bool wantsValues, bool wantsBias) => values.dtype == ScalarType.Float32
            ? Backward<float>(input, values, byOutput, wantsInput, wantsValues, wantsBias)
            : Backward<double>(input, values, byOutput, wantsInput, wantsValues, wantsBias);

    private (Tensor, Tensor) Forward<T>(Tensor x, Tensor values, Tensor? bias) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (blocks, unit) = Blocks(x.shape[0]);
        using var scope = NewDisposeScope();
        var source = Spread<T>(x, _input, blocks, unit);
        var target = empty([blocks * _output.Channels * _output.Plane * unit], x.dtype);
        Multiply<T>(_forward, blocks, unit, source, _input, target, _output, values, bias);
        var output = Collect<T>(target, _output, x.shape[0], blocks, unit);
        return (output.MoveToOuterDisposeScope(), source.MoveToOuterDisposeScope());
    }

    private (Tensor?, Tensor?, Tensor?) Backward<T>(Tensor input, Tensor values, Tensor byOutput, bool wantsInput, bool wantsValues,
        bool wantsBias) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var samples = byOutput.shape[0];
        var (blocks, unit) = Blocks(samples);
        using var scope = NewDisposeScope();
        var target = Spread<T>(byOutput, _output, blocks, unit);
        Tensor? byInput = null, byValues = null, byBias = null;
        if (wantsValues || wantsBias)
        {
            byValues = empty_like(values);
            byBias = wantsBias ? empty([_forward.Pattern.Height], values.dtype) : null;
            Correlate<T>(blocks, unit, input, target, byValues, byBias);
        }
        if (wantsInput)
        {
            var transposed = Permuted<T>(values);
            var byBlocks = empty([blocks * _input.Channels * _input.Plane * unit], values.dtype);
            Multiply<T>(_backward, blocks, unit, target, _output, byBlocks, _input, transposed, null);
            byInput = Collect<T>(byBlocks, _input, samples, blocks, unit);
        }
        return (byInput?.MoveToOuterDisposeScope(), wantsValues ? byValues!.MoveToOuterDisposeScope() : null, byBias?.MoveToOuterDisposeScope());
    }

    // As few blocks as fill the registers, all of the same size.
    private (long Blocks, long Unit) Blocks(long samples)
    {
        if (_overPositions) return (samples, 1);
        var most = Math.Clamp(Round(Tile / Math.Max(1, _forward.Length)), Grain, Tile);
        var blocks = Math.Max(1, Ceil(samples, most));
        return (blocks, Math.Max(Grain, Round(Ceil(samples, blocks))));
    }

    private Tensor Spread<T>(Tensor plain, Side side, long blocks, long unit) where T : unmanaged
    {
        // What isn't written to below is padding.
        var size = new[] { blocks * side.Channels * side.Plane * unit };
        var blocked = side.Map is null ? empty(size, plain.dtype) : zeros(size, plain.dtype);
        Move<T>(plain, blocked, side, plain.shape[0], blocks, unit, spread: true);
        return blocked;
    }

    private Tensor Collect<T>(Tensor blocked, Side side, long samples, long blocks, long unit) where T : unmanaged
    {
        var plain = empty([samples, .. side.Shape], blocked.dtype);
        Move<T>(plain, blocked, side, samples, blocks, unit, spread: false);
        return plain;
    }

    private static void Move<T>(Tensor plain, Tensor blocked, Side side, long samples, long blocks, long unit, bool spread) where T : unmanaged
    {
        using var here = Pinned<T>.Of(plain, nameof(plain));
        using var there = Pinned<T>.Of(blocked, nameof(blocked));
        fixed (int* map = side.Map)
        {
            var order = new SampleBlocks<T>(samples, blocks, unit, side.Channels, side.Positions, side.Plane, map);
            T* from = here.Pointer, to = there.Pointer;
            WorkerThreads.Run(WorkerThreads.Worth(plain.numel(), WorthThreadMoving), order.Pieces, (first, last) =>
            {
                if (spread) order.Spread(from, to, first, last);
                else order.Collect(to, from, first, last);
            });
        }
    }

    private void Multiply<T>(Sum sum, long blocks, long unit, Tensor source, Side sourceSide, Tensor target, Side targetSide, Tensor values,
        Tensor? bias) where T : unmanaged, IFloatingPointIeee754<T> =>
        Over<T>(sum, blocks, unit, source, sourceSide, target, targetSide, values, bias, (strides, workers, rows, positions, x, y, v, add) =>
        {
            // Blocks first: whoever moved one has it in his cache.
            var byBlocks = (int)Math.Clamp(strides.Blocks, 1, workers);
            var first = sum.Pattern.Shares(workers / byBlocks);
            WorkerThreads.Run(byBlocks * (first.Length - 1), worker =>
            {
                var (of, share) = Math.DivRem(worker, first.Length - 1);
                long begin = strides.Blocks * of / byBlocks, end = strides.Blocks * (of + 1) / byBlocks;
                Lanes.Run<T, SparseKernels.Product<T>>(new(strides with { Blocks = end - begin }, first[share], first[share + 1], rows,
                    positions, v, add, x + begin * strides.SourceBlock, y + begin * strides.TargetBlock));
            });
        });

    private void Correlate<T>(long blocks, long unit, Tensor source, Tensor target, Tensor byValues, Tensor? byBias)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // In two halves, each summed up by itself, however many threads there are: whoever moved a block has it in his cache, and how a sum is
        // put together doesn't depend on who does it.
        var half = blocks / 2;
        using var values = half == 0 ? null : empty_like(byValues);
        using var bias = half == 0 || byBias is null ? null : empty_like(byBias);
        using Pinned<T> otherValues = values is null ? default : Pinned<T>.Of(values, nameof(values)),
            otherBias = bias is null ? default : Pinned<T>.Of(bias, nameof(bias));
        T* v1 = otherValues.Pointer, b1 = otherBias.Pointer;
        Over<T>(_forward, blocks, unit, source, _input, target, _output, byValues, byBias, (strides, workers, rows, positions, x, y, v, add) =>
        {
            var together = Math.Max(1, CacheBytes / (strides.SourceBlock * sizeof(T)));
            var halves = half == 0 ? 1 : 2;
            var first = _forward.Pattern.Shares(Math.Max(1, workers / halves));
            var shares = first.Length - 1;
            WorkerThreads.Run(Math.Min(workers, halves * shares), halves * shares, (from, to) =>
            {
                for (var item = from; item < to; item++)
                {
                    var (of, share) = Math.DivRem(item, shares);
                    long begin = of * half, count = halves == 1 ? blocks : of == 0 ? half : blocks - half;
                    Lanes.Run<T, SparseKernels.Correlation<T>>(new(strides with { Blocks = count }, together, first[share], first[share + 1], rows,
                        positions, x + begin * strides.SourceBlock, y + begin * strides.TargetBlock, of == 0 ? v : v1, of == 0 ? add : b1));
                }
            });
        });
        if (half == 0) return;
        byValues.add_(values!);
        byBias?.add_(bias!);
    }

    private delegate void Work<T>(SparseKernels.Strides strides, int workers, int* rows, int* positions, T* source, T* target, T* values, T* bias)
        where T : unmanaged;

    // Everything in place for a sum, or for its derivative.
    private void Over<T>(Sum sum, long blocks, long unit, Tensor source, Side sourceSide, Tensor target, Side targetSide, Tensor values,
        Tensor? bias, Work<T> work) where T : unmanaged
    {
        using Pinned<T> from = Pinned<T>.Of(source, nameof(source)), to = Pinned<T>.Of(target, nameof(target)),
            v = Pinned<T>.Of(values, nameof(values));
        using var b = bias is null ? default : Pinned<T>.Of(bias, nameof(bias));
        var strides = Strides(sum, blocks, unit, sourceSide, targetSide);
        var products = sum.Pattern.Count * strides.Blocks * strides.Lines * strides.Length;
        fixed (int* rows = sum.Pattern.Rows, positions = sum.Pattern.Columns)
            work(strides, WorkerThreads.Worth(products, WorthThread), rows, positions, from.Pointer + sum.SourceInset * unit,
                to.Pointer + sum.TargetInset * unit, v.Pointer, b.Pointer);
    }

    private Tensor Permuted<T>(Tensor values) where T : unmanaged
    {
        var permuted = empty_like(values);
        using Pinned<T> from = Pinned<T>.Of(values, nameof(values)), to = Pinned<T>.Of(permuted, nameof(permuted));
        T* source = from.Pointer, target = to.Pointer;
        var order = _from;
        WorkerThreads.Run(WorkerThreads.Worth(order.Length, WorthThread), order.Length, (first, last) =>
            Gather(source, order.AsSpan((int)first, (int)(last - first)), target + first));
        return permuted;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Gather<T>(T* source, ReadOnlySpan<int> from, T* target) where T : unmanaged
    {
        for (var k = 0; k < from.Length; k++) target[k] = source[from[k]];
    }

    private SparseKernels.Strides Strides(Sum sum, long blocks, long unit, Side source, Side target)
    {
        long lines = sum.Lines, length = sum.Length * unit;
        // One long line, over the padding between its parts.
        if (_overPositions) (lines, length) = (1, Round((sum.Lines - 1) * (long)_lineStride + sum.Length));
        return new(blocks, lines, length, unit, (long)source.Channels * source.Plane * unit, _lineStride * unit,
            (long)target.Channels * target.Plane * unit, sum.TargetRow * unit, _lineStride * unit);
    }

    private static int Ceil(int a, int b) => (a + b - 1) / b;

    private static long Ceil(long a, long b) => (a + b - 1) / b;

    private static long Round(long count) => Ceil(count, Grain) * Grain;
}
