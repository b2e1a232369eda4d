using System.Numerics;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// A vector register full of numbers. Code that is generic in it is written once and compiled for each width, as well as if written for
/// that width by hand: the just-in-time compiler makes a version of its own for each value type.
/// </summary>
/// <remarks>
/// Comparisons give masks, all bits of a lane set or none, of the same type; <c>&amp;</c>, <c>|</c> and <c>^</c> work on bits.
/// Rounding doesn't depend on the width: each operation is IEEE 754's, lane by lane.
/// </remarks>
/// <typeparam name="TSelf">The register.</typeparam>
/// <typeparam name="T">float or double.</typeparam>
public unsafe interface ILanes<TSelf, T>
    where TSelf : struct, ILanes<TSelf, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>How many numbers.</summary>
    static abstract int Count { get; }

    /// <summary>Zero in all lanes.</summary>
    static abstract TSelf Zero { get; }

    /// <summary>The same number in all lanes.</summary>
    static abstract TSelf Create(T value);

    /// <summary>The same number in all lanes, rounded to <typeparamref name="T"/>: for constants, of which kernels that are written once
    /// for both types have many, and where .NET's general conversions would use up what the compiler is willing to inline.</summary>
    static abstract TSelf Constant(double value);

    /// <summary>The numbers at an address, which need not be aligned.</summary>
    static abstract TSelf Load(T* source);

    /// <summary>The first few of them, zero in the other lanes; nothing behind these is read.</summary>
    /// <param name="source">The address.</param>
    /// <param name="count">How many, from 0 to <see cref="Count"/>.</param>
    static abstract TSelf LoadPart(T* source, long count);

    /// <summary>Writes all lanes to an address, which need not be aligned.</summary>
    void Store(T* destination);

    /// <summary>Writes the first few lanes; nothing behind these is touched.</summary>
    /// <param name="destination">The address.</param>
    /// <param name="count">How many, from 0 to <see cref="Count"/>.</param>
    void StorePart(T* destination, long count);

    /// <summary>The sum of all lanes, in an order that depends on the width.</summary>
    T Sum();

    /// <summary>Adds the sums of all lanes of four registers to four numbers: for less than four times the work of one.</summary>
    /// <param name="a">Goes to the first number.</param>
    /// <param name="b">Goes to the second one.</param>
    /// <param name="c">Goes to the third one.</param>
    /// <param name="d">Goes to the fourth one.</param>
    /// <param name="sums">The four numbers.</param>
    static abstract void AddSums(TSelf a, TSelf b, TSelf c, TSelf d, T* sums);

    /// <summary>The largest of all lanes; NaN if any is.</summary>
    T Largest();

    /// <summary>a + b</summary>
    static abstract TSelf operator +(TSelf a, TSelf b);

    /// <summary>a − b</summary>
    static abstract TSelf operator -(TSelf a, TSelf b);

    /// <summary>−a</summary>
    static abstract TSelf operator -(TSelf a);

    /// <summary>a b</summary>
    static abstract TSelf operator *(TSelf a, TSelf b);

    /// <summary>a / b</summary>
    static abstract TSelf operator /(TSelf a, TSelf b);

    /// <summary>Bits of both.</summary>
    static abstract TSelf operator &(TSelf a, TSelf b);

    /// <summary>Bits of either.</summary>
    static abstract TSelf operator |(TSelf a, TSelf b);

    /// <summary>Bits of one of the two.</summary>
    static abstract TSelf operator ^(TSelf a, TSelf b);

    /// <summary>a b + c, rounded once.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>√a</summary>
    static abstract TSelf Sqrt(TSelf a);

    /// <summary>|a|</summary>
    static abstract TSelf Abs(TSelf a);

    /// <summary>The larger; NaN if either is.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>The smaller; NaN if either is.</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    /// <summary>a, but no less than low and no more than high, which aren't NaN; NaN if a is. In fewer instructions than
    /// <see cref="Min"/> and <see cref="Max"/>.</summary>
    static abstract TSelf Clamp(TSelf a, TSelf low, TSelf high);

    /// <summary>The nearest whole number, the even one of two.</summary>
    static abstract TSelf Round(TSelf a);

    /// <summary>The mask of a &lt; b; NaN is not.</summary>
    static abstract TSelf LessThan(TSelf a, TSelf b);

    /// <summary>The mask of a ≤ b; NaN is not.</summary>
    static abstract TSelf LessThanOrEqual(TSelf a, TSelf b);

    /// <summary>The mask of a = b; NaN is not.</summary>
    static abstract TSelf Equals(TSelf a, TSelf b);

    /// <summary>a where the mask is set, otherwise b.</summary>
    static abstract TSelf Select(TSelf mask, TSelf a, TSelf b);

    /// <summary>Whether the mask is set in any lane.</summary>
    static abstract bool Any(TSelf mask);

    /// <summary>2ⁿ for whole numbers n whose power is a normal number: −126 ≤ n ≤ 127 in float32, −1022 ≤ n ≤ 1023 in float64.</summary>
    static abstract TSelf PowerOfTwo(TSelf n);

    /// <summary>The exponent of a positive normal number: n of a = 2ⁿ m with 1 ≤ m &lt; 2.</summary>
    static abstract TSelf Exponent(TSelf a);

    /// <summary>The mantissa of a positive normal number: m of a = 2ⁿ m with 1 ≤ m &lt; 2.</summary>
    static abstract TSelf Mantissa(TSelf a);
}
