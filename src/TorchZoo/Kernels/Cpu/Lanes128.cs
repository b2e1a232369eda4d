using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TorchZoo.Kernels.Cpu;

/// <summary>128 bits of numbers.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly unsafe struct Lanes128<T> : ILanes<Lanes128<T>, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector128<T> _lanes;

    [MethodImpl(Inline)]
    internal Lanes128(Vector128<T> lanes) => _lanes = lanes;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector128<T>.Count;
    }

    /// <inheritdoc/>
    public static Lanes128<T> Zero
    {
        [MethodImpl(Inline)]
        get => default;
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Create(T value) => new(Vector128.Create(value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Constant(double value) => typeof(T) == typeof(float)
        ? new(Vector128.Create((float)value).As<float, T>())
        : new(Vector128.Create(value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Load(T* source) => new(Vector128.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> LoadPart(T* source, long count)
    {
        var lanes = Vector128<T>.Zero;
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
    public T Sum() => Vector128.Sum(_lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void AddSums(Lanes128<T> a, Lanes128<T> b, Lanes128<T> c, Lanes128<T> d, T* sums)
    {
        sums[0] += a.Sum();
        sums[1] += b.Sum();
        sums[2] += c.Sum();
        sums[3] += d.Sum();
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public T Largest()
    {
        var largest = _lanes.GetElement(0);
        for (var i = 1; i < Count; i++) largest = T.Max(largest, _lanes.GetElement(i));
        return largest;
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> operator +(Lanes128<T> a, Lanes128<T> b) => new(a._lanes + b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> operator -(Lanes128<T> a, Lanes128<T> b) => new(a._lanes - b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> operator *(Lanes128<T> a, Lanes128<T> b) => new(a._lanes * b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> operator /(Lanes128<T> a, Lanes128<T> b) => new(a._lanes / b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> operator &(Lanes128<T> a, Lanes128<T> b) => new(a._lanes & b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> operator |(Lanes128<T> a, Lanes128<T> b) => new(a._lanes | b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> operator ^(Lanes128<T> a, Lanes128<T> b) => new(a._lanes ^ b._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> operator -(Lanes128<T> a) => new(-a._lanes);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> MultiplyAdd(Lanes128<T> a, Lanes128<T> b, Lanes128<T> c) => typeof(T) == typeof(float)
        ? new(Vector128.FusedMultiplyAdd(a._lanes.AsSingle(), b._lanes.AsSingle(), c._lanes.AsSingle()).As<float, T>())
        : new(Vector128.FusedMultiplyAdd(a._lanes.AsDouble(), b._lanes.AsDouble(), c._lanes.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Sqrt(Lanes128<T> a) => new(Vector128.Sqrt(a._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Abs(Lanes128<T> a) => new(Vector128.Abs(a._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Max(Lanes128<T> a, Lanes128<T> b) => new(Vector128.Max(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Min(Lanes128<T> a, Lanes128<T> b) => new(Vector128.Min(a._lanes, b._lanes));

    // Where one of the two is NaN, x86 returns the second; other processors return NaN.
    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Clamp(Lanes128<T> a, Lanes128<T> low, Lanes128<T> high) =>
        new(Vector128.MinNative(high._lanes, Vector128.MaxNative(low._lanes, a._lanes)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Round(Lanes128<T> a) => typeof(T) == typeof(float)
        ? new(Vector128.Round(a._lanes.AsSingle()).As<float, T>())
        : new(Vector128.Round(a._lanes.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> LessThan(Lanes128<T> a, Lanes128<T> b) => new(Vector128.LessThan(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> LessThanOrEqual(Lanes128<T> a, Lanes128<T> b) => new(Vector128.LessThanOrEqual(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Equals(Lanes128<T> a, Lanes128<T> b) => new(Vector128.Equals(a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Select(Lanes128<T> mask, Lanes128<T> a, Lanes128<T> b) =>
        new(Vector128.ConditionalSelect(mask._lanes, a._lanes, b._lanes));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static bool Any(Lanes128<T> mask) => mask._lanes.AsByte() != Vector128<byte>.Zero;

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> PowerOfTwo(Lanes128<T> n) => typeof(T) == typeof(float)
        ? new(Vector128.ShiftLeft(Vector128.ConvertToInt32Native(n._lanes.AsSingle()) + Vector128.Create(127), 23).As<int, T>())
        : new(Vector128.ShiftLeft(Vector128.ConvertToInt64Native(n._lanes.AsDouble()) + Vector128.Create(1023L), 52).As<long, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Exponent(Lanes128<T> a) => typeof(T) == typeof(float)
        ? new(Vector128.ConvertToSingle(Vector128.ShiftRightLogical(a._lanes.AsInt32(), 23) - Vector128.Create(127)).As<float, T>())
        : new(Vector128.ConvertToDouble(Vector128.ShiftRightLogical(a._lanes.AsInt64(), 52) - Vector128.Create(1023L)).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lanes128<T> Mantissa(Lanes128<T> a) => typeof(T) == typeof(float)
        ? new((a._lanes.AsInt32() & Vector128.Create(0x007F_FFFF) | Vector128.Create(0x3F80_0000)).As<int, T>())
        : new((a._lanes.AsInt64() & Vector128.Create(0x000F_FFFF_FFFF_FFFF) | Vector128.Create(0x3FF0_0000_0000_0000)).As<long, T>());
}
