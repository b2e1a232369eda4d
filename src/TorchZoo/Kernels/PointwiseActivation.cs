using System.Numerics;
using TorchSharp;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Kernels;

/// <summary>
/// y = act(x + bias + residual) in one pass over memory, and its gradients in another. libtorch takes one for each operation; these are bound
/// by memory, so that is what they cost.
/// </summary>
/// <remarks>
/// On CPUs in float32 and float64 there is a kernel, right to a few ulp (<see cref="VectorMath"/>), with the same bits on any number of
/// threads. Elsewhere it is torch operations, which are also what higher derivatives are taken of. For the gradient x and bias are kept, or
/// their sum if there is a residual; y isn't.
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
        return new Function(activation, axis, residual is not null).Apply(x, bias?.to(x.dtype), residual?.to(x.dtype))[0].MoveToOuterDisposeScope();
    }

    /// <param name="activation">act</param>
    /// <param name="axis">The channels' axis.</param>
    /// <param name="keepsSum">Keep z, a second output, rather than the inputs: one tensor in place of two.</param>
    private sealed class Function(Activation activation, int axis, bool keepsSum) : KernelFunction
    {
        protected override bool SavesInputs => !keepsSum;

        // A CUDA kernel would go by the device here, in Forward and in Backward.
        protected override bool HasKernel(KernelCall call) => call[0].device_type == DeviceType.CPU
            && call[0].dtype is ScalarType.Float32 or ScalarType.Float64;

        protected override Tensor[] Forward(KernelCall call)
        {
            var sum = keepsSum && call.IsRecorded ? empty(call[0].shape, call[0].dtype) : null;
            var (y, _) = Run(call[0], call.Optional(1), call.Optional(2), null, sum, false);
            if (sum is null) return [y];
            call.Save(sum);
            return [y, sum];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            if (keepsSum && byOutputs[1] is { } byZ)
            {
                // z's own gradient: gradients of gradients alone have it.
                if (byOutputs[0] is { } byY) byZ = byZ + Run(call.Saved(0), null, null, byY, null, false).Result;
                return Alike(call, byZ);
            }
            var (byX, byBias) = keepsSum ? Run(call.Saved(0), null, null, byOutputs[0], null, call.Needs(1))
                : Run(call[0], call.Optional(1), null, byOutputs[0], null, call.Needs(1));
            return [byX, byBias, byX];
        }

        protected override Tensor[] Eager(KernelCall call)
        {
            var z = call[0];
            if (call.Optional(1) is { } bias) z = z + bias.view([-1, .. Enumerable.Repeat(1L, (int)z.dim() - axis - 1)]);
            if (call.Optional(2) is { } residual) z = z + residual;
            return [Eager(z)];
        }

        protected override Tensor?[] RecordedBackward(KernelCall call, Tensor?[] byOutputs)
        {
            if (!keepsSum) return base.RecordedBackward(call, byOutputs);
            var z = call.Saved(0);
            var byZ = byOutputs[1];
            if (byOutputs[0] is { } byY)
            {
                var own = z.view_as(z);
                var through = autograd.grad([Eager(own)], [own], [byY], retain_graph: true, create_graph: true)[0];
                byZ = byZ is null ? through : byZ + through;
            }
            return Alike(call, byZ!);
        }

        // The gradients by the parts of a sum from that by the sum.
        private Tensor?[] Alike(KernelCall call, Tensor byZ) =>
            [byZ, call.Needs(1) ? byZ.sum([.. Enumerable.Range(0, (int)byZ.dim()).Where(i => i != axis).Select(i => (long)i)]) : null, byZ];

        private Tensor Eager(Tensor z) => activation switch
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

        private (Tensor Result, Tensor? ByBias) Run(Tensor x, Tensor? bias, Tensor? residual, Tensor? byY, Tensor? sum, bool wantsBias) => x.dtype == ScalarType.Float32
            ? Run<float>(x, bias, residual, byY, sum, wantsBias)
            : Run<double>(x, bias, residual, byY, sum, wantsBias);

        private unsafe (Tensor, Tensor?) Run<T>(Tensor x, Tensor? bias, Tensor? residual, Tensor? byY, Tensor? sum, bool wantsBias) where T : unmanaged, IFloatingPointIeee754<T>
        {
            var shape = x.shape;
            var result = empty(shape, x.dtype);
            var byBias = wantsBias ? empty(shape[axis], x.dtype) : null;
            using Pinned<T> px = Plain(x, nameof(x)), pb = Plain(bias, nameof(bias)), pr = Plain(residual, nameof(residual)), pg = Plain(byY, nameof(byY)),
                py = Plain(result, nameof(result)), ps = Plain(sum, nameof(sum)), pc = Plain(byBias, nameof(byBias));
            var channels = bias is not null || wantsBias;
            ActivationKernel.Run(new ActivationKernel.Operands<T>(activation, (nint)px.Pointer, (nint)pb.Pointer, (nint)pr.Pointer, (nint)pg.Pointer,
                (nint)py.Pointer, (nint)ps.Pointer, (nint)pc.Pointer,
                channels ? Product(shape[..axis]) : 1, channels ? shape[axis] : 1, Product(channels ? shape[(axis + 1)..] : shape)));
            return (result, byBias);

            static Pinned<T> Plain(Tensor? tensor, string name) => tensor is null ? default : Pinned<T>.Of(tensor.contiguous(), name);

            static long Product(ReadOnlySpan<long> sizes)
            {
                var product = 1L;
                foreach (var size in sizes) product *= size;
                return product;
            }
        }
    }
}
