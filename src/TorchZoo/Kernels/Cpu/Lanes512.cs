using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TorchZoo.Kernels.Cpu;

/// <summary>512 bits of numbers.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly unsafe struct Lanes512<T> : ILanes<Lanes512<T>, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector512<T> _lanes;

    [MethodImpl(Inline)]
    private Lanes512(Vector512<T> lanes) => _lanes = lanes;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector512<T>.Count;
    }

    /// <inheritdoc/>
    public static Lanes512<T> Zero
    {
        [MethodImpl(Inline)]
        get => default;
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Create(T value) => new(Vector512.Create(value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Constant(double value) => typeof(T) == typeof(float)
        ? new(Vector512.Create((float)value).As<float, T>())
        : new(Vector512.Create(value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Load(T* source) => new(Vector512.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> LoadPart(T* source, long count)
    {
        var lanes = Vector512<T>.Zero;
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
    public T Sum() => Vector512.Sum(_lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void AddSums(Lanes512<T> a, Lanes512<T> b, Lanes512<T> c, Lanes512<T> d, T* sums) =>
        Lanes256<T>.AddSums(Halved(a), Halved(b), Halved(c), Halved(d), sums);

    [MethodImpl(Inline)]
    private static Lanes256<T> Halved(Lanes512<T> a) => new(a._lanes.GetLower() + a._lanes.GetUpper());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public T Largest() => new Lanes256<T>(Vector256.Max(_lanes.GetLower(), _lanes.GetUpper())).Largest();

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> operator +(Lanes512<T> a, Lanes512<T> b) => new(a._lanes + b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> operator -(Lanes512<T> a, Lanes512<T> b) => new(a._lanes - b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> operator *(Lanes512<T> a, Lanes512<T> b) => new(a._lanes * b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> operator /(Lanes512<T> a, Lanes512<T> b) => new(a._lanes / b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> operator &(Lanes512<T> a, Lanes512<T> b) => new(a._lanes & b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> operator |(Lanes512<T> a, Lanes512<T> b) => new(a._lanes | b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> operator ^(Lanes512<T> a, Lanes512<T> b) => new(a._lanes ^ b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> operator -(Lanes512<T> a) => new(-a._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> MultiplyAdd(Lanes512<T> a, Lanes512<T> b, Lanes512<T> c) => typeof(T) == typeof(float)
        ? new(Vector512.FusedMultiplyAdd(a._lanes.AsSingle(), b._lanes.AsSingle(), c._lanes.AsSingle()).As<float, T>())
        : new(Vector512.FusedMultiplyAdd(a._lanes.AsDouble(), b._lanes.AsDouble(), c._lanes.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Sqrt(Lanes512<T> a) => new(Vector512.Sqrt(a._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Abs(Lanes512<T> a) => new(Vector512.Abs(a._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Max(Lanes512<T> a, Lanes512<T> b) => new(Vector512.Max(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Min(Lanes512<T> a, Lanes512<T> b) => new(Vector512.Min(a._lanes, b._lanes));

    // Where one of the two is NaN, x86 returns the second; other processors return NaN.
    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Clamp(Lanes512<T> a, Lanes512<T> low, Lanes512<T> high) =>
        new(Vector512.MinNative(high._lanes, Vector512.MaxNative(low._lanes, a._lanes)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Round(Lanes512<T> a) => typeof(T) == typeof(float)
        ? new(Vector512.Round(a._lanes.AsSingle()).As<float, T>())
        : new(Vector512.Round(a._lanes.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> LessThan(Lanes512<T> a, Lanes512<T> b) => new(Vector512.LessThan(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> LessThanOrEqual(Lanes512<T> a, Lanes512<T> b) => new(Vector512.LessThanOrEqual(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Equals(Lanes512<T> a, Lanes512<T> b) => new(Vector512.Equals(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Select(Lanes512<T> mask, Lanes512<T> a, Lanes512<T> b) =>
        new(Vector512.ConditionalSelect(mask._lanes, a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static bool Any(Lanes512<T> mask) => mask._lanes.AsByte() != Vector512<byte>.Zero;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> PowerOfTwo(Lanes512<T> n) => typeof(T) == typeof(float)
        ? new(Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n._lanes.AsSingle()) + Vector512.Create(127), 23).As<int, T>())
        : new(Vector512.ShiftLeft(Vector512.ConvertToInt64Native(n._lanes.AsDouble()) + Vector512.Create(1023L), 52).As<long, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Exponent(Lanes512<T> a) => typeof(T) == typeof(float)
        ? new(Vector512.ConvertToSingle(Vector512.ShiftRightLogical(a._lanes.AsInt32(), 23) - Vector512.Create(127)).As<float, T>())
        : new(Vector512.ConvertToDouble(Vector512.ShiftRightLogical(a._lanes.AsInt64(), 52) - Vector512.Create(1023L)).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes512<T> Mantissa(Lanes512<T> a) => typeof(T) == typeof(float)
        ? new((a._lanes.AsInt32() & Vector512.Create(0x007F_FFFF) | Vector512.Create(0x3F80_0000)).As<int, T>())
        : new((a._lanes.AsInt64() & Vector512.Create(0x000F_FFFF_FFFF_FFFF) | Vector512.Create(0x3FF0_0000_0000_0000)).As<long, T>());
}
