using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TorchZoo.Kernels.Cpu;

/// <summary>256 bits of numbers.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly unsafe struct Lanes256<T> : ILanes<Lanes256<T>, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector256<T> _lanes;

    [MethodImpl(Inline)]
    internal Lanes256(Vector256<T> lanes) => _lanes = lanes;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector256<T>.Count;
    }

    /// <inheritdoc/>
    public static Lanes256<T> Zero
    {
        [MethodImpl(Inline)]
        get => default;
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Create(T value) => new(Vector256.Create(value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Constant(double value) => typeof(T) == typeof(float)
        ? new(Vector256.Create((float)value).As<float, T>())
        : new(Vector256.Create(value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Load(T* source) => new(Vector256.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> LoadPart(T* source, long count)
    {
        var lanes = Vector256<T>.Zero;
        for (var i = 0; i < count; i++) ((T*)&lanes)[i] = source[i];
        return new(lanes);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public void Store(T* destination) => _lanes.Store(destination);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public void StorePart(T* destination, long count)
    {
        var lanes = _lanes;
        for (var i = 0; i < count; i++) destination[i] = ((T*)&lanes)[i];
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public T Sum() => Vector256.Sum(_lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void AddSums(Lanes256<T> a, Lanes256<T> b, Lanes256<T> c, Lanes256<T> d, T* sums)
    {
        if (typeof(T) == typeof(float) && Avx.IsSupported)
        {
            var (ab, cd) = (Pairs(a, b), Pairs(c, d));
            var all = Avx.Shuffle(ab, cd, 0b01_00_01_00) + Avx.Shuffle(ab, cd, 0b11_10_11_10);
            (Vector128.Load((float*)sums) + all.GetLower() + all.GetUpper()).Store((float*)sums);
            return;
        }
        sums[0] += a.Sum();
        sums[1] += b.Sum();
        sums[2] += c.Sum();
        sums[3] += d.Sum();
    }

    // In each half: a₀ + a₂, b₀ + b₂, a₁ + a₃, b₁ + b₃.
    [MethodImpl(Inline)]
    private static Vector256<float> Pairs(Lanes256<T> a, Lanes256<T> b)
    {
        Vector256<float> x = a._lanes.As<T, float>(), y = b._lanes.As<T, float>();
        return Avx.UnpackLow(x, y) + Avx.UnpackHigh(x, y);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public T Largest() => new Lanes128<T>(Vector128.Max(_lanes.GetLower(), _lanes.GetUpper())).Largest();

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> operator +(Lanes256<T> a, Lanes256<T> b) => new(a._lanes + b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> operator -(Lanes256<T> a, Lanes256<T> b) => new(a._lanes - b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> operator *(Lanes256<T> a, Lanes256<T> b) => new(a._lanes * b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> operator /(Lanes256<T> a, Lanes256<T> b) => new(a._lanes / b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> operator &(Lanes256<T> a, Lanes256<T> b) => new(a._lanes & b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> operator |(Lanes256<T> a, Lanes256<T> b) => new(a._lanes | b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> operator ^(Lanes256<T> a, Lanes256<T> b) => new(a._lanes ^ b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> operator -(Lanes256<T> a) => new(-a._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> MultiplyAdd(Lanes256<T> a, Lanes256<T> b, Lanes256<T> c) => typeof(T) == typeof(float)
        ? new(Vector256.FusedMultiplyAdd(a._lanes.AsSingle(), b._lanes.AsSingle(), c._lanes.AsSingle()).As<float, T>())
        : new(Vector256.FusedMultiplyAdd(a._lanes.AsDouble(), b._lanes.AsDouble(), c._lanes.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Sqrt(Lanes256<T> a) => new(Vector256.Sqrt(a._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Abs(Lanes256<T> a) => new(Vector256.Abs(a._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Max(Lanes256<T> a, Lanes256<T> b) => new(Vector256.Max(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Min(Lanes256<T> a, Lanes256<T> b) => new(Vector256.Min(a._lanes, b._lanes));

    // Where one of the two is NaN, x86 returns the second; other processors return NaN.
    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Clamp(Lanes256<T> a, Lanes256<T> low, Lanes256<T> high) =>
        new(Vector256.MinNative(high._lanes, Vector256.MaxNative(low._lanes, a._lanes)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Round(Lanes256<T> a) => typeof(T) == typeof(float)
        ? new(Vector256.Round(a._lanes.AsSingle()).As<float, T>())
        : new(Vector256.Round(a._lanes.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> LessThan(Lanes256<T> a, Lanes256<T> b) => new(Vector256.LessThan(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> LessThanOrEqual(Lanes256<T> a, Lanes256<T> b) => new(Vector256.LessThanOrEqual(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Equals(Lanes256<T> a, Lanes256<T> b) => new(Vector256.Equals(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Select(Lanes256<T> mask, Lanes256<T> a, Lanes256<T> b) =>
        new(Vector256.ConditionalSelect(mask._lanes, a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static bool Any(Lanes256<T> mask) => mask._lanes.AsByte() != Vector256<byte>.Zero;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> PowerOfTwo(Lanes256<T> n) => typeof(T) == typeof(float)
        ? new(Vector256.ShiftLeft(Vector256.ConvertToInt32Native(n._lanes.AsSingle()) + Vector256.Create(127), 23).As<int, T>())
        : new(Vector256.ShiftLeft(Vector256.ConvertToInt64Native(n._lanes.AsDouble()) + Vector256.Create(1023L), 52).As<long, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Exponent(Lanes256<T> a) => typeof(T) == typeof(float)
        ? new(Vector256.ConvertToSingle(Vector256.ShiftRightLogical(a._lanes.AsInt32(), 23) - Vector256.Create(127)).As<float, T>())
        : new(Vector256.ConvertToDouble(Vector256.ShiftRightLogical(a._lanes.AsInt64(), 52) - Vector256.Create(1023L)).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes256<T> Mantissa(Lanes256<T> a) => typeof(T) == typeof(float)
        ? new((a._lanes.AsInt32() & Vector256.Create(0x007F_FFFF) | Vector256.Create(0x3F80_0000)).As<int, T>())
        : new((a._lanes.AsInt64() & Vector256.Create(0x000F_FFFF_FFFF_FFFF) | Vector256.Create(0x3FF0_0000_0000_0000)).As<long, T>());
}
