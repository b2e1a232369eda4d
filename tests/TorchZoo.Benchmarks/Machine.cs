using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>What the processor can do, measured: the bounds of what is measured beside it.</summary>
/// <param name="Threads">Threads.</param>
/// <param name="Flops">Float32 operations a second: products and sums in registers.</param>
/// <param name="Bandwidth">Bytes a second that a copy of memory reads and writes, far more of them than any cache holds.</param>
internal sealed unsafe record Machine(int Threads, double Flops, double Bandwidth)
{
    private const long Bytes = 256 << 20, Steps = 1 << 20;
    private const int Sums = 12;

    /// <summary>The least time for so much work, in seconds.</summary>
    /// <param name="flops">Products and sums.</param>
    /// <param name="bytes">Read and written.</param>
    public double Seconds(double flops, double bytes) => Math.Max(flops / Flops, bytes / Bandwidth);

    /// <summary>Measures.</summary>
    /// <param name="threads">Threads.</param>
    /// <param name="rounds">Rounds; the best counts.</param>
    public static Machine Measure(int threads, int rounds)
    {
        var before = get_num_threads();
        // Not of the heap: what it gives back there lets the tensors of later measurements wander through it, out of the caches.
        using var memory = MemoryMappedFile.CreateNew(null, 2 * Bytes);
        using var view = memory.CreateViewAccessor();
        byte* from = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref from);
        var to = from + Bytes;
        try
        {
            set_num_threads(threads);
            var share = Bytes / threads;
            var clock = new Stopwatches(rounds);
            // The best round: what else runs on the machine is not its bound.
            var times = clock.Best(
                () => WorkerThreads.Run(threads, i => Buffer.MemoryCopy(from + i * share, to + i * share, share, share)),
                () => WorkerThreads.Run(threads, _ => Lanes.Run<float, Products>(default)));
            return new(threads, 2.0 * Sums * Steps * (Lanes.Bits / 32) * threads / times[1], 2.0 * Bytes / times[0]);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            set_num_threads(before);
        }
    }

    public override string ToString() =>
        $"{Threads} thread{(Threads == 1 ? "" : "s")}: {Flops / 1e9:0} GFLOP/s in float32, {Bandwidth / 1e9:0.0} GB/s";

    // Enough independent sums that none waits for itself.
    private readonly struct Products : ILanesKernel<float>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>() where V : struct, ILanes<V, float>
        {
            V x = V.Create(0.999f), y = V.Create(1e-3f), a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (long step = 0; step < Steps; step++)
            {
                a = V.MultiplyAdd(a, x, y);
                b = V.MultiplyAdd(b, x, y);
                c = V.MultiplyAdd(c, x, y);
                d = V.MultiplyAdd(d, x, y);
                e = V.MultiplyAdd(e, x, y);
                f = V.MultiplyAdd(f, x, y);
                g = V.MultiplyAdd(g, x, y);
                h = V.MultiplyAdd(h, x, y);
                i = V.MultiplyAdd(i, x, y);
                j = V.MultiplyAdd(j, x, y);
                k = V.MultiplyAdd(k, x, y);
                l = V.MultiplyAdd(l, x, y);
            }
            GC.KeepAlive((a + b + c + d + e + f + g + h + i + j + k + l).Sum());
        }
    }
}
