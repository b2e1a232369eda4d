using TorchSharp;
using TorchZoo.Kernels.Cpu;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>
/// Linear recurrences h_t = A_t h_{t−1} + b_t over a time axis, the core of state-space models and of Newton's method for nonlinear ones.
/// A_t is a number for each channel, or a small n × n matrix for each channel (n states a channel), or with one channel any dense matrix.
/// </summary>
/// <remarks>
/// <para>Differentiable any number of times: the gradient of a scan is the scan of the other direction with transposed matrices
/// (<see cref="Adjoint"/>). Kept for it are A and h.</para>
/// <para>On CPUs, in float32 and float64, a kernel steps through time, with vector registers over channels and threads over batch and
/// channels: the same bits on any number of threads. On GPUs a kernel scans states of one or two numbers in chunks of time. Elsewhere
/// <see cref="AssociativeScan"/> is computed. 16-bit inputs are computed in
/// float32, and so is the result.</para>
/// </remarks>
public static class LinearRecurrence
{
    /// <summary>h_t = A_t h_{t−1} + b_t for t = 1…T.</summary>
    /// <param name="a">A: (batch, time, channels), or (batch, time, n, n, channels), row before column.</param>
    /// <param name="b">b: (batch, time, channels), or (batch, time, n, channels).</param>
    /// <param name="initial">h₀: (batch, channels), or (batch, n, channels); null: zero.</param>
    /// <param name="reverse">Run backward in time: h_t = A_t h_{t+1} + b_t, where <paramref name="initial"/> is h_{T+1}.</param>
    /// <returns>h, of b's shape; empty if there are no steps.</returns>
    /// <exception cref="ArgumentException">A shape, type or device doesn't fit, or the type isn't a real floating-point one.</exception>
    public static Tensor Scan(Tensor a, Tensor b, Tensor? initial = null, bool reverse = false)
    {
        Check(a, b, nameof(b));
        if (initial is not null)
        {
            Expect.Shape(initial, nameof(initial), [b.shape[0], .. b.shape[2..]]);
            Expect.Like(initial, b, nameof(initial));
        }
        return new Function(reverse).ApplyInFullPrecision(a, b, initial)[0];
    }

    /// <summary>The gradient of <see cref="Scan"/> by b: λ_t = g_t + A_{t+1}ᵀ λ_{t+1}, λ_T = g_T. Differentiable as well.</summary>
    /// <param name="a">The scan's A.</param>
    /// <param name="gradient">g, the loss's gradient by h: of h's shape.</param>
    /// <param name="reverse">Whether the scan ran backward in time; this runs forward then.</param>
    /// <returns>λ, of h's shape.</returns>
    /// <exception cref="ArgumentException">A shape, type or device doesn't fit, or the type isn't a real floating-point one.</exception>
    public static Tensor Adjoint(Tensor a, Tensor gradient, bool reverse = false)
    {
        Check(a, gradient, nameof(gradient));
        if (!is_grad_enabled() || !a.requires_grad && !gradient.requires_grad)
        {
            using var scope = NewDisposeScope();
            using var full = Training.Autocast.Disable(gradient.device);
            var (wide, g) = (Training.Autocast.ToFullPrecision(a), Training.Autocast.ToFullPrecision(gradient));
            return Backward(wide, g, null, null, reverse, false, false).ByB.MoveToOuterDisposeScope();
        }
        using var recorded = NewDisposeScope();
        return Scan(Neighbour(Transposed(a), reverse), gradient, null, !reverse).MoveToOuterDisposeScope();
    }

    /// <summary>The same as <see cref="Scan"/> in torch operations, by composition of affine maps in ⌈log₂ T⌉ rounds (Kogge and Stone
    /// 1973): O(T log T) work, and if gradients are recorded as much memory. The reference for kernels, and their stand-in where there is
    /// none.</summary>
    /// <inheritdoc cref="Scan"/>
    public static Tensor AssociativeScan(Tensor a, Tensor b, Tensor? initial = null, bool reverse = false)
    {
        Check(a, b, nameof(b));
        Expect.Shape(initial, nameof(initial), [b.shape[0], .. b.shape[2..]]);
        using var scope = NewDisposeScope();
        var steps = b.shape[1];
        if (steps == 0) return b.clone().MoveToOuterDisposeScope();
        var diagonal = a.dim() == b.dim();
        // Matrices last, as matmul wants them: (batch, time, channels, n, n) and (batch, time, channels, n, 1).
        if (!diagonal) (a, b) = (a.permute(0, 1, 4, 2, 3), b.transpose(2, 3).unsqueeze(-1));
        if (reverse) (a, b) = (a.flip(1), b.flip(1));
        if (initial is not null)
        {
            var first = a.narrow(1, 0, 1);
            first = diagonal ? first * initial.unsqueeze(1) : first.matmul(initial.transpose(1, 2).unsqueeze(1).unsqueeze(-1));
            b = steps == 1 ? b + first : cat([b.narrow(1, 0, 1) + first, b.narrow(1, 1, steps - 1)], 1);
        }
        for (var k = 1L; k < steps; k *= 2)
        {
            Tensor later = a.narrow(1, k, steps - k), earlier = b.narrow(1, 0, steps - k);
            var moved = diagonal ? later * earlier : later.matmul(earlier);
            b = cat([b.narrow(1, 0, k), b.narrow(1, k, steps - k) + moved], 1);
            // The first k are finished: nothing before them. They are multiplied with nothing any more.
            if (2 * k >= steps) break;
            var composed = diagonal ? later * a.narrow(1, 0, steps - k) : later.matmul(a.narrow(1, 0, steps - k));
            a = cat([zeros_like(a.narrow(1, 0, k)), composed], 1);
        }
        if (reverse) b = b.flip(1);
        if (!diagonal) b = b.squeeze(-1).transpose(2, 3);
        return b.MoveToOuterDisposeScope();
    }

    private static void Check(Tensor a, Tensor b, string name)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b, name);
        if (b.dim() is not (3 or 4))
            throw new ArgumentException(
                $"expected (batch, time, channels) or (batch, time, n, channels), got ({string.Join(", ", b.shape)})", name);
        if (b.dim() == 4 && b.shape[2] == 0) throw new ArgumentException("expected at least one state a channel, got none", name);
        if (b.dim() == 3) Expect.Shape(a, nameof(a), b.shape);
        else Expect.Shape(a, nameof(a), b.shape[0], b.shape[1], b.shape[2], b.shape[2], b.shape[3]);
        Expect.Type(b, name, ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16);
        Expect.Like(a, b, nameof(a));
    }

    private static Tensor Transposed(Tensor a) => a.dim() == 3 ? a : a.transpose(2, 3);

    // A_{t+1} in place of A_t (in time's direction), zero after the last.
    private static Tensor Neighbour(Tensor a, bool reverse)
    {
        var steps = a.shape[1];
        if (steps == 0) return a;
        var nothing = zeros_like(a.narrow(1, 0, 1));
        return reverse ? cat([nothing, a.narrow(1, 0, steps - 1)], 1) : cat([a.narrow(1, 1, steps - 1), nothing], 1);
    }

    // h_{t−1} in place of h_t.
    private static Tensor Previous(Tensor h, Tensor? initial, bool reverse)
    {
        var steps = h.shape[1];
        if (steps == 0) return h;
        var first = initial?.unsqueeze(1) ?? zeros_like(h.narrow(1, 0, 1));
        return reverse ? cat([h.narrow(1, 1, steps - 1), first], 1) : cat([first, h.narrow(1, 0, steps - 1)], 1);
    }

    private static bool HasCpuKernel(Tensor x) => x.device_type == DeviceType.CPU && x.dtype is ScalarType.Float32 or ScalarType.Float64;

    // One or two numbers a state.
    private static bool HasCudaKernel(Tensor x) => (x.dim() == 3 || x.shape[2] <= 2) && CudaLinearRecurrence.HasKernel(x);

    private static Tensor Forward(Tensor a, Tensor b, Tensor? initial, bool reverse) =>
        HasCudaKernel(b) ? CudaForward(a, b, initial, reverse)
        : !HasCpuKernel(b) ? AssociativeScan(a, b, initial, reverse)
        : b.dtype == ScalarType.Float32 ? RecurrenceKernel.Forward<float>(a, b, initial, reverse)
        : RecurrenceKernel.Forward<double>(a, b, initial, reverse);

    private static (Tensor ByB, Tensor? ByA, Tensor? ByInitial) Backward(Tensor a, Tensor g, Tensor? h, Tensor? initial, bool reverse,
        bool needsA, bool needsInitial)
    {
        if (HasCpuKernel(g))
            return g.dtype == ScalarType.Float32
                ? RecurrenceKernel.Backward<float>(a, g, h, initial, reverse, needsA, needsInitial)
                : RecurrenceKernel.Backward<double>(a, g, h, initial, reverse, needsA, needsInitial);
        if (HasCudaKernel(g)) return CudaBackward(a, g, h, initial, reverse, needsA, needsInitial);
        var byB = AssociativeScan(Neighbour(Transposed(a), reverse), g, null, !reverse);
        return (byB, needsA ? ByA(byB, h!, initial, reverse) : null, needsInitial ? ByInitial(a, byB, reverse) : null);
    }

    private static Tensor CudaForward(Tensor a, Tensor b, Tensor? initial, bool reverse)
    {
        var h = empty(b.shape, b.dtype, b.device);
        CudaLinearRecurrence.Forward(Flat(Ahead(a, reverse), 2)!, Flat(Ahead(b, reverse), 2)!, Flat(initial, 1), h.flatten(2));
        return Ahead(h, reverse);
    }

    private static (Tensor ByB, Tensor? ByA, Tensor? ByInitial) CudaBackward(Tensor a, Tensor g, Tensor? h, Tensor? initial, bool reverse,
        bool needsA, bool needsInitial)
    {
        var byB = empty(g.shape, g.dtype, g.device);
        var byA = needsA ? empty(a.shape, a.dtype, a.device) : null;
        var byInitial = needsInitial ? empty([g.shape[0], .. g.shape[2..]], g.dtype, g.device) : null;
        CudaLinearRecurrence.Backward(Flat(Ahead(a, reverse), 2)!, needsA ? Flat(Ahead(h!, reverse), 2) : null, Flat(initial, 1),
            Flat(Ahead(g, reverse), 2)!, null, byB.flatten(2), byA?.flatten(2), byInitial?.flatten(1));
        return (Ahead(byB, reverse), byA is null ? null : Ahead(byA, reverse), byInitial);
    }

    // The GPU's kernels run forward in time.
    private static Tensor Ahead(Tensor x, bool reverse) => reverse ? x.flip(1) : x;

    // The axes from one on as one, as the kernels take them.
    private static Tensor? Flat(Tensor? x, int axis) => x?.contiguous().flatten(axis);

    private static Tensor ByA(Tensor byB, Tensor h, Tensor? initial, bool reverse)
    {
        var previous = Previous(h, initial, reverse);
        return h.dim() == 3 ? byB * previous : byB.unsqueeze(3) * previous.unsqueeze(2);
    }

    private static Tensor ByInitial(Tensor a, Tensor byB, bool reverse)
    {
        var steps = byB.shape[1];
        if (steps == 0) return zeros([byB.shape[0], .. byB.shape[2..]], byB.dtype, byB.device);
        var at = reverse ? steps - 1 : 0;
        var (first, by) = (a.select(1, at), byB.select(1, at));
        return a.dim() == 3 ? first * by : (first * by.unsqueeze(2)).sum(1);
    }

    private sealed class Function(bool reverse) : KernelFunction
    {
        protected override Tensor[] Forward(KernelCall call)
        {
            var h = LinearRecurrence.Forward(call[0], call[1], call.Optional(2), reverse);
            if (call.Needs(0)) call.Save(h);
            return [h];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            var h = call.Needs(0) ? call.Saved(0) : null;
            var (byB, byA, byInitial) = LinearRecurrence.Backward(call[0], byOutputs[0]!, h, call.Optional(2), reverse, call.Needs(0),
                call.Needs(2));
            return [byA, byB, byInitial];
        }

        protected override Tensor[] Eager(KernelCall call) => [AssociativeScan(call[0], call[1], call.Optional(2), reverse)];

        protected override Tensor?[] RecordedBackward(KernelCall call, Tensor?[] byOutputs)
        {
            var (a, initial) = (call[0], call.Optional(2));
            var byB = Adjoint(a, byOutputs[0]!, reverse);
            return
            [
                call.Needs(0) ? ByA(byB, Scan(a, call[1], initial, reverse), initial, reverse) : null,
                byB,
                call.Needs(2) ? ByInitial(a, byB, reverse) : null,
            ];
        }
    }
}
