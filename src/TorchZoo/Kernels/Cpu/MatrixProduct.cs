using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// Products on raw memory, on the calling thread: parts of larger kernels, whose operands are in the cache and must stay there. They use
/// the widest vectors there are, as libtorch's library does on some processors only.
/// </summary>
internal static unsafe class MatrixProduct
{
    // Six rows by four vectors of 512 bits: 24 sums, four vectors of B and one element of A fit 32 registers. By two of 256 bits: 16.
    private const int Rows = 6;

    /// <summary>C = A B, or C += A B.</summary>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Columns of B and C.</param>
    /// <param name="k">Columns of A, rows of B.</param>
    /// <param name="a">A; its element (i, p) is at i · rowA + p · columnA.</param>
    /// <param name="rowA">Stride of A's rows.</param>
    /// <param name="columnA">Stride of A's columns.</param>
    /// <param name="b">B, rows contiguous and n apart.</param>
    /// <param name="c">C, rows contiguous and n apart.</param>
    /// <param name="accumulate">Add to C.</param>
    // Compiled once and for all: what tiered compilation makes of these loops differs from run to run, by a factor of up to nine.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T>(long m, long n, long k, T* a, long rowA, long columnA, T* b, T* c, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var panel = Vector512.IsHardwareAccelerated ? 4 * Vector512<T>.Count : 2 * Vector256<T>.Count;
        long j = 0;
        for (; j + panel <= n; j += panel)
        {
            long i = 0;
            for (; i + Rows <= m; i += Rows)
                if (Vector512.IsHardwareAccelerated) Block512(n, k, a + i * rowA, rowA, columnA, b + j, c + i * n + j, accumulate);
                else Block256(n, k, a + i * rowA, rowA, columnA, b + j, c + i * n + j, accumulate);
            for (; i < m; i++)
                for (var v = j; v < j + panel; v += Vector256<T>.Count)
                    Strip(n, k, a + i * rowA, columnA, b + v, c + i * n + v, accumulate);
        }
        for (; j + Vector256<T>.Count <= n; j += Vector256<T>.Count)
            for (long i = 0; i < m; i++) Strip(n, k, a + i * rowA, columnA, b + j, c + i * n + j, accumulate);
        for (; j < n; j++)
            for (long i = 0; i < m; i++)
            {
                var sum = accumulate ? c[i * n + j] : T.Zero;
                for (long p = 0; p < k; p++) sum += a[i * rowA + p * columnA] * b[p * n + j];
                c[i * n + j] = sum;
            }
    }

    /// <summary>C = A Bᵀ for a B of few rows: dot products of rows.</summary>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Rows of B, columns of C.</param>
    /// <param name="k">Columns of A and B.</param>
    /// <param name="a">A, contiguous.</param>
    /// <param name="b">B, contiguous.</param>
    /// <param name="c">C, contiguous.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyRows<T>(long m, long n, long k, T* a, T* b, T* c) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (long i = 0; i < m; i++)
            for (long j = 0; j < n; j++)
            {
                T* x = a + i * k, y = b + j * k;
                Vector256<T> even = default, odd = default;
                long p = 0;
                for (; p + 2 * Vector256<T>.Count <= k; p += 2 * Vector256<T>.Count)
                {
                    even += Vector256.Load(x + p) * Vector256.Load(y + p);
                    odd += Vector256.Load(x + p + Vector256<T>.Count) * Vector256.Load(y + p + Vector256<T>.Count);
                }
                var sum = Vector256.Sum(even + odd);
                for (; p < k; p++) sum += x[p] * y[p];
                c[i * n + j] = sum;
            }
    }

    // One row of one vector of columns.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Strip<T>(long n, long k, T* a, long columnA, T* b, T* c, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var sum = accumulate ? Vector256.Load(c) : Vector256<T>.Zero;
        for (long p = 0; p < k; p++, a += columnA, b += n) sum = Fused(Vector256.Create(*a), Vector256.Load(b), sum);
        sum.Store(c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block512<T>(long n, long k, T* a, long rowA, long columnA, T* b, T* c, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int w = Vector512<T>.Count;
        Vector512<T> c00 = default, c01 = default, c02 = default, c03 = default, c10 = default, c11 = default, c12 = default, c13 = default,
            c20 = default, c21 = default, c22 = default, c23 = default, c30 = default, c31 = default, c32 = default, c33 = default,
            c40 = default, c41 = default, c42 = default, c43 = default, c50 = default, c51 = default, c52 = default, c53 = default;
        T* a3 = a + 3 * rowA;
        long two = 2 * rowA;
        for (long p = 0; p < k; p++, a += columnA, a3 += columnA, b += n)
        {
            Vector512<T> b0 = Vector512.Load(b), b1 = Vector512.Load(b + w), b2 = Vector512.Load(b + 2 * w), b3 = Vector512.Load(b + 3 * w);
            var x = Vector512.Create(*a);
            c00 = Fused(x, b0, c00); c01 = Fused(x, b1, c01); c02 = Fused(x, b2, c02); c03 = Fused(x, b3, c03);
            x = Vector512.Create(a[rowA]);
            c10 = Fused(x, b0, c10); c11 = Fused(x, b1, c11); c12 = Fused(x, b2, c12); c13 = Fused(x, b3, c13);
            x = Vector512.Create(a[two]);
            c20 = Fused(x, b0, c20); c21 = Fused(x, b1, c21); c22 = Fused(x, b2, c22); c23 = Fused(x, b3, c23);
            x = Vector512.Create(*a3);
            c30 = Fused(x, b0, c30); c31 = Fused(x, b1, c31); c32 = Fused(x, b2, c32); c33 = Fused(x, b3, c33);
            x = Vector512.Create(a3[rowA]);
            c40 = Fused(x, b0, c40); c41 = Fused(x, b1, c41); c42 = Fused(x, b2, c42); c43 = Fused(x, b3, c43);
            x = Vector512.Create(a3[two]);
            c50 = Fused(x, b0, c50); c51 = Fused(x, b1, c51); c52 = Fused(x, b2, c52); c53 = Fused(x, b3, c53);
        }
        Write(c00, c01, c02, c03, c, w, accumulate);
        Write(c10, c11, c12, c13, c + n, w, accumulate);
        Write(c20, c21, c22, c23, c + 2 * n, w, accumulate);
        Write(c30, c31, c32, c33, c + 3 * n, w, accumulate);
        Write(c40, c41, c42, c43, c + 4 * n, w, accumulate);
        Write(c50, c51, c52, c53, c + 5 * n, w, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write<T>(Vector512<T> v0, Vector512<T> v1, Vector512<T> v2, Vector512<T> v3, T* c, int w, bool accumulate)
        where T : unmanaged
    {
        if (accumulate)
        {
            v0 += Vector512.Load(c);
            v1 += Vector512.Load(c + w);
            v2 += Vector512.Load(c + 2 * w);
            v3 += Vector512.Load(c + 3 * w);
        }
        v0.Store(c);
        v1.Store(c + w);
        v2.Store(c + 2 * w);
        v3.Store(c + 3 * w);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block256<T>(long n, long k, T* a, long rowA, long columnA, T* b, T* c, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int w = Vector256<T>.Count;
        Vector256<T> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default,
            c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        T* a3 = a + 3 * rowA;
        long two = 2 * rowA;
        for (long p = 0; p < k; p++, a += columnA, a3 += columnA, b += n)
        {
            Vector256<T> b0 = Vector256.Load(b), b1 = Vector256.Load(b + w);
            var x = Vector256.Create(*a);
            c00 = Fused(x, b0, c00); c01 = Fused(x, b1, c01);
            x = Vector256.Create(a[rowA]);
            c10 = Fused(x, b0, c10); c11 = Fused(x, b1, c11);
            x = Vector256.Create(a[two]);
            c20 = Fused(x, b0, c20); c21 = Fused(x, b1, c21);
            x = Vector256.Create(*a3);
            c30 = Fused(x, b0, c30); c31 = Fused(x, b1, c31);
            x = Vector256.Create(a3[rowA]);
            c40 = Fused(x, b0, c40); c41 = Fused(x, b1, c41);
            x = Vector256.Create(a3[two]);
            c50 = Fused(x, b0, c50); c51 = Fused(x, b1, c51);
        }
        Write(c00, c01, c, accumulate);
        Write(c10, c11, c + n, accumulate);
        Write(c20, c21, c + 2 * n, accumulate);
        Write(c30, c31, c + 3 * n, accumulate);
        Write(c40, c41, c + 4 * n, accumulate);
        Write(c50, c51, c + 5 * n, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write<T>(Vector256<T> v0, Vector256<T> v1, T* c, bool accumulate) where T : unmanaged
    {
        if (accumulate)
        {
            v0 += Vector256.Load(c);
            v1 += Vector256.Load(c + Vector256<T>.Count);
        }
        v0.Store(c);
        v1.Store(c + Vector256<T>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Fused<T>(Vector512<T> x, Vector512<T> y, Vector512<T> sum) => typeof(T) == typeof(float)
        ? Vector512.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), sum.AsSingle()).As<float, T>()
        : Vector512.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), sum.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<T> Fused<T>(Vector256<T> x, Vector256<T> y, Vector256<T> sum) => typeof(T) == typeof(float)
        ? Vector256.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), sum.AsSingle()).As<float, T>()
        : Vector256.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), sum.AsDouble()).As<double, T>();
}
