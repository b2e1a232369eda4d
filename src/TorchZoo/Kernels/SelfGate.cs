using System.Numerics;
using TorchSharp;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Kernels;

/// <summary>
/// x g(s x) with a slope s that is trained, one for all or one a channel: adaptive swish, GELU and Mish in one pass over memory, and the
/// gradients by x and by the slopes in another. libtorch takes one for each operation.
/// </summary>
/// <remarks>On CPUs in float32 and float64 there is a kernel, with the same bits on any number of threads; on GPUs there is one for these
/// and for 16-bit numbers. Elsewhere it is torch operations, which are also what higher derivatives are taken of. x and the slopes are
/// kept for the gradient.</remarks>
public static class SelfGate
{
    /// <summary>x g(s x)</summary>
    /// <param name="gate">g</param>
    /// <param name="x">Any shape.</param>
    /// <param name="slope">s, broadcastable with x. There is a kernel for one number, and for one a channel: (channels, 1, …).</param>
    /// <returns>Of x's shape and the common type; of the common shape if that is another.</returns>
    /// <exception cref="ArgumentException">There is no such gate.</exception>
    public static Tensor Apply(GateFunction gate, Tensor x, Tensor slope)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(slope);
        if (!Enum.IsDefined(gate)) throw new ArgumentException($"unknown gate {gate}", nameof(gate));
        using var scope = NewDisposeScope();
        if (!HasKernel(x) || AxisOf(x.shape, slope.shape) is not { } axis) return Eager(gate, x, slope).MoveToOuterDisposeScope();
        return new Function(gate, axis).Apply(x, slope.to(x.dtype, x.device))[0].MoveToOuterDisposeScope();
    }

    private static bool HasKernel(Tensor x) => x.device_type switch
    {
        DeviceType.CPU => x.dtype is ScalarType.Float32 or ScalarType.Float64,
        DeviceType.CUDA => CudaActivation.Takes(x.dtype) && CudaKernels.AreAvailable,
        _ => false,
    };

    // The axis of x with the channels; −1: one slope for all; null: neither.
    private static int? AxisOf(ReadOnlySpan<long> shape, ReadOnlySpan<long> slope)
    {
        if (slope.Length > shape.Length) return null;
        int axis = -1, offset = shape.Length - slope.Length;
        for (var i = 0; i < slope.Length; i++)
        {
            if (slope[i] == 1) continue;
            if (axis >= 0 || slope[i] != shape[offset + i]) return null;
            axis = offset + i;
        }
        return axis;
    }

    private static Tensor Eager(GateFunction gate, Tensor x, Tensor slope)
    {
        var u = slope * x;
        return x * (gate switch
        {
            GateFunction.Logistic => u.sigmoid(),
            GateFunction.Normal => 0.5 * (u * -Math.Sqrt(0.5)).erfc(),
            _ => functional.softplus(u).tanh(),
        });
    }

    private sealed class Function(GateFunction gate, int axis) : KernelFunction
    {
        protected override Tensor[] Forward(KernelCall call) => [Pass(call[0], call[1], null, false).Result];

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            var (byX, bySlope) = Pass(call[0], call[1], byOutputs[0], call.Needs(1));
            return [byX, bySlope?.view(call[1].shape)];
        }

        protected override Tensor[] Eager(KernelCall call) => [SelfGate.Eager(gate, call[0], call[1])];

        // y; or the gradients, if there is one by y.
        private (Tensor Result, Tensor? BySlope) Pass(Tensor x, Tensor slope, Tensor? byY, bool wantsSlope) =>
            x.device_type == DeviceType.CUDA ? OnGpu(x, slope, byY, wantsSlope)
            : x.dtype == ScalarType.Float32 ? Run<float>(x, slope, byY, wantsSlope) : Run<double>(x, slope, byY, wantsSlope);

        private (Tensor, Tensor?) OnGpu(Tensor x, Tensor slope, Tensor? byY, bool wantsSlope)
        {
            var result = empty(x.shape, x.dtype, x.device);
            var (_, channels, inner) = Sizes(x.shape);
            var stream = CudaStream.Of(x);
            if (byY is null)
            {
                CudaSelfGate.Forward(gate, x.dtype, stream, x.contiguous(), slope.contiguous(), result, x.numel(), channels, inner);
                return (result, null);
            }
            var wide = x.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            var each = wantsSlope ? empty(x.shape, wide, x.device) : null;
            CudaSelfGate.Backward(gate, x.dtype, stream, x.contiguous(), slope.contiguous(), byY.contiguous(), result, each, x.numel(),
                channels, inner);
            long[] others = [.. Enumerable.Range(0, (int)x.dim()).Where(i => i != axis).Select(i => (long)i)];
            return (result, (others.Length == 0 ? each : each?.sum(others))?.to(x.dtype));
        }

        private unsafe (Tensor, Tensor?) Run<T>(Tensor x, Tensor slope, Tensor? byY, bool wantsSlope)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            var result = empty(x.shape, x.dtype);
            var (outer, channels, inner) = Sizes(x.shape);
            var bySlope = wantsSlope ? empty(channels, x.dtype) : null;
            using Pinned<T> px = Plain(x, nameof(x)), ps = Plain(slope, nameof(slope)), pg = Plain(byY, nameof(byY)),
                py = Plain(result, nameof(result)), pb = Plain(bySlope, nameof(bySlope));
            SelfGateKernel.Run(new SelfGateKernel.Operands<T>(gate, (nint)px.Pointer, (nint)ps.Pointer, (nint)pg.Pointer, (nint)py.Pointer,
                (nint)pb.Pointer, outer, channels, inner));
            return (result, bySlope);

            static Pinned<T> Plain(Tensor? tensor, string name) => tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);
        }

        private (long Outer, long Channels, long Inner) Sizes(ReadOnlySpan<long> shape)
        {
            return axis < 0 ? (1, 1, Product(shape)) : (Product(shape[..axis]), shape[axis], Product(shape[(axis + 1)..]));

            static long Product(ReadOnlySpan<long> sizes)
            {
                var product = 1L;
                foreach (var size in sizes) product *= size;
                return product;
            }
        }
    }
}
