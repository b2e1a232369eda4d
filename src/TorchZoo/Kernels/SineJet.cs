using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharp;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>
/// The sine of a field with its derivatives: from z, its first derivatives z_i = ∂_i z (i &lt; d) and second-order operators applied to it,
/// D_j z = Σ_i S_ji ∂²_i z (j &lt; m), to the same of y = sin(ω z):
/// y = sin ωz, y_i = ω cos(ωz) z_i, D_j y = ω cos(ωz) D_j z − ω² sin(ωz) Σ_i S_ji z_i².
/// </summary>
/// <remarks>
/// The 1 + d + m blocks lie one after the other, (1 + d + m, points, width), so that a linear map acts on all in one product. CPUs and
/// NVIDIA's GPUs in float32 and float64 have a kernel that reads and writes each number once; everything else goes through torch
/// operations, which are also what higher derivatives are taken of.
/// </remarks>
public static class SineJet
{
    /// <summary>There is a kernel for this device and type. On a GPU one is compiled, if there is a compiler
    /// (<see cref="CudaKernels.Problem"/>).</summary>
    public static bool HasKernel(Tensor z) => IsKnown(z) && (z.device_type == DeviceType.CPU || CudaKernels.AreAvailable);

    /// <summary>By the kernel where there is one, else in torch operations. It can be differentiated any number of times.</summary>
    /// <param name="z">(1 + d + m, points, width)</param>
    /// <param name="bias">(width), added to the value block first; null: 0.</param>
    /// <param name="second">S, m rows of d weights; m may be 0.</param>
    /// <param name="omega">ω</param>
    /// <returns>As z.</returns>
    /// <exception cref="ArgumentException">A shape, type or device isn't as described.</exception>
    public static Tensor Compute(Tensor z, Tensor? bias, double[,] second, double omega)
    {
        Check(z, second);
        return new Function(second, omega).Apply(z, bias)[0];
    }

    /// <summary>The reference: torch operations, differentiable any number of times.</summary>
    /// <param name="z">(1 + d + m, …, width)</param>
    /// <param name="bias">(width), added to the value block first; null: 0.</param>
    /// <param name="second">S, m rows of d weights; m may be 0.</param>
    /// <param name="omega">ω</param>
    /// <returns>As z.</returns>
    /// <exception cref="ArgumentException">The first axis isn't 1 + d + m.</exception>
    public static Tensor Eager(Tensor z, Tensor? bias, double[,] second, double omega)
    {
        var (d, m) = Check(z, second);
        using var scope = NewDisposeScope();
        var value = (bias is null ? z[0] : z[0] + bias) * omega;
        Tensor sine = value.sin(), slope = value.cos() * omega;
        if (d == 0) return sine.unsqueeze(0).MoveToOuterDisposeScope();
        var first = z.narrow(0, 1, d);
        var blocks = new List<Tensor> { sine.unsqueeze(0), slope * first };
        if (m > 0)
        {
            var weights = tensor(second, z.dtype, z.device);
            var squares = tensordot(weights, first.square(), [1], [0]);
            blocks.Add(slope * z.narrow(0, 1 + d, m) - omega * omega * sine * squares);
        }
        return cat(blocks, 0).MoveToOuterDisposeScope();
    }

    /// <summary>y into <paramref name="y"/>, by the kernel; on a GPU without one, in torch operations. Nothing is recorded
    /// for gradients.</summary>
    /// <param name="z">(1 + d + m, points, width), contiguous, without bias.</param>
    /// <param name="bias">(width), added to the value block first; null: 0.</param>
    /// <param name="y">Of z's shape and type, contiguous; may be z.</param>
    /// <param name="second">S, m rows of d weights.</param>
    /// <param name="omega">ω</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described.</exception>
    public static void Forward(Tensor z, Tensor? bias, Tensor y, double[,] second, double omega)
    {
        CheckKernel(z, bias, second, (y, nameof(y)));
        if (z.device_type == DeviceType.CUDA) ForwardOnGpu(z, bias, y, second, omega);
        else if (z.dtype == ScalarType.Float32) Apply<float>(z, bias, null, y, second, omega);
        else Apply<double>(z, bias, null, y, second, omega);
    }

    /// <summary>The adjoint: from the loss's derivatives by y, in <paramref name="gradient"/>, to those by z, in their place; and y once
    /// more, which costs next to nothing here and saves keeping it.</summary>
    /// <param name="z">As in <see cref="Forward"/>.</param>
    /// <param name="bias">As in <see cref="Forward"/>.</param>
    /// <param name="gradient">In: by y. Out: by z. Of z's shape and type, contiguous.</param>
    /// <param name="y">Where y goes; of z's shape and type, contiguous.</param>
    /// <param name="second">S, m rows of d weights.</param>
    /// <param name="omega">ω</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described.</exception>
    public static void Backward(Tensor z, Tensor? bias, Tensor gradient, Tensor y, double[,] second, double omega)
    {
        CheckKernel(z, bias, second, (gradient, nameof(gradient)), (y, nameof(y)));
        if (z.device_type == DeviceType.CUDA) BackwardOnGpu(z, bias, gradient, y, second, omega);
        else if (z.dtype == ScalarType.Float32) Apply<float>(z, bias, gradient, y, second, omega);
        else Apply<double>(z, bias, gradient, y, second, omega);
    }

    private static void ForwardOnGpu(Tensor z, Tensor? bias, Tensor y, double[,] second, double omega)
    {
        var d = (int)z.shape[0] - 1 - second.GetLength(0);
        if (!CudaKernels.AreAvailable || !CudaSineJet.Takes(second)) ForwardByTorch(z, bias, y, second, omega);
        else if (z.dtype == ScalarType.Float32)
            CudaSineJet.Forward<float>(CudaStream.Of(z), z, bias, y, z.shape[1], z.shape[2], d, second, omega);
        else CudaSineJet.Forward<double>(CudaStream.Of(z), z, bias, y, z.shape[1], z.shape[2], d, second, omega);
    }

    private static void BackwardOnGpu(Tensor z, Tensor? bias, Tensor gradient, Tensor y, double[,] second, double omega)
    {
        var d = (int)z.shape[0] - 1 - second.GetLength(0);
        if (!CudaKernels.AreAvailable || !CudaSineJet.Takes(second)) BackwardByTorch(z, bias, gradient, y, second, omega);
        else if (z.dtype == ScalarType.Float32)
            CudaSineJet.Backward<float>(CudaStream.Of(z), z, bias, gradient, y, z.shape[1], z.shape[2], d, second, omega);
        else CudaSineJet.Backward<double>(CudaStream.Of(z), z, bias, gradient, y, z.shape[1], z.shape[2], d, second, omega);
    }

    /// <summary><see cref="Forward"/> without a kernel.</summary>
    internal static void ForwardByTorch(Tensor z, Tensor? bias, Tensor y, double[,] second, double omega)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        y.copy_(Eager(z, bias, second, omega));
    }

    /// <summary><see cref="Backward"/> without a kernel.</summary>
    internal static void BackwardByTorch(Tensor z, Tensor? bias, Tensor gradient, Tensor y, double[,] second, double omega)
    {
        using var scope = NewDisposeScope();
        Tensor result, byZ;
        using (enable_grad())
        {
            var input = z.detach().requires_grad_();
            result = Eager(input, bias?.detach(), second, omega);
            byZ = autograd.grad([result], [input], [gradient])[0];
        }
        using var off = no_grad();
        y.copy_(result);
        gradient.copy_(byZ);
    }

    private static unsafe void Apply<T>(Tensor z, Tensor? bias, Tensor? gradient, Tensor y, double[,] second, double omega)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int m = second.GetLength(0), d = (int)z.shape[0] - 1 - m;
        fixed (T* weights = Weights<T>(second))
            Apply(Pointer(z), bias is null ? null : Pointer(bias), gradient is null ? null : Pointer(gradient), Pointer(y),
                z.shape[1], z.shape[2], d, m, weights, T.CreateChecked(omega));

        static T* Pointer(Tensor tensor) => (T*)Checkpoints.TensorMemory.Pointer(tensor);
    }

    /// <summary>S row by row; one element more, so that it can be pointed to.</summary>
    internal static T[] Weights<T>(double[,] second) where T : IFloatingPointIeee754<T> =>
        [.. second.Cast<double>().Select(T.CreateChecked), T.Zero];

    /// <summary><see cref="Forward"/>, or <see cref="Backward"/> if there is a gradient, on raw memory.</summary>
    internal static unsafe void Apply<T>(T* z, T* bias, T* gradient, T* y, long points, long width, int d, int m, T* weights, T omega)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Lanes.Run<T, Blocks<T>>(new(z, bias, gradient, y, points, width, d, m, weights, omega));

    /// <summary>One register of positions at a time. The letters are those of the summary; a g before one is the loss's derivative by
    /// it.</summary>
    private readonly unsafe struct Blocks<T>(T* z, T* bias, T* gradient, T* y, long points, long width, int d, int m, T* weights, T omega)
        : ILanesKernel<T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run<V>() where V : struct, ILanes<V, T>
        {
            for (long row = 0; row < points; row++)
                if (gradient is null) Forward<V>(row * width);
                else Backward<V>(row * width);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Forward<V>(long row) where V : struct, ILanes<V, T>
        {
            var stride = points * width;
            var w = V.Create(omega);
            for (long column = 0; column < width; column += V.Count)
            {
                long at = row + column, n = width - column;
                var s = VectorMath.Sin<V, T>(Value<V>(at, column, n) * w, out var c);
                V slope = w * c, curvature = w * w * s;
                Store(s, y + at, n);
                for (var j = 0; j < m; j++)
                {
                    var to = at + (1 + d + j) * stride;
                    Store(slope * Load<V>(z + to, n) - curvature * Squares<V>(at, j, n), y + to, n);
                }
                // After the squares have been read: y may be z.
                for (var i = 0; i < d; i++)
                {
                    var to = at + (1 + i) * stride;
                    Store(slope * Load<V>(z + to, n), y + to, n);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Backward<V>(long row) where V : struct, ILanes<V, T>
        {
            var stride = points * width;
            var w = V.Create(omega);
            for (long column = 0; column < width; column += V.Count)
            {
                long at = row + column, n = width - column;
                var s = VectorMath.Sin<V, T>(Value<V>(at, column, n) * w, out var c);
                V slope = w * c, curvature = w * w * s;
                Store(s, y + at, n);
                var byZ = slope * Load<V>(gradient + at, n);
                for (var j = 0; j < m; j++)
                {
                    var to = at + (1 + d + j) * stride;
                    V zj = Load<V>(z + to, n), squares = Squares<V>(at, j, n);
                    byZ -= Load<V>(gradient + to, n) * (curvature * zj + w * w * slope * squares);
                    Store(slope * zj - curvature * squares, y + to, n);
                }
                for (var i = 0; i < d; i++)
                {
                    var to = at + (1 + i) * stride;
                    V zi = Load<V>(z + to, n), gi = Load<V>(gradient + to, n), sum = V.Zero;
                    byZ -= curvature * gi * zi;
                    for (var j = 0; j < m; j++)
                        sum += V.Create(weights[j * d + i]) * Load<V>(gradient + at + (1 + d + j) * stride, n);
                    Store(slope * gi - (curvature + curvature) * zi * sum, gradient + to, n);
                    Store(slope * zi, y + to, n);
                }
                for (var j = 0; j < m; j++)
                {
                    var to = at + (1 + d + j) * stride;
                    Store(slope * Load<V>(gradient + to, n), gradient + to, n);
                }
                Store(byZ, gradient + at, n);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private V Value<V>(long at, long column, long n) where V : struct, ILanes<V, T>
        {
            var value = Load<V>(z + at, n);
            return bias is null ? value : value + Load<V>(bias + column, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private V Squares<V>(long at, int j, long n) where V : struct, ILanes<V, T>
        {
            var sum = V.Zero;
            for (var i = 0; i < d; i++)
            {
                var zi = Load<V>(z + at + (1 + i) * points * width, n);
                sum += V.Create(weights[j * d + i]) * zi * zi;
            }
            return sum;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Load<V>(T* source, long n) where V : struct, ILanes<V, T> => n >= V.Count ? V.Load(source) : V.LoadPart(source, n);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store<V>(V value, T* to, long n) where V : struct, ILanes<V, T>
        {
            if (n >= V.Count) value.Store(to);
            else value.StorePart(to, n);
        }
    }

    private sealed class Function(double[,] second, double omega) : KernelFunction
    {
        protected override bool HasKernel(KernelCall call) => SineJet.HasKernel(call[0]);

        protected override Tensor[] Forward(KernelCall call)
        {
            var z = call[0].contiguous();
            var y = empty_like(z);
            SineJet.Forward(z, call.Optional(1), y, second, omega);
            return [y];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            var z = call[0].contiguous();
            var gradient = byOutputs[0]!.clone().contiguous();
            SineJet.Backward(z, call.Optional(1), gradient, empty_like(z), second, omega);
            return [gradient, call.Needs(1) ? gradient[0].sum(dim: 0) : null];
        }

        protected override Tensor[] Eager(KernelCall call) => [SineJet.Eager(call[0], call.Optional(1), second, omega)];
    }

    private static (int D, int M) Check(Tensor z, double[,] second)
    {
        ArgumentNullException.ThrowIfNull(z);
        ArgumentNullException.ThrowIfNull(second);
        var m = second.GetLength(0);
        if (z.dim() == 0 || z.shape[0] < 1 + m || (m > 0 && z.shape[0] != 1 + m + second.GetLength(1)))
            throw new ArgumentException($"Expected (1 + d + {m}, …) with d = {second.GetLength(1)}, got ({string.Join(", ", z.shape)})",
                nameof(z));
        return ((int)z.shape[0] - 1 - m, m);
    }

    private static void CheckKernel(Tensor z, Tensor? bias, double[,] second, params ReadOnlySpan<(Tensor Tensor, string Name)> others)
    {
        Check(z, second);
        if (z.dim() != 3 || !z.is_contiguous() || !IsKnown(z))
            throw new ArgumentException($"Expected a contiguous tensor (blocks, points, width) of float32 or float64 on a CPU or GPU, "
                + $"got {z.dtype} ({string.Join(", ", z.shape)}) on {z.device}", nameof(z));
        if (bias is not null && (!bias.shape.AsSpan().SequenceEqual([z.shape[2]]) || bias.dtype != z.dtype || !bias.is_contiguous()
            || !IsBeside(bias)))
            throw new ArgumentException($"Expected {z.dtype} ({z.shape[2]}), got {bias.dtype} ({string.Join(", ", bias.shape)})",
                nameof(bias));
        foreach (var (tensor, name) in others)
            if (!tensor.shape.AsSpan().SequenceEqual(z.shape) || tensor.dtype != z.dtype || !tensor.is_contiguous()
                || !IsBeside(tensor))
                throw new ArgumentException($"Expected a contiguous {z.dtype} ({string.Join(", ", z.shape)}), got {tensor.dtype} "
                    + $"({string.Join(", ", tensor.shape)})", name);

        bool IsBeside(Tensor other) => other.device_type == z.device_type && other.device_index == z.device_index;
    }

    private static bool IsKnown(Tensor z) =>
        z.device_type is DeviceType.CPU or DeviceType.CUDA && z.dtype is ScalarType.Float32 or ScalarType.Float64;
}
