using System.Numerics;
using TorchSharp;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>
/// One time step of spiking neurons in one pass over memory, and its gradients in another; a chain of torch operations takes eight and more.
/// </summary>
/// <remarks>On CPUs and GPUs, in float32 and float64. Inputs of 16 bits are computed in float32: the potential would lose what it sums up.
/// For the gradient, u alone is kept. There are no gradients of gradients: a surrogate has none that mean anything.</remarks>
public static class SpikingUpdate
{
    /// <summary>Spikes and potentials of the next step.</summary>
    /// <param name="dynamics">What the neurons do.</param>
    /// <param name="input">x, any shape.</param>
    /// <param name="membrane">v after the last step, of x's shape; null: all at rest.</param>
    /// <returns>s of x's type, and the new v (float32 for an x of 16 bits), both of x's shape.</returns>
    /// <exception cref="ArgumentException">The shapes, types or devices differ, or a number of the dynamics is out of range.</exception>
    public static (Tensor Spikes, Tensor Membrane) Apply(SpikingDynamics dynamics, Tensor input, Tensor? membrane = null)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        ArgumentNullException.ThrowIfNull(input);
        _ = dynamics.Checked();
        Expect.Shape(membrane, nameof(membrane), input.shape);
        using var scope = NewDisposeScope();
        var wide = Autocast.ToFullPrecision(input);
        Expect.Type(wide, nameof(input), ScalarType.Float32, ScalarType.Float64);
        Expect.Like(membrane, wide, nameof(membrane));
        var outputs = new Function(dynamics).Apply(wide, membrane);
        return (outputs[0].to(input.dtype).MoveToOuterDisposeScope(), outputs[1].MoveToOuterDisposeScope());
    }

    /// <summary>The same in place, for potentials that no gradient goes through: they stay in one piece of memory in all time steps.</summary>
    /// <param name="dynamics">What the neurons do.</param>
    /// <param name="input">x, any shape.</param>
    /// <param name="membrane">v after the last step, which becomes that after this one: contiguous, of x's shape and type (float32 for an x of
    /// 16 bits), without a gradient.</param>
    /// <returns>s of x's type. Its gradient by x is that within the time step.</returns>
    /// <exception cref="ArgumentException">Shapes, types, devices or layout aren't as described, or a number of the dynamics is out of
    /// range.</exception>
    public static Tensor Advance(SpikingDynamics dynamics, Tensor input, Tensor membrane)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(membrane);
        _ = dynamics.Checked();
        Expect.Shape(membrane, nameof(membrane), input.shape);
        if (membrane.requires_grad || !membrane.is_contiguous())
            throw new ArgumentException("expected contiguous potentials without a gradient", nameof(membrane));
        using var scope = NewDisposeScope();
        var wide = Autocast.ToFullPrecision(input);
        Expect.Type(wide, nameof(input), ScalarType.Float32, ScalarType.Float64);
        Expect.Like(membrane, wide, nameof(membrane));
        return new Function(dynamics, membrane).Apply(wide)[0].to(input.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The same in torch operations; its gradient is the surrogate's.</summary>
    /// <inheritdoc cref="Apply"/>
    public static (Tensor Spikes, Tensor Membrane) Eager(SpikingDynamics dynamics, Tensor input, Tensor? membrane = null)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        ArgumentNullException.ThrowIfNull(input);
        using var scope = NewDisposeScope();
        var v = membrane ?? full_like(input, dynamics.Rest);
        var u = v * dynamics.Leak;
        if (dynamics.Drift != 0) u = u + dynamics.Drift;
        u = u + (dynamics.InputGain == 1 ? input : input * dynamics.InputGain);
        var distance = u - dynamics.Threshold;
        // The step's value with the surrogate's slope.
        var slope = (distance * Slope(dynamics, distance.detach())).nan_to_num(0, 0, 0);
        var s = distance.ge(0).to(input.dtype) + (slope - slope.detach());
        var inReset = dynamics.DetachReset ? s.detach() : s;
        var next = dynamics.Reset is { } reset ? (1 - inReset) * u + inReset * reset : u - inReset * dynamics.Threshold;
        return (s.MoveToOuterDisposeScope(), next.MoveToOuterDisposeScope());
    }

    /// <summary>The surrogate's slope.</summary>
    /// <param name="dynamics">Whose.</param>
    /// <param name="distance">x = u − θ</param>
    public static Tensor Slope(SpikingDynamics dynamics, Tensor distance)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        ArgumentNullException.ThrowIfNull(distance);
        using var scope = NewDisposeScope();
        var alpha = dynamics.SurrogateAlpha;
        var size = distance.abs();
        return (dynamics.Surrogate switch
        {
            SurrogateGradient.Triangle => (alpha - alpha * alpha * size).clamp_min(0),
            SurrogateGradient.Rectangle => size.le(alpha / 2).to(distance.dtype) / alpha,
            SurrogateGradient.Sigmoid => alpha * (size * alpha).sigmoid() * (size * -alpha).sigmoid(),
            SurrogateGradient.ArcTangent => alpha / 2 / ((Math.PI / 2 * alpha * size).square() + 1),
            SurrogateGradient.FastSigmoid => (alpha * size + 1).square().reciprocal(),
            _ => alpha / 2 * (size * -alpha).exp(),
        }).MoveToOuterDisposeScope();
    }

    /// <summary>From x and perhaps v to s and the new v; or, in place, from x to s.</summary>
    private sealed class Function(SpikingDynamics dynamics, Tensor? inPlace = null) : KernelFunction
    {
        protected override bool SavesInputs => false;

        protected override bool HasKernel(KernelCall call) => call[0].device_type switch
        {
            DeviceType.CPU => true,
            DeviceType.CUDA => CudaKernels.AreAvailable,
            _ => false,
        };

        protected override Tensor[] Forward(KernelCall call)
        {
            var x = call[0].contiguous();
            var v = inPlace ?? call.Optional(1)?.contiguous();
            Tensor spikes = empty_like(x), next = inPlace ?? empty_like(x);
            var u = call.IsRecorded ? empty_like(x) : null;
            call.Save(u);
            if (x.device_type == DeviceType.CUDA) CudaSpikingUpdate.Forward(dynamics, x.dtype, CudaStream.Of(x), x, v, spikes, next, u, x.numel());
            else if (x.dtype == ScalarType.Float32) OnCpu<float>(x, v, spikes, next, u);
            else OnCpu<double>(x, v, spikes, next, u);
            return inPlace is null ? [spikes, next] : [spikes];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            var u = call.Saved(0);
            Tensor? bySpikes = byOutputs[0]?.contiguous(), byNext = inPlace is null ? byOutputs[1]?.contiguous() : null;
            var isMembraneNeeded = inPlace is null && call.Needs(1);
            Tensor? byInput = call.Needs(0) ? empty_like(u) : null, byMembrane = isMembraneNeeded ? empty_like(u) : null;
            if (u.device_type == DeviceType.CUDA)
                CudaSpikingUpdate.Backward(dynamics, u.dtype, CudaStream.Of(u), u, bySpikes, byNext, byInput, byMembrane, u.numel());
            else if (u.dtype == ScalarType.Float32) GradientsOnCpu<float>(u, bySpikes, byNext, byInput, byMembrane);
            else GradientsOnCpu<double>(u, bySpikes, byNext, byInput, byMembrane);
            return inPlace is null ? [byInput, byMembrane] : [byInput];
        }

        protected override Tensor[] Eager(KernelCall call)
        {
            var (spikes, membrane) = SpikingUpdate.Eager(dynamics, call[0], inPlace ?? call.Optional(1));
            if (inPlace is null) return [spikes, membrane];
            using var off = no_grad();
            inPlace.copy_(membrane);
            return [spikes];
        }

        private unsafe void OnCpu<T>(Tensor x, Tensor? v, Tensor spikes, Tensor next, Tensor? u) where T : unmanaged, IFloatingPointIeee754<T>
        {
            using Pinned<T> px = Pin<T>(x), pv = Pin<T>(v), ps = Pin<T>(spikes), pn = Pin<T>(next), pu = Pin<T>(u);
            SpikingKernel.Forward(dynamics, px.Pointer, pv.Pointer, ps.Pointer, pn.Pointer, pu.Pointer, px.Length);
        }

        private unsafe void GradientsOnCpu<T>(Tensor u, Tensor? bySpikes, Tensor? byNext, Tensor? byInput, Tensor? byMembrane)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            using Pinned<T> pu = Pin<T>(u), ps = Pin<T>(bySpikes), pn = Pin<T>(byNext), px = Pin<T>(byInput), pv = Pin<T>(byMembrane);
            SpikingKernel.Backward(dynamics, pu.Pointer, ps.Pointer, pn.Pointer, px.Pointer, pv.Pointer, pu.Length);
        }

        private static Pinned<T> Pin<T>(Tensor? tensor) where T : unmanaged => tensor is null ? default : Pinned<T>.Of(tensor, nameof(tensor));
    }
}
