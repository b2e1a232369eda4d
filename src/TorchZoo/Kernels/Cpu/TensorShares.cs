using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// Goes through many tensors as if they lay one behind the other, some threads side by side, each its own contiguous share: many small
/// tensors cost no more than a large one of as many elements.
/// </summary>
internal static class TensorShares
{
    // Below this a thread's start takes longer than its share.
    private const long WorthThread = 1 << 15;

    // Shares begin at multiples of it, so that threads don't write to the same cache line.
    private const long Grain = 1 << 8;

    /// <summary>Whether a tensor's elements lie one behind the other where vector code reaches them: float32 or float64 on a CPU.</summary>
    public static bool CanShare(Tensor tensor) => tensor.device_type == DeviceType.CPU
        && tensor.dtype is ScalarType.Float32 or ScalarType.Float64 && tensor.is_contiguous();

    /// <summary>A part of a tensor.</summary>
    /// <param name="tensor">Number of the tensor.</param>
    /// <param name="start">The first element.</param>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="worker">Number of the share that the part belongs to.</param>
    public delegate void Part(int tensor, long start, long count, int worker);

    /// <summary>How many shares <see cref="ForEach"/> makes.</summary>
    public static int Workers(ReadOnlySpan<long> lengths)
    {
        var total = 0L;
        foreach (var length in lengths) total += length;
        return WorkerThreads.Worth(total, WorthThread);
    }

    /// <summary>Does something to each part. How the elements are shared out depends on their number and that of the workers alone.</summary>
    /// <param name="lengths">Elements of each tensor.</param>
    /// <param name="workers">What <see cref="Workers"/> said.</param>
    /// <param name="part">What to do.</param>
    public static void ForEach(long[] lengths, int workers, Part part)
    {
        WorkerThreads.Run(workers, Share);

        void Share(int worker)
        {
            var total = lengths.Sum();
            long first = Bound(total, worker), last = Bound(total, worker + 1), begin = 0;
            for (var i = 0; i < lengths.Length && begin < last; begin += lengths[i], i++)
            {
                long from = Math.Max(first - begin, 0), to = Math.Min(last - begin, lengths[i]);
                if (from < to) part(i, from, to - from, worker);
            }
        }

        long Bound(long total, int worker) => worker == workers ? total : total * worker / workers / Grain * Grain;
    }
}
