using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cuda;

/// <summary>
/// Linear recurrences h_t = J_t h_{t−1} + r_t and their gradients on GPUs, for states of one number (J is diagonal) or two (J has blocks of
/// 2×2), in float32 and float64; 16-bit types are computed in float32. Nothing is recorded for gradients.
/// </summary>
/// <remarks>
/// With states of n numbers for each of D channels, r and h are (batch, time, n·D): for n = 2 all channels' first numbers c, then all their
/// second ones h. J is (batch, time, n²·D): for n = 2 the channels' ∂c′/∂c, then ∂c′/∂h, ∂h′/∂c, ∂h′/∂h. States without a time are
/// (batch, n·D). All are contiguous, of one type, on one GPU. How the work is shared out says <see cref="CudaRecurrencePlan"/>.
/// </remarks>
public static class CudaLinearRecurrence
{
    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaLinearRecurrence).Assembly, "linear_recurrence.cu");

    /// <summary>There is a kernel for this device and type.</summary>
    public static bool HasKernel(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.device_type == DeviceType.CUDA && IsKnown(x.dtype) && CudaKernels.AreAvailable;
    }

    /// <summary>h_t = J_t h_{t−1} + r_t</summary>
    /// <param name="j">J, (batch, time, n²·D)</param>
    /// <param name="r">r, (batch, time, n·D); n is 1 or 2</param>
    /// <param name="initial">h before the first step, (batch, n·D); null: 0</param>
    /// <param name="states">Receives h, (batch, time, n·D); may be <paramref name="r"/></param>
    /// <param name="plan">How the work is shared out; null: as should be fastest</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described, or the plan is for others.</exception>
    public static void Forward(Tensor j, Tensor r, Tensor? initial, Tensor states, CudaRecurrencePlan? plan = null)
    {
        var size = Check(j, r, nameof(r));
        Check(states, r, nameof(states), r.shape);
        Check(initial, r, nameof(initial), r.shape[0], r.shape[2]);
        var chosen = PlanFor(r, size, plan);
        using var folded = Workspace(chosen, size, r);
        Forward(r.dtype, CudaStream.Of(r), chosen, size, j, r, initial, states, folded);
    }

    /// <summary>The gradients: λ_t = g_t + J_{t+1}ᵀ λ_{t+1} by r_t, λ_t h_{t−1}ᵀ by J_t, J_1ᵀ λ_1 by the initial state.</summary>
    /// <param name="j">J, (batch, time, n²·D)</param>
    /// <param name="states">h, (batch, time, n·D); null where <paramref name="byJ"/> is</param>
    /// <param name="initial">h before the first step, (batch, n·D); null: 0. Used for <paramref name="byJ"/> only</param>
    /// <param name="gradient">g, the gradient by h, (batch, time, n·D)</param>
    /// <param name="lastGradient">What is added to it at the last step, (batch, n·D); null: 0</param>
    /// <param name="byR">Receives λ, (batch, time, n·D); may be <paramref name="gradient"/></param>
    /// <param name="byJ">Receives the gradient by J, (batch, time, n²·D); null: not wanted</param>
    /// <param name="byInitial">Receives the gradient by the initial state, (batch, n·D); null: not wanted</param>
    /// <param name="plan">How the work is shared out; null: as should be fastest</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described, or the plan is for others.</exception>
    public static void Backward(Tensor j, Tensor? states, Tensor? initial, Tensor gradient, Tensor? lastGradient, Tensor byR, Tensor? byJ,
        Tensor? byInitial, CudaRecurrencePlan? plan = null)
    {
        var size = Check(j, gradient, nameof(gradient));
        if (byJ is not null) ArgumentNullException.ThrowIfNull(states);
        var shape = gradient.shape;
        Check(states, gradient, nameof(states), shape);
        Check(initial, gradient, nameof(initial), shape[0], shape[2]);
        Check(lastGradient, gradient, nameof(lastGradient), shape[0], shape[2]);
        ArgumentNullException.ThrowIfNull(byR);
        Check(byR, gradient, nameof(byR), shape);
        Check(byJ, gradient, nameof(byJ), j.shape);
        Check(byInitial, gradient, nameof(byInitial), shape[0], shape[2]);
        var chosen = PlanFor(gradient, size, plan);
        using var folded = Workspace(chosen, size, gradient);
        Backward(gradient.dtype, CudaStream.Of(gradient), chosen, size, j, states, initial, gradient, lastGradient, byR, byJ, byInitial,
            folded);
    }

    /// <summary>The same on raw memory of a GPU: h_t = J_t h_{t−1} + r_t.</summary>
    /// <param name="type">float32, float64, float16 or bfloat16</param>
    /// <param name="stream">Where the work is queued</param>
    /// <param name="plan">Batch, time, channels, and how the work is shared out</param>
    /// <param name="size">n, 1 or 2</param>
    /// <param name="j">Address of J</param>
    /// <param name="r">Address of r</param>
    /// <param name="initial">Address of h before the first step, or 0</param>
    /// <param name="states">Address for h; may be that of r</param>
    /// <param name="folded">Address of a workspace of <see cref="CudaRecurrencePlan.FoldedNumbers"/>, or 0 where that is none</param>
    /// <exception cref="ArgumentException">There is no kernel for the type or size.</exception>
    public static void Forward(ScalarType type, CudaStream stream, CudaRecurrencePlan plan, int size, CudaArgument j, CudaArgument r,
        CudaArgument initial, CudaArgument states, CudaArgument folded)
    {
        if (plan.Chunks > 1)
        {
            plan.Launch(Kernel(stream, "fold_forward", type, size), stream, j, r, folded, plan);
            plan.LaunchCarry(Kernel(stream, "carry", type, size), stream, initial, folded);
        }
        plan.Launch(Kernel(stream, "forward", type, size), stream, j, r, initial, states, plan, folded);
    }

    /// <summary>The same on raw memory of a GPU: the gradients.</summary>
    /// <param name="type">float32, float64, float16 or bfloat16</param>
    /// <param name="stream">Where the work is queued</param>
    /// <param name="plan">Batch, time, channels, and how the work is shared out</param>
    /// <param name="size">n, 1 or 2</param>
    /// <param name="j">Address of J</param>
    /// <param name="states">Address of h; 0 where the gradient by J isn't wanted</param>
    /// <param name="initial">Address of h before the first step, or 0</param>
    /// <param name="gradient">Address of the gradient by h</param>
    /// <param name="lastGradient">Address of what is added to it at the last step, or 0</param>
    /// <param name="byR">Address for the gradient by r; may be that of the gradient by h</param>
    /// <param name="byJ">Address for the gradient by J, or 0</param>
    /// <param name="byInitial">Address for the gradient by the initial state, or 0</param>
    /// <param name="folded">Address of a workspace of <see cref="CudaRecurrencePlan.FoldedNumbers"/>, or 0 where that is none</param>
    /// <exception cref="ArgumentException">There is no kernel for the type or size.</exception>
    public static void Backward(ScalarType type, CudaStream stream, CudaRecurrencePlan plan, int size, CudaArgument j, CudaArgument states,
        CudaArgument initial, CudaArgument gradient, CudaArgument lastGradient, CudaArgument byR, CudaArgument byJ, CudaArgument byInitial,
        CudaArgument folded)
    {
        if (plan.Chunks > 1)
        {
            plan.Launch(Kernel(stream, "fold_backward", type, size), stream, j, gradient, folded, plan);
            plan.LaunchCarry(Kernel(stream, "carry", type, size), stream, lastGradient, folded);
        }
        plan.Launch(Kernel(stream, "backward", type, size), stream,
            j, states, initial, gradient, lastGradient, byR, byJ, byInitial, plan, folded);
    }

    private static CudaKernel Kernel(CudaStream stream, string name, ScalarType type, int size)
    {
        if (!IsKnown(type)) throw new ArgumentException($"Expected float32, float64, float16 or bfloat16, got {type}", nameof(type));
        if (size is not (1 or 2)) throw new ArgumentException($"Expected states of 1 or 2 numbers, got {size}", nameof(size));
        return stream.Device.Kernel(Source, $"{name}<{CudaSource.TypeName(type)},{size}>");
    }

    private static bool IsKnown(ScalarType type) =>
        type is ScalarType.Float32 or ScalarType.Float64 or ScalarType.Float16 or ScalarType.BFloat16;

    private static CudaRecurrencePlan PlanFor(Tensor r, int size, CudaRecurrencePlan? plan)
    {
        var (batch, time, channels) = (r.shape[0], r.shape[1], r.shape[2] / size);
        var chosen = plan ?? CudaRecurrencePlan.For(CudaDevice.Of(r), batch, time, channels);
        return (chosen.Batch, chosen.Time, chosen.Channels) == (batch, time, channels) ? chosen : throw new ArgumentException(
            $"Expected one for (batch, time, channels) = ({batch}, {time}, {channels}), got {chosen}", nameof(plan));
    }

    // Freed when the work is queued: see CudaKernel.Launch.
    private static Tensor? Workspace(CudaRecurrencePlan plan, int size, Tensor like) => plan.FoldedNumbers(size) is var numbers and > 0
        ? empty(numbers, like.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32, like.device) : null;

    // Returns n.
    private static int Check(Tensor j, Tensor r, string name)
    {
        ArgumentNullException.ThrowIfNull(j);
        ArgumentNullException.ThrowIfNull(r, name);
        Expect.Shape(r, name, -1, -1, -1);
        if (r.device_type != DeviceType.CUDA) throw new ArgumentException($"Expected a tensor on a GPU, got one on {r.device}", name);
        Check(r, r, name, r.shape);
        var width = r.shape[2];
        var size = j.Dimensions == 3 && width > 0 && width % 2 == 0 && j.shape[2] == 2 * width ? 2 : 1;
        Check(j, r, nameof(j), r.shape[0], r.shape[1], size * width);
        return size;
    }

    private static void Check(Tensor? tensor, Tensor like, string name, params ReadOnlySpan<long> shape)
    {
        Expect.Shape(tensor, name, shape);
        Expect.Like(tensor, like, name);
        if (tensor is not null && !tensor.is_contiguous())
            throw new ArgumentException($"Expected a contiguous tensor, got steps of ({string.Join(", ", tensor.stride())})", name);
    }
}
