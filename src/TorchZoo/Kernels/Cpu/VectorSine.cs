using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>Sine and cosine of a vector of float32 or float64.</summary>
internal static class VectorSine
{
    // Up to here n·π/2 with n an exact float, subtracted in three parts, leaves an error far below an ulp of the remainder.
    private const float Reducible = 1e5f;

    /// <summary>(sin x, cos x), to about an ulp of 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<T> Sin, Vector<T> Cos) SinCos<T>(Vector<T> x)
    {
        if (typeof(T) == typeof(float))
        {
            var (sin, cos) = Single(Unsafe.BitCast<Vector<T>, Vector<float>>(x));
            return (Unsafe.BitCast<Vector<float>, Vector<T>>(sin), Unsafe.BitCast<Vector<float>, Vector<T>>(cos));
        }
        if (typeof(T) == typeof(double))
        {
            var (sin, cos) = Vector.SinCos(Unsafe.BitCast<Vector<T>, Vector<double>>(x));
            return (Unsafe.BitCast<Vector<double>, Vector<T>>(sin), Unsafe.BitCast<Vector<double>, Vector<T>>(cos));
        }
        throw new NotSupportedException($"No vector sine of {typeof(T)}");
    }

    // .NET's own goes through float64 to be right to the last bit; half of this kernel's time would be spent there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector<float> Sin, Vector<float> Cos) Single(Vector<float> x)
    {
        // Also what isn't a number.
        if (!Vector.LessThanOrEqualAll(Vector.Abs(x), Vector.Create(Reducible))) return Vector.SinCos(x);

        // x = n π/2 + r, |r| ≤ π/4.
        var n = Vector.Round(x * Vector.Create(2 / MathF.PI));
        var r = Vector.FusedMultiplyAdd(n, Vector.Create(-1.57079637f), x);
        r = Vector.FusedMultiplyAdd(n, Vector.Create(4.37113883e-8f), r);
        r = Vector.FusedMultiplyAdd(n, Vector.Create(1.71512451e-15f), r);
        var r2 = r * r;

        // Minimax polynomials on that interval.
        var sin = Vector.FusedMultiplyAdd(r2, Vector.Create(-1.9515296e-4f), Vector.Create(8.3321609e-3f));
        sin = Vector.FusedMultiplyAdd(sin, r2, Vector.Create(-1.6666655e-1f));
        sin = Vector.FusedMultiplyAdd(sin * r2, r, r);
        var cos = Vector.FusedMultiplyAdd(r2, Vector.Create(2.4433157e-5f), Vector.Create(-1.3887316e-3f));
        cos = Vector.FusedMultiplyAdd(cos, r2, Vector.Create(4.1666646e-2f));
        cos = Vector.FusedMultiplyAdd(cos * r2, r2, Vector.FusedMultiplyAdd(r2, Vector.Create(-0.5f), Vector<float>.One));

        // Odd quadrants exchange the two; the second and third turn sines, the first and second cosines.
        var quadrant = Vector.ConvertToInt32(n);
        var odd = Vector.Equals(quadrant & Vector<int>.One, Vector<int>.One);
        var sinSign = Vector.ShiftLeft(quadrant & Vector.Create(2), 30);
        var cosSign = Vector.ShiftLeft((quadrant + Vector<int>.One) & Vector.Create(2), 30);
        return (Flip(Vector.ConditionalSelect(odd, cos, sin), sinSign), Flip(Vector.ConditionalSelect(odd, sin, cos), cosSign));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Flip(Vector<float> x, Vector<int> sign) => Vector.AsVectorSingle(Vector.AsVectorInt32(x) ^ sign);
}
