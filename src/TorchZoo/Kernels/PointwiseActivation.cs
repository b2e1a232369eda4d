using System.Numerics;
using TorchSharp;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Kernels;

/// <summary>
/// y = act(x + bias + residual) in one pass over memory, and its gradients in another. libtorch takes one for each operation; these are
/// bound by memory, so that is what they cost.
/// </summary>
/// <remarks>
/// On CPUs in float32 and float64 there is a kernel, right to a few ulp (<see cref="VectorMath"/>), with the same bits on any number of
/// threads; on GPUs there is one for these and for 16-bit numbers. Elsewhere it is torch operations, which are also what higher derivatives
/// are taken of. For the gradient x and bias are kept, or their sum if there is a residual; y isn't.
/// </remarks>
public static class PointwiseActivation
{
    /// <summary>act(x + bias + residual)</summary>
    /// <param name="activation">act</param>
    /// <param name="x">Any shape.</param>
    /// <param name="bias">(channels); null: none. Bias and residual are taken to x's type, so that automatic casting's stays.</param>
    /// <param name="residual">Of x's shape; null: none.</param>
    /// <param name="channelAxis">The axis of x that the bias belongs to; negative: from the end.</param>
    /// <returns>Of x's shape.</returns>
    /// <exception cref="ArgumentException">The axis isn't there, or a shape doesn't fit.</exception>
    public static Tensor Apply(Activation activation, Tensor x, Tensor? bias = null, Tensor? residual = null, int channelAxis = 1)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (!Enum.IsDefined(activation)) throw new ArgumentException($"unknown activation {activation}", nameof(activation));
        var axis = channelAxis < 0 ? channelAxis + (int)x.dim() : channelAxis;
        if (bias is not null)
        {
            if (axis < 0 || axis >= x.dim())
                throw new ArgumentException($"expected an axis of x, which has {x.dim()}, got {channelAxis}", nameof(channelAxis));
            Expect.Shape(bias, nameof(bias), x.shape[axis]);
        }
        Expect.Shape(residual, nameof(residual), x.shape);
        using var scope = NewDisposeScope();
        (bias, residual) = (bias?.to(x.dtype), residual?.to(x.dtype));
        // With a residual their sum is kept for the gradient, one tensor in place of two: a function of its own,
        // whose kernel has y on the way.
        var recorded = is_grad_enabled() && (x.requires_grad || bias is { requires_grad: true } || residual is { requires_grad: true });
        if (residual is null || !recorded || !HasKernel(x))
            return new Whole(activation, axis).Apply(x, bias, residual)[0].MoveToOuterDisposeScope();
        var sum = new Sum(activation, axis);
        var z = sum.Apply(x, bias, residual)[0];
        using var y = sum.Y;
        return new OfSum(activation, y!).Apply(z)[0].MoveToOuterDisposeScope();
    }

    private static bool HasKernel(Tensor x) => x.device_type switch
    {
        DeviceType.CPU => x.dtype is ScalarType.Float32 or ScalarType.Float64,
        DeviceType.CUDA => CudaActivation.Takes(x.dtype) && CudaKernels.AreAvailable,
        _ => false,
    };

    private static Tensor EagerSum(KernelCall call, int axis)
    {
        var z = call[0];
        if (call.Optional(1) is { } bias) z = z + bias.view([-1, .. Enumerable.Repeat(1L, (int)z.dim() - axis - 1)]);
        return call.Optional(2) is { } residual ? z + residual : z;
    }

    private static Tensor Eager(Activation activation, Tensor z) => activation switch
    {
        Activation.Identity => z.view_as(z),
        Activation.Relu => z.relu(),
        Activation.Sigmoid => z.sigmoid(),
        Activation.Tanh => z.tanh(),
        Activation.Silu => functional.silu(z),
        Activation.Gelu => functional.gelu(z),
        // TorchSharp's gelu takes no approximation.
        Activation.GeluTanh => z * (1.5957691216057308 * (z + 0.044715 * z * z * z)).sigmoid(),
        Activation.Softplus => functional.softplus(z),
        Activation.Mish => functional.mish(z),
        _ => z.sin(),
    };

    private static Tensor SumOverOthers(Tensor x, int axis)
    {
        long[] others = [.. Enumerable.Range(0, (int)x.dim()).Where(i => i != axis).Select(i => (long)i)];
        return others.Length == 0 ? x : x.sum(others);
    }

    /// <summary>All in one.</summary>
    private sealed class Whole(Activation activation, int axis) : KernelFunction
    {
        protected override bool HasKernel(KernelCall call) => PointwiseActivation.HasKernel(call[0]);

        protected override Tensor[] Forward(KernelCall call) =>
            [Pass.Run(activation, axis, call[0], call.Optional(1), call.Optional(2)).Result];

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            var (byX, byBias) = Pass.Run(activation, axis, call[0], call.Optional(1), null, byOutputs[0], wantsBias: call.Needs(1));
            return [byX, byBias, null];
        }

        protected override Tensor[] Eager(KernelCall call) => [PointwiseActivation.Eager(activation, EagerSum(call, axis))];
    }

    /// <summary>z = x + bias + residual; beside it y.</summary>
    private sealed class Sum(Activation activation, int axis) : KernelFunction
    {
        /// <summary>act(z), belonging to no scope.</summary>
        public Tensor? Y { get; private set; }

        protected override bool SavesInputs => false;

        protected override Tensor[] Forward(KernelCall call)
        {
            var z = empty(call[0].shape, call[0].dtype, call[0].device);
            Y = Pass.Run(activation, axis, call[0], call.Optional(1), call.Optional(2), sum: z).Result.DetachFromDisposeScope();
            return [z];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs) => RecordedBackward(call, byOutputs);

        // Linear: the gradient is the same at every input.
        protected override Tensor?[] RecordedBackward(KernelCall call, Tensor?[] byOutputs)
        {
            var byZ = byOutputs[0]!;
            return [byZ, call.Needs(1) ? SumOverOthers(byZ, axis) : null, byZ];
        }
    }

    /// <summary>act(z), which is known already.</summary>
    private sealed class OfSum(Activation activation, Tensor y) : KernelFunction
    {
        protected override Tensor[] Forward(KernelCall call) => [y];

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs) =>
            [Pass.Run(activation, 0, call[0], null, null, byOutputs[0]).Result];

        protected override Tensor[] Eager(KernelCall call) => [PointwiseActivation.Eager(activation, call[0])];
    }

    private static class Pass
    {
        /// <summary>y; or the gradient by x, if there is one by y, and that by the bias, if it is wanted.</summary>
        public static (Tensor Result, Tensor? ByBias) Run(Activation activation, int axis, Tensor x, Tensor? bias, Tensor? residual,
            Tensor? byY = null, Tensor? sum = null, bool wantsBias = false) =>
            x.device_type == DeviceType.CUDA ? OnGpu(activation, axis, x, bias, residual, byY, sum, wantsBias)
            : x.dtype == ScalarType.Float32 ? Run<float>(activation, axis, x, bias, residual, byY, sum, wantsBias)
            : Run<double>(activation, axis, x, bias, residual, byY, sum, wantsBias);

        private static (Tensor, Tensor?) OnGpu(Activation activation, int axis, Tensor x, Tensor? bias, Tensor? residual, Tensor? byY,
            Tensor? sum, bool wantsBias)
        {
            var result = empty(x.shape, x.dtype, x.device);
            var (_, channels, inner) = Sizes(x.shape, axis, bias is not null);
            var (stream, n) = (CudaStream.Of(x), x.numel());
            if (byY is null)
                CudaActivation.Forward(activation, x.dtype, stream, x.contiguous(), bias?.contiguous(), residual?.contiguous(), result, sum, n,
                    channels, inner);
            else CudaActivation.Backward(activation, x.dtype, stream, x.contiguous(), bias?.contiguous(), byY.contiguous(), result, n, channels, inner);
            return (result, wantsBias ? SumOverOthers(result, axis) : null);
        }

        private static (long Outer, long Channels, long Inner) Sizes(ReadOnlySpan<long> shape, int axis, bool byChannel)
        {
            return byChannel ? (Product(shape[..axis]), shape[axis], Product(shape[(axis + 1)..])) : (1, 1, Product(shape));

            static long Product(ReadOnlySpan<long> sizes)
            {
                var product = 1L;
                foreach (var size in sizes) product *= size;
                return product;
            }
        }

        private static unsafe (Tensor, Tensor?) Run<T>(Activation activation, int axis, Tensor x, Tensor? bias, Tensor? residual,
            Tensor? byY, Tensor? sum, bool wantsBias) where T : unmanaged, IFloatingPointIeee754<T>
        {
            var shape = x.shape;
            var result = empty(shape, x.dtype);
            var byBias = wantsBias ? empty(shape[axis], x.dtype) : null;
            using Pinned<T> px = Plain(x, nameof(x)), pb = Plain(bias, nameof(bias)), pr = Plain(residual, nameof(residual)),
                pg = Plain(byY, nameof(byY)), py = Plain(result, nameof(result)),
                ps = Plain(sum, nameof(sum)), pc = Plain(byBias, nameof(byBias));
            var (outer, channels, inner) = Sizes(shape, axis, bias is not null || wantsBias);
            ActivationKernel.Run(new ActivationKernel.Operands<T>(activation, (nint)px.Pointer, (nint)pb.Pointer,
                (nint)pr.Pointer, (nint)pg.Pointer, (nint)py.Pointer, (nint)ps.Pointer, (nint)pc.Pointer, outer, channels, inner));
            return (result, byBias);

            static Pinned<T> Plain(Tensor? tensor, string name) =>
                tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);
        }
    }
}
