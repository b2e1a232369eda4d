using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>Sums over, and sums of, pieces of memory.</summary>
internal static unsafe class VectorSums
{
    // Added up in float32 so many at a time; the partial sums then in float64.
    private const int Block = 1 << 10;

    /// <summary>Σ x², in float64.</summary>
    public static double SquaredNorm<T>(T* x, long count) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var total = 0.0;
        for (; count > 0; x += Block, count -= Block)
        {
            var length = (int)Math.Min(count, Block);
            double sum;
            Lanes.Run<T, Squares<T>>(new(x, length, &sum));
            // Squares of float32 overflow long before a norm does.
            total += double.IsFinite(sum) ? sum : Careful(x, length);
        }
        return total;
    }

    /// <summary>y ← y + w (x − y)</summary>
    public static void Lerp<T>(T* y, T* x, long count, double weight) where T : unmanaged, IFloatingPointIeee754<T> =>
        Lanes.Run<T, Mixture<T>>(new(y, x, count, weight));

    private static double Careful<T>(T* x, int count) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var sum = 0.0;
        for (var i = 0; i < count; i++) sum += double.CreateChecked(x[i]) * double.CreateChecked(x[i]);
        return sum;
    }

    private readonly struct Squares<T>(T* x, int count, double* sum) : ILanesKernel<T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            V a = V.Zero, b = V.Zero, c = V.Zero, d = V.Zero;
            int width = V.Count, i = 0;
            for (; i <= count - 4 * width; i += 4 * width)
            {
                V x0 = V.Load(x + i), x1 = V.Load(x + i + width), x2 = V.Load(x + i + 2 * width), x3 = V.Load(x + i + 3 * width);
                (a, b, c, d) = (a + x0 * x0, b + x1 * x1, c + x2 * x2, d + x3 * x3);
            }
            for (; i < count; i += width)
            {
                var rest = V.LoadPart(x + i, Math.Min(width, count - i));
                a += rest * rest;
            }
            *sum = double.CreateChecked(((a + b) + (c + d)).Sum());
        }
    }

    private readonly struct Mixture<T>(T* y, T* x, long count, double weight) : ILanesKernel<T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            var w = V.Constant(weight);
            for (long i = 0; i < count; i += V.Count)
            {
                var rest = count - i;
                var full = rest >= V.Count;
                var old = full ? V.Load(y + i) : V.LoadPart(y + i, rest);
                var mixed = old + w * ((full ? V.Load(x + i) : V.LoadPart(x + i, rest)) - old);
                if (full) mixed.Store(y + i);
                else mixed.StorePart(y + i, rest);
            }
        }
    }
}
