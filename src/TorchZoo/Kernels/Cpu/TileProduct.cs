using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>Products of small matrices in the cache, on registers of any width, whose sums stay in registers: six rows at a time, by up to
/// two registers of columns (fifteen registers in all).</summary>
internal static unsafe class TileProduct
{
    /// <summary>How many rows.</summary>
    public const int Rows = 6;

    private const MethodImplOptions Loop = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>C = A B, or C += A B, for six rows.</summary>
    /// <param name="vectors">Columns of B and C, in registers.</param>
    /// <param name="k">Columns of A, rows of B.</param>
    /// <param name="a">A; its element (i, p) is at i · rowA + p · columnA.</param>
    /// <param name="rowA">Stride of A's rows.</param>
    /// <param name="columnA">Stride of A's columns.</param>
    /// <param name="b">B.</param>
    /// <param name="rowB">Stride of B's rows.</param>
    /// <param name="c">C.</param>
    /// <param name="rowC">Stride of C's rows.</param>
    /// <param name="accumulate">Add to C.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<V, T>(long vectors, long k, T* a, long rowA, long columnA, T* b, long rowB, T* c, long rowC, bool accumulate)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (; vectors >= 2; vectors -= 2, b += 2 * V.Count, c += 2 * V.Count) Two<V, T>(k, a, rowA, columnA, b, rowB, c, rowC, accumulate);
        if (vectors > 0) One<V, T>(k, a, rowA, columnA, b, rowB, c, rowC, accumulate);
    }

    [MethodImpl(Loop)]
    private static void Two<V, T>(long k, T* a, long rowA, long columnA, T* b, long rowB, T* c, long rowC, bool accumulate)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero,
            c30 = V.Zero, c31 = V.Zero, c40 = V.Zero, c41 = V.Zero, c50 = V.Zero, c51 = V.Zero;
        T* a3 = a + 3 * rowA;
        long two = 2 * rowA;
        for (long p = 0; p < k; p++, a += columnA, a3 += columnA, b += rowB)
        {
            V b0 = V.Load(b), b1 = V.Load(b + V.Count), x = V.Create(*a);
            c00 = V.MultiplyAdd(x, b0, c00); c01 = V.MultiplyAdd(x, b1, c01);
            x = V.Create(a[rowA]);
            c10 = V.MultiplyAdd(x, b0, c10); c11 = V.MultiplyAdd(x, b1, c11);
            x = V.Create(a[two]);
            c20 = V.MultiplyAdd(x, b0, c20); c21 = V.MultiplyAdd(x, b1, c21);
            x = V.Create(*a3);
            c30 = V.MultiplyAdd(x, b0, c30); c31 = V.MultiplyAdd(x, b1, c31);
            x = V.Create(a3[rowA]);
            c40 = V.MultiplyAdd(x, b0, c40); c41 = V.MultiplyAdd(x, b1, c41);
            x = V.Create(a3[two]);
            c50 = V.MultiplyAdd(x, b0, c50); c51 = V.MultiplyAdd(x, b1, c51);
        }
        Write<V, T>(c00, c01, c, accumulate);
        Write<V, T>(c10, c11, c + rowC, accumulate);
        Write<V, T>(c20, c21, c + 2 * rowC, accumulate);
        Write<V, T>(c30, c31, c + 3 * rowC, accumulate);
        Write<V, T>(c40, c41, c + 4 * rowC, accumulate);
        Write<V, T>(c50, c51, c + 5 * rowC, accumulate);
    }

    [MethodImpl(Loop)]
    private static void One<V, T>(long k, T* a, long rowA, long columnA, T* b, long rowB, T* c, long rowC, bool accumulate)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        V c0 = V.Zero, c1 = V.Zero, c2 = V.Zero, c3 = V.Zero, c4 = V.Zero, c5 = V.Zero;
        T* a3 = a + 3 * rowA;
        long two = 2 * rowA;
        for (long p = 0; p < k; p++, a += columnA, a3 += columnA, b += rowB)
        {
            var x = V.Load(b);
            c0 = V.MultiplyAdd(V.Create(*a), x, c0);
            c1 = V.MultiplyAdd(V.Create(a[rowA]), x, c1);
            c2 = V.MultiplyAdd(V.Create(a[two]), x, c2);
            c3 = V.MultiplyAdd(V.Create(*a3), x, c3);
            c4 = V.MultiplyAdd(V.Create(a3[rowA]), x, c4);
            c5 = V.MultiplyAdd(V.Create(a3[two]), x, c5);
        }
        Write<V, T>(c0, c, accumulate);
        Write<V, T>(c1, c + rowC, accumulate);
        Write<V, T>(c2, c + 2 * rowC, accumulate);
        Write<V, T>(c3, c + 3 * rowC, accumulate);
        Write<V, T>(c4, c + 4 * rowC, accumulate);
        Write<V, T>(c5, c + 5 * rowC, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write<V, T>(V first, V second, T* c, bool accumulate)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        Write<V, T>(first, c, accumulate);
        Write<V, T>(second, c + V.Count, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write<V, T>(V sum, T* c, bool accumulate)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (accumulate) sum += V.Load(c);
        sum.Store(c);
    }
}
