using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels;

/// <summary>Sine and cosine of a vector of float32 or float64.</summary>
internal static class VectorSine
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<T> Sin, Vector<T> Cos) SinCos<T>(Vector<T> x)
    {
        if (typeof(T) == typeof(float))
        {
            var (sin, cos) = Vector.SinCos(Unsafe.BitCast<Vector<T>, Vector<float>>(x));
            return (Unsafe.BitCast<Vector<float>, Vector<T>>(sin), Unsafe.BitCast<Vector<float>, Vector<T>>(cos));
        }
        if (typeof(T) == typeof(double))
        {
            var (sin, cos) = Vector.SinCos(Unsafe.BitCast<Vector<T>, Vector<double>>(x));
            return (Unsafe.BitCast<Vector<double>, Vector<T>>(sin), Unsafe.BitCast<Vector<double>, Vector<T>>(cos));
        }
        throw new NotSupportedException($"No vector sine of {typeof(T)}");
    }
}
