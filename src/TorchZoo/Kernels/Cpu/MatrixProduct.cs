using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// Products on raw memory, on the calling thread: parts of larger kernels, whose operands are in the cache and must stay there. They use
/// the widest registers there are, as libtorch's library does on some processors only.
/// </summary>
internal static unsafe class MatrixProduct
{
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
    public static void Multiply<T>(long m, long n, long k, T* a, long rowA, long columnA, T* b, T* c, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T> => Lanes.Run<T, Product<T>>(new(m, n, k, a, rowA, columnA, b, c, accumulate));

    /// <summary>C = A Bᵀ for a B of few rows: dot products of rows.</summary>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Rows of B, columns of C.</param>
    /// <param name="k">Columns of A and B.</param>
    /// <param name="a">A, contiguous.</param>
    /// <param name="b">B, contiguous.</param>
    /// <param name="c">C, contiguous.</param>
    public static void MultiplyRows<T>(long m, long n, long k, T* a, T* b, T* c) where T : unmanaged, IFloatingPointIeee754<T> =>
        Lanes.Run<T, RowProducts<T>>(new(m, n, k, a, b, c));

    private readonly struct Product<T>(long m, long n, long k, T* a, long rowA, long columnA, T* b, T* c, bool accumulate) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // AVX-512 and ARM have 32: six rows by four registers of columns, four of B and an element of A fit in.
        private static bool HasManyRegisters => Lanes.Bits == 512 || AdvSimd.Arm64.IsSupported;

        // Compiled once and for all: what tiered compilation makes of these loops differs from run to run, by a factor of up to nine.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            var panel = (HasManyRegisters ? 4 : 2) * V.Count;
            long j = 0, whole = n / V.Count * V.Count;
            for (; j < whole; j += panel)
            {
                var vectors = Math.Min(panel, whole - j) / V.Count;
                long i = 0;
                for (; i + TileProduct.Rows <= m; i += TileProduct.Rows)
                    if (vectors == 4) Four<V>(a + i * rowA, b + j, c + i * n + j);
                    else TileProduct.Run<V, T>(vectors, k, a + i * rowA, rowA, columnA, b + j, n, c + i * n + j, n, accumulate);
                for (; i < m; i++)
                    for (var v = 0; v < vectors; v++) Strip<V>(a + i * rowA, b + j + v * V.Count, c + i * n + j + v * V.Count);
            }
            j = whole;
            for (; j + Lanes128<T>.Count <= n; j += Lanes128<T>.Count)
                for (long i = 0; i < m; i++) Strip<Lanes128<T>>(a + i * rowA, b + j, c + i * n + j);
            for (; j < n; j++)
                for (long i = 0; i < m; i++)
                {
                    var sum = accumulate ? c[i * n + j] : T.Zero;
                    for (long p = 0; p < k; p++) sum += a[i * rowA + p * columnA] * b[p * n + j];
                    c[i * n + j] = sum;
                }
        }

        // One row of one register of columns.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Strip<V>(T* a, T* b, T* c) where V : struct, ILanes<V, T>
        {
            var sum = accumulate ? V.Load(c) : V.Zero;
            for (long p = 0; p < k; p++, a += columnA, b += n) sum = V.MultiplyAdd(V.Create(*a), V.Load(b), sum);
            sum.Store(c);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Four<V>(T* a, T* b, T* c) where V : struct, ILanes<V, T>
        {
            var w = V.Count;
            V c00 = V.Zero, c01 = V.Zero, c02 = V.Zero, c03 = V.Zero, c10 = V.Zero, c11 = V.Zero, c12 = V.Zero, c13 = V.Zero,
                c20 = V.Zero, c21 = V.Zero, c22 = V.Zero, c23 = V.Zero, c30 = V.Zero, c31 = V.Zero, c32 = V.Zero, c33 = V.Zero,
                c40 = V.Zero, c41 = V.Zero, c42 = V.Zero, c43 = V.Zero, c50 = V.Zero, c51 = V.Zero, c52 = V.Zero, c53 = V.Zero;
            T* a3 = a + 3 * rowA;
            long two = 2 * rowA;
            for (long p = 0; p < k; p++, a += columnA, a3 += columnA, b += n)
            {
                V b0 = V.Load(b), b1 = V.Load(b + w), b2 = V.Load(b + 2 * w), b3 = V.Load(b + 3 * w);
                var x = V.Create(*a);
                c00 = V.MultiplyAdd(x, b0, c00); c01 = V.MultiplyAdd(x, b1, c01); c02 = V.MultiplyAdd(x, b2, c02); c03 = V.MultiplyAdd(x, b3, c03);
                x = V.Create(a[rowA]);
                c10 = V.MultiplyAdd(x, b0, c10); c11 = V.MultiplyAdd(x, b1, c11); c12 = V.MultiplyAdd(x, b2, c12); c13 = V.MultiplyAdd(x, b3, c13);
                x = V.Create(a[two]);
                c20 = V.MultiplyAdd(x, b0, c20); c21 = V.MultiplyAdd(x, b1, c21); c22 = V.MultiplyAdd(x, b2, c22); c23 = V.MultiplyAdd(x, b3, c23);
                x = V.Create(*a3);
                c30 = V.MultiplyAdd(x, b0, c30); c31 = V.MultiplyAdd(x, b1, c31); c32 = V.MultiplyAdd(x, b2, c32); c33 = V.MultiplyAdd(x, b3, c33);
                x = V.Create(a3[rowA]);
                c40 = V.MultiplyAdd(x, b0, c40); c41 = V.MultiplyAdd(x, b1, c41); c42 = V.MultiplyAdd(x, b2, c42); c43 = V.MultiplyAdd(x, b3, c43);
                x = V.Create(a3[two]);
                c50 = V.MultiplyAdd(x, b0, c50); c51 = V.MultiplyAdd(x, b1, c51); c52 = V.MultiplyAdd(x, b2, c52); c53 = V.MultiplyAdd(x, b3, c53);
            }
            Write(c00, c01, c02, c03, c);
            Write(c10, c11, c12, c13, c + n);
            Write(c20, c21, c22, c23, c + 2 * n);
            Write(c30, c31, c32, c33, c + 3 * n);
            Write(c40, c41, c42, c43, c + 4 * n);
            Write(c50, c51, c52, c53, c + 5 * n);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Write<V>(V v0, V v1, V v2, V v3, T* c) where V : struct, ILanes<V, T>
        {
            var w = V.Count;
            if (accumulate)
            {
                v0 += V.Load(c);
                v1 += V.Load(c + w);
                v2 += V.Load(c + 2 * w);
                v3 += V.Load(c + 3 * w);
            }
            v0.Store(c);
            v1.Store(c + w);
            v2.Store(c + 2 * w);
            v3.Store(c + 3 * w);
        }
    }

    private readonly struct RowProducts<T>(long m, long n, long k, T* a, T* b, T* c) : ILanesKernel<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            for (long i = 0; i < m; i++)
                for (long j = 0; j < n; j++)
                {
                    T* x = a + i * k, y = b + j * k;
                    V even = V.Zero, odd = V.Zero;
                    long p = 0;
                    for (; p + 2 * V.Count <= k; p += 2 * V.Count)
                    {
                        even = V.MultiplyAdd(V.Load(x + p), V.Load(y + p), even);
                        odd = V.MultiplyAdd(V.Load(x + p + V.Count), V.Load(y + p + V.Count), odd);
                    }
                    for (; p + V.Count <= k; p += V.Count) even = V.MultiplyAdd(V.Load(x + p), V.Load(y + p), even);
                    var sum = (even + odd).Sum();
                    for (; p < k; p++) sum += x[p] * y[p];
                    c[i * n + j] = sum;
                }
        }
    }
}
