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
/// threads. Elsewhere it is torch operations, which are also what higher derivatives are taken of. x, bias and residual are kept for the
/// gradient, y isn't.
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
        return new Function(activation, axis).Apply(x, bias?.to(x.dtype), residual?.to(x.dtype))[0].MoveToOuterDisposeScope();
    }

    private sealed class Function(Activation activation, int axis) : KernelFunction
    {
        // A CUDA kernel would go by the device here, in Forward and in Backward.
        protected override bool HasKernel(KernelCall call) => call[0].device_type == DeviceType.CPU
            && call[0].dtype is ScalarType.Float32 or ScalarType.Float64;

        protected override Tensor[] Forward(KernelCall call) => [Run(call, null, false).Result];

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            var (byX, byBias) = Run(call, byOutputs[0]!, call.Needs(1));
            return [byX, byBias, byX];
        }

        protected override Tensor[] Eager(KernelCall call)
        {
            var z = call[0];
            if (call.Optional(1) is { } bias) z = z + bias.view([-1, .. Enumerable.Repeat(1L, (int)z.dim() - axis - 1)]);
            if (call.Optional(2) is { } residual) z = z + residual;
            return [activation switch
            {
                Activation.Identity => z,
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
            }];
        }

        private (Tensor Result, Tensor? ByBias) Run(KernelCall call, Tensor? byY, bool wantsBias) => call[0].dtype == ScalarType.Float32
            ? Run<float>(call[0], call.Optional(1), call.Optional(2), byY, wantsBias)
            : Run<double>(call[0], call.Optional(1), call.Optional(2), byY, wantsBias);

        private unsafe (Tensor, Tensor?) Run<T>(Tensor x, Tensor? bias, Tensor? residual, Tensor? byY, bool wantsBias) where T : unmanaged, IFloatingPointIeee754<T>
        {
            var shape = x.shape;
            var result = empty(shape, x.dtype);
            var byBias = wantsBias ? empty_like(bias!) : null;
            using Pinned<T> px = Plain(x, nameof(x)), pb = Plain(bias, nameof(bias)), pr = Plain(residual, nameof(residual)), pg = Plain(byY, nameof(byY)),
                py = Pinned<T>.Of(result, nameof(result)), ps = Plain(byBias, nameof(byBias));
            ActivationKernel.Run(new ActivationKernel.Operands<T>(activation, (nint)px.Pointer, (nint)pb.Pointer, (nint)pr.Pointer, (nint)pg.Pointer,
                (nint)py.Pointer, (nint)ps.Pointer, Product(shape[..axis]), bias is null ? 1 : shape[axis], bias is null ? Product(shape[axis..]) : Product(shape[(axis + 1)..])));
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
