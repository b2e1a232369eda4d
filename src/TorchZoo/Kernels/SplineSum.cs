using System.Numerics;
using TorchSharp;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>
/// Sums of spline curves, the linear map of Kolmogorov–Arnold networks: y_o = Σ_i Σ_m c_{i,m,o} B_m(x_i). Of a feature's G + k basis functions
/// k + 1 are not zero; only these are computed and multiplied, so the time doesn't grow with G.
/// </summary>
/// <remarks>On CPUs and GPUs, in float32 and float64; 16-bit inputs are computed in float32. Differentiable by x and c; gradients of gradients,
/// gradients by the knots and orders above <see cref="LargestOrder"/> are those of <see cref="Eager"/>.</remarks>
public static class SplineSum
{
    /// <summary>The largest order that there are kernels for.</summary>
    public const int LargestOrder = 9;

    /// <summary>The sums.</summary>
    /// <param name="x">(…, features)</param>
    /// <param name="grid">Knots that don't decrease, extended (<see cref="SplineGrid"/>): (features, G + 2k + 1).</param>
    /// <param name="coefficients">c: (features, G + k, outputs).</param>
    /// <param name="order">k ≥ 0</param>
    /// <returns>y: (…, outputs)</returns>
    /// <exception cref="ArgumentException">Shapes, types or devices don't fit.</exception>
    public static Tensor Apply(Tensor x, Tensor grid, Tensor coefficients, int order)
    {
        Check(x, grid, coefficients, order);
        using var scope = NewDisposeScope();
        var flat = x.reshape(-1, grid.shape[0]);
        var sums = new Function(order).ApplyInFullPrecision(flat, grid, coefficients)[0];
        return sums.to(x.dtype).reshape([.. x.shape[..^1], coefficients.shape[2]]).MoveToOuterDisposeScope();
    }

    /// <summary>The same in torch operations, by all basis functions.</summary>
    /// <inheritdoc cref="Apply"/>
    public static Tensor Eager(Tensor x, Tensor grid, Tensor coefficients, int order)
    {
        Check(x, grid, coefficients, order);
        using var scope = NewDisposeScope();
        return BSpline.Basis(x, grid, order).flatten(-2).matmul(coefficients.flatten(0, 1)).MoveToOuterDisposeScope();
    }

    private static void Check(Tensor x, Tensor grid, Tensor coefficients, int order)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(coefficients);
        _ = SplineGrid.Intervals(grid, order);
        if (x.dim() < 1 || x.shape[^1] != grid.shape[0])
            throw new ArgumentException($"Expected (…, {grid.shape[0]} features), got ({string.Join(", ", x.shape)})", nameof(x));
        Expect.Shape(coefficients, nameof(coefficients), grid.shape[0], grid.shape[1] - order - 1, -1);
        Expect.Like(grid, x, nameof(grid));
        Expect.Like(coefficients, x, nameof(coefficients));
    }

    // Of x (N, features), knots, c (features, G + k, outputs).
    private sealed class Function(int order) : KernelFunction
    {
        protected override bool HasKernel(KernelCall call) => order <= LargestOrder && !call.Needs(1)
            && call[0].dtype is ScalarType.Float32 or ScalarType.Float64 && call[0].device_type switch
            {
                DeviceType.CPU => true,
                DeviceType.CUDA => CudaKernels.AreAvailable,
                _ => false,
            };

        protected override Tensor[] Forward(KernelCall call)
        {
            Tensor x = call[0].contiguous(), grid = call[1].contiguous(), c = call[2].contiguous();
            var y = empty([x.shape[0], c.shape[2]], x.dtype, x.device);
            if (x.device_type == DeviceType.CUDA) CudaSplineSum.Forward(x, grid, c, y, order);
            else if (x.dtype == ScalarType.Float32) OnCpu<float>(x, grid, c, y);
            else OnCpu<double>(x, grid, c, y);
            return [y];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            Tensor x = call[0].contiguous(), grid = call[1].contiguous(), c = call[2].contiguous(), byY = byOutputs[0]!.contiguous();
            Tensor? byX = call.Needs(0) ? empty_like(x) : null, byC = call.Needs(2) ? empty_like(c) : null;
            if (x.device_type == DeviceType.CUDA) CudaSplineSum.Backward(x, grid, c, byY, byX, byC, order);
            else if (x.dtype == ScalarType.Float32) GradientsOnCpu<float>(x, grid, c, byY, byX, byC);
            else GradientsOnCpu<double>(x, grid, c, byY, byX, byC);
            return [byX, null, byC];
        }

        protected override Tensor[] Eager(KernelCall call) => [SplineSum.Eager(call[0], call[1], call[2], order)];

        private unsafe void OnCpu<T>(Tensor x, Tensor grid, Tensor c, Tensor y) where T : unmanaged, IFloatingPointIeee754<T>
        {
            using Pinned<T> px = Pinned<T>.Of(x, nameof(x)), pg = Pinned<T>.Of(grid, nameof(grid)), pc = Pinned<T>.Of(c, nameof(c)),
                py = Pinned<T>.Of(y, nameof(y));
            SplineKernel.Forward(new(x.shape[0], x.shape[1], grid.shape[1], c.shape[2], order), px.Pointer, pg.Pointer, pc.Pointer, py.Pointer);
        }

        private unsafe void GradientsOnCpu<T>(Tensor x, Tensor grid, Tensor c, Tensor byY, Tensor? byX, Tensor? byC)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            using Pinned<T> px = Pinned<T>.Of(x, nameof(x)), pg = Pinned<T>.Of(grid, nameof(grid)), pc = Pinned<T>.Of(c, nameof(c)),
                pby = Pinned<T>.Of(byY, nameof(byY)), pbx = byX is null ? default : Pinned<T>.Of(byX, nameof(byX)),
                pbc = byC is null ? default : Pinned<T>.Of(byC, nameof(byC));
            SplineKernel.Backward(new(x.shape[0], x.shape[1], grid.shape[1], c.shape[2], order), px.Pointer, pg.Pointer, pc.Pointer,
                pby.Pointer, pbx.Pointer, pbc.Pointer);
        }
    }
}
