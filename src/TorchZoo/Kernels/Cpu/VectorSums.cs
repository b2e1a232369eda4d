using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>Sums over, and sums of, pieces of memory.</summary>
internal static unsafe class VectorSums
{
    // Added up in float32 so many at a time; the partial sums then in float64.
    private const int Block = 1 << 10;

    /// <summary>Σ x², in float64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SquaredNorm<T>(T* x, long count) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var total = 0.0;
        for (; count > 0; x += Block, count -= Block) total += SquaredNorm(x, (int)Math.Min(count, Block));
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SquaredNorm<T>(T* x, int count) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Vector<T> a = default, b = default, c = default, d = default;
        int width = Vector<T>.Count, i = 0;
        for (; i <= count - 4 * width; i += 4 * width)
        {
            Vector<T> x0 = Vector.Load(x + i), x1 = Vector.Load(x + i + width), x2 = Vector.Load(x + i + 2 * width),
                x3 = Vector.Load(x + i + 3 * width);
            (a, b, c, d) = (a + x0 * x0, b + x1 * x1, c + x2 * x2, d + x3 * x3);
        }
        var sum = double.CreateChecked(Vector.Sum((a + b) + (c + d)));
        for (; i < count; i++)
        {
            var value = double.CreateChecked(x[i]);
            sum += value * value;
        }
        // Squares of float32 overflow long before a norm does.
        return double.IsFinite(sum) ? sum : Careful(x, count);
    }

    private static double Careful<T>(T* x, int count) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var sum = 0.0;
        for (var i = 0; i < count; i++) sum += double.CreateChecked(x[i]) * double.CreateChecked(x[i]);
        return sum;
    }

    /// <summary>y ← y + w (x − y)</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Lerp<T>(T* y, T* x, long count, double weight) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var w = T.CreateChecked(weight);
        var i = 0L;
        var weights = new Vector<T>(w);
        for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
        {
            var old = Vector.Load(y + i);
            Vector.Store(old + weights * (Vector.Load(x + i) - old), y + i);
        }
        for (; i < count; i++) y[i] += w * (x[i] - y[i]);
    }
}
