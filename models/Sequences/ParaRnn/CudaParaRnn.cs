using TorchSharp;
using TorchZoo.Kernels;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// The recurrences of ParaGRU and ParaLSTM (arXiv 2510.21450) on a GPU, with their gradients and the steps of Newton's method, in float32
/// and float64. Nothing is recorded for gradients.
/// </summary>
/// <remarks>
/// <para>Shapes, all contiguous, of one type and on one GPU: u, what the cell gets of the input, (batch, time, 3, D); A (3, D), with the
/// rows z, r, h of ParaGRU or f, o, c of ParaLSTM; C (2, D), ParaLSTM's peepholes f, o, or null for ParaGRU. States are (batch, time, n·D)
/// with n = 1 for ParaGRU and n = 2 for ParaLSTM: c of all channels, then h; without a time (batch, n·D).</para>
/// <para><c>Forward</c> steps with a thread for each series and is exact for any weights. For few and long series, <c>FirstGuess</c> and
/// some <c>NewtonStep</c>s take its place; they write no Jacobians, and tell which series haven't converged, for <c>only</c> of
/// <c>Forward</c>. <c>Assemble</c> writes residuals and Jacobians for a linear recurrence that is solved elsewhere, e.g. by
/// <see cref="CudaLinearRecurrence"/>. The gradients (<c>Backward</c>) are a linear recurrence and need no iterations.</para>
/// </remarks>
public static class CudaParaRnn
{
    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaParaRnn).Assembly, "pararnn.cu");

    /// <summary>There is a kernel for this device and type.</summary>
    public static bool HasKernel(Tensor u)
    {
        ArgumentNullException.ThrowIfNull(u);
        return u.device_type == DeviceType.CUDA && IsKnown(u.dtype) && CudaKernels.AreAvailable;
    }

    /// <summary>All states, step by step: s_t = f(s_{t−1}, u_t).</summary>
    /// <param name="u">(batch, time, 3, D)</param>
    /// <param name="a">A, (3, D)</param>
    /// <param name="c">C, (2, D), for ParaLSTM; null for ParaGRU</param>
    /// <param name="initial">The state before the first step, (batch, n·D); null: 0</param>
    /// <param name="states">Receives the states, (batch, time, n·D)</param>
    /// <param name="only">Which series, (batch, D), bool; the others' states are left as they are. Null: all</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described.</exception>
    public static void Forward(Tensor u, Tensor a, Tensor? c, Tensor? initial, Tensor states, Tensor? only = null)
    {
        var (plan, size) = Check(u, a, c, initial, states);
        if (only is not null)
        {
            Expect.Shape(only, nameof(only), plan.Batch, plan.Channels);
            Expect.Type(only, nameof(only), ScalarType.Bool);
            CheckContiguous(only, nameof(only));
        }
        Forward(u.dtype, CudaStream.Of(u), plan, size, u, a, c, initial, only, states);
    }

    /// <summary>The gradients of <see cref="Forward(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"/> from the states, of which there need
    /// be nothing else.</summary>
    /// <param name="u">(batch, time, 3, D)</param>
    /// <param name="a">A, (3, D)</param>
    /// <param name="c">C, (2, D), for ParaLSTM; null for ParaGRU</param>
    /// <param name="initial">The state before the first step, (batch, n·D); null: 0</param>
    /// <param name="states">The states, (batch, time, n·D)</param>
    /// <param name="gradient">The gradient by the outputs h, (batch, time, D)</param>
    /// <param name="lastGradient">The gradient by the last state besides, (batch, n·D); null: 0</param>
    /// <param name="byU">Receives the gradient by u, (batch, time, 3, D)</param>
    /// <param name="byWeights">Receives the gradients by A's rows, then by C's: (3, D), or (5, D) for ParaLSTM. They are summed in a fixed
    /// order</param>
    /// <param name="byInitial">Receives the gradient by the initial state, (batch, n·D); null: not wanted</param>
    /// <param name="plan">How the work is shared out; null: as should be fastest</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described, or the plan is for others.</exception>
    public static void Backward(Tensor u, Tensor a, Tensor? c, Tensor? initial, Tensor states, Tensor gradient, Tensor? lastGradient,
        Tensor byU, Tensor byWeights, Tensor? byInitial, CudaRecurrencePlan? plan = null)
    {
        var (steps, size) = Check(u, a, c, initial, states);
        ArgumentNullException.ThrowIfNull(gradient);
        ArgumentNullException.ThrowIfNull(byU);
        ArgumentNullException.ThrowIfNull(byWeights);
        Check(gradient, u, nameof(gradient), steps.Batch, steps.Time, steps.Channels);
        Check(lastGradient, u, nameof(lastGradient), steps.Batch, size * steps.Channels);
        Check(byU, u, nameof(byU), u.shape);
        Check(byWeights, u, nameof(byWeights), WeightRows(size), steps.Channels);
        Check(byInitial, u, nameof(byInitial), steps.Batch, size * steps.Channels);
        var chosen = Chosen(plan, steps, u);
        using var folded = Workspace(chosen.FoldedNumbers(size), u);
        using var sums = Workspace(SumNumbers(chosen, size), u);
        Backward(u.dtype, CudaStream.Of(u), chosen, size, u, a, c, initial, states, gradient, lastGradient, byU, byWeights, byInitial,
            folded, sums);
    }

    /// <summary>The linear system of a Newton step at a guess of all states: R_t = f(s_{t−1}, u_t) − s_t and J_t = ∂f/∂s at s_{t−1}, where
    /// J_1 is 0 since the state before it is known.</summary>
    /// <param name="u">(batch, time, 3, D)</param>
    /// <param name="a">A, (3, D)</param>
    /// <param name="c">C, (2, D), for ParaLSTM; null for ParaGRU</param>
    /// <param name="initial">The state before the first step, (batch, n·D); null: 0</param>
    /// <param name="states">The guess, (batch, time, n·D)</param>
    /// <param name="residual">Receives R, (batch, time, n·D)</param>
    /// <param name="jacobian">Receives J, (batch, time, n²·D), as <see cref="CudaLinearRecurrence"/> takes it</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described.</exception>
    public static void Assemble(Tensor u, Tensor a, Tensor? c, Tensor? initial, Tensor states, Tensor residual, Tensor jacobian)
    {
        var (plan, size) = Check(u, a, c, initial, states);
        ArgumentNullException.ThrowIfNull(residual);
        ArgumentNullException.ThrowIfNull(jacobian);
        Check(residual, u, nameof(residual), states.shape);
        Check(jacobian, u, nameof(jacobian), plan.Batch, plan.Time, size * size * plan.Channels);
        Assemble(u.dtype, CudaStream.Of(u), plan, size, u, a, c, initial, states, residual, jacobian);
    }

    /// <summary>The reference's first guess for Newton's method: each state as if the one before were 0.</summary>
    /// <param name="u">(batch, time, 3, D)</param>
    /// <param name="a">A, (3, D)</param>
    /// <param name="c">C, (2, D), for ParaLSTM; null for ParaGRU</param>
    /// <param name="states">Receives the guess, (batch, time, n·D)</param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described.</exception>
    public static void FirstGuess(Tensor u, Tensor a, Tensor? c, Tensor states)
    {
        var (plan, size) = Check(u, a, c, null, states);
        // Each time is a sequence of its own.
        Forward(u.dtype, CudaStream.Of(u), CudaRecurrencePlan.StepByStep(plan.Batch * plan.Time, 1, plan.Channels), size,
            u, a, c, (Tensor?)null, (Tensor?)null, states);
    }

    /// <summary>A step of Newton's method: next = s + ω δ, with δ_t = J_t δ_{t−1} + R_t of
    /// <see cref="Assemble(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"/>, neither of which is written anywhere.</summary>
    /// <param name="u">(batch, time, 3, D)</param>
    /// <param name="a">A, (3, D)</param>
    /// <param name="c">C, (2, D), for ParaLSTM; null for ParaGRU</param>
    /// <param name="initial">The state before the first step, (batch, n·D); null: 0</param>
    /// <param name="states">The guess s, (batch, time, n·D)</param>
    /// <param name="next">Receives the next guess, (batch, time, n·D); not <paramref name="states"/></param>
    /// <param name="worst">Receives the largest |R_t| of each chunk, (batch, chunks of the plan, D), for the guess s: its maximum over
    /// chunks says which series have converged. A NaN among them stays</param>
    /// <param name="omega">ω</param>
    /// <param name="bound">Holds the next guess within ±bound, and makes 0 of what is no number; 0: doesn't</param>
    /// <param name="plan">How the work is shared out; as in <see cref="CudaRecurrencePlan.For(CudaDevice, long, long, long)"/></param>
    /// <exception cref="ArgumentException">A shape, type, layout or device isn't as described, or the plan is for others.</exception>
    public static void NewtonStep(Tensor u, Tensor a, Tensor? c, Tensor? initial, Tensor states, Tensor next, Tensor worst, double omega,
        double bound, CudaRecurrencePlan plan)
    {
        var (steps, size) = Check(u, a, c, initial, states);
        ArgumentNullException.ThrowIfNull(next);
        ArgumentNullException.ThrowIfNull(worst);
        if (!(bound >= 0)) throw new ArgumentOutOfRangeException(nameof(bound), bound, "Expected a number from 0");
        var chosen = Chosen(plan, steps, u);
        Check(next, u, nameof(next), states.shape);
        Check(worst, u, nameof(worst), plan.Batch, plan.Chunks, plan.Channels);
        using var folded = Workspace(chosen.FoldedNumbers(size), u);
        NewtonStep(u.dtype, CudaStream.Of(u), chosen, size, u, a, c, initial, states, next, worst, omega, bound, folded);
    }

    /// <summary>The same on raw memory of a GPU: all states, step by step.</summary>
    /// <param name="type">float32 or float64</param>
    /// <param name="stream">Where the work is queued</param>
    /// <param name="plan">Batch, time and channels; its chunks don't matter</param>
    /// <param name="size">n: 1 for ParaGRU, 2 for ParaLSTM</param>
    /// <param name="u">Address of u</param>
    /// <param name="a">Address of A</param>
    /// <param name="c">Address of C; 0 for ParaGRU</param>
    /// <param name="initial">Address of the state before the first step, or 0</param>
    /// <param name="only">Address of a bool for each series, or 0</param>
    /// <param name="states">Address for the states</param>
    /// <exception cref="ArgumentException">There is no kernel for the type or size.</exception>
    public static void Forward(ScalarType type, CudaStream stream, CudaRecurrencePlan plan, int size, CudaArgument u, CudaArgument a,
        CudaArgument c, CudaArgument initial, CudaArgument only, CudaArgument states)
    {
        var steps = CudaRecurrencePlan.StepByStep(plan.Batch, plan.Time, plan.Channels);
        steps.Launch(Kernel(stream, "forward", type, size), stream, u, a, c, initial, only, states, steps);
    }

    /// <summary>The same on raw memory of a GPU: the gradients.</summary>
    /// <param name="type">float32 or float64</param>
    /// <param name="stream">Where the work is queued</param>
    /// <param name="plan">Batch, time, channels, and how the work is shared out</param>
    /// <param name="size">n: 1 for ParaGRU, 2 for ParaLSTM</param>
    /// <param name="u">Address of u</param>
    /// <param name="a">Address of A</param>
    /// <param name="c">Address of C; 0 for ParaGRU</param>
    /// <param name="initial">Address of the state before the first step, or 0</param>
    /// <param name="states">Address of the states</param>
    /// <param name="gradient">Address of the gradient by the outputs</param>
    /// <param name="lastGradient">Address of the gradient by the last state besides, or 0</param>
    /// <param name="byU">Address for the gradient by u</param>
    /// <param name="byWeights">Address for the gradients by A's rows, then C's</param>
    /// <param name="byInitial">Address for the gradient by the initial state, or 0</param>
    /// <param name="folded">Address of a workspace of <see cref="CudaRecurrencePlan.FoldedNumbers"/>, or 0 where that is none</param>
    /// <param name="sums">Address of a workspace of <see cref="SumNumbers"/></param>
    /// <exception cref="ArgumentException">There is no kernel for the type or size.</exception>
    public static void Backward(ScalarType type, CudaStream stream, CudaRecurrencePlan plan, int size, CudaArgument u, CudaArgument a,
        CudaArgument c, CudaArgument initial, CudaArgument states, CudaArgument gradient, CudaArgument lastGradient, CudaArgument byU,
        CudaArgument byWeights, CudaArgument byInitial, CudaArgument folded, CudaArgument sums)
    {
        if (plan.Chunks > 1)
        {
            plan.Launch(Kernel(stream, "fold_backward", type, size), stream, u, a, c, initial, states, gradient, folded, plan);
            plan.LaunchCarry(Carry(stream, type, size), stream, lastGradient, folded);
        }
        plan.Launch(Kernel(stream, "backward", type, size), stream,
            u, a, c, initial, states, gradient, lastGradient, byU, sums, byInitial, plan, folded);
        var columns = WeightRows(size) * plan.Channels;
        stream.Device.Kernel(Source, $"sum<{CudaSource.TypeName(type)}>")
            .LaunchFor(columns, stream, sums, byWeights, plan.Batch * plan.Chunks, columns);
    }

    /// <summary>How many numbers the sums over each chunk need as workspace of the gradients.</summary>
    /// <param name="plan">How the work is shared out</param>
    /// <param name="size">n: 1 for ParaGRU, 2 for ParaLSTM</param>
    public static long SumNumbers(CudaRecurrencePlan plan, int size) => WeightRows(size) * plan.Parts;

    /// <summary>The same on raw memory of a GPU: the linear system of a Newton step.</summary>
    /// <param name="type">float32 or float64</param>
    /// <param name="stream">Where the work is queued</param>
    /// <param name="plan">Batch, time and channels; its chunks don't matter</param>
    /// <param name="size">n: 1 for ParaGRU, 2 for ParaLSTM</param>
    /// <param name="u">Address of u</param>
    /// <param name="a">Address of A</param>
    /// <param name="c">Address of C; 0 for ParaGRU</param>
    /// <param name="initial">Address of the state before the first step, or 0</param>
    /// <param name="states">Address of the guess</param>
    /// <param name="residual">Address for R</param>
    /// <param name="jacobian">Address for J</param>
    /// <exception cref="ArgumentException">There is no kernel for the type or size.</exception>
    public static void Assemble(ScalarType type, CudaStream stream, CudaRecurrencePlan plan, int size, CudaArgument u, CudaArgument a,
        CudaArgument c, CudaArgument initial, CudaArgument states, CudaArgument residual, CudaArgument jacobian) =>
        Kernel(stream, "assemble", type, size).LaunchFor(plan.Series * plan.Time, stream,
            u, a, c, initial, states, residual, jacobian, plan);

    /// <summary>The same on raw memory of a GPU: a step of Newton's method.</summary>
    /// <param name="type">float32 or float64</param>
    /// <param name="stream">Where the work is queued</param>
    /// <param name="plan">Batch, time, channels, and how the work is shared out</param>
    /// <param name="size">n: 1 for ParaGRU, 2 for ParaLSTM</param>
    /// <param name="u">Address of u</param>
    /// <param name="a">Address of A</param>
    /// <param name="c">Address of C; 0 for ParaGRU</param>
    /// <param name="initial">Address of the state before the first step, or 0</param>
    /// <param name="states">Address of the guess</param>
    /// <param name="next">Address for the next guess; not that of the guess</param>
    /// <param name="worst">Address for the largest residual of each chunk</param>
    /// <param name="omega">ω</param>
    /// <param name="bound">Holds the next guess within ±bound, and makes 0 of what is no number; 0: doesn't</param>
    /// <param name="folded">Address of a workspace of <see cref="CudaRecurrencePlan.FoldedNumbers"/>, or 0 where that is none</param>
    /// <exception cref="ArgumentException">There is no kernel for the type or size.</exception>
    public static void NewtonStep(ScalarType type, CudaStream stream, CudaRecurrencePlan plan, int size, CudaArgument u, CudaArgument a,
        CudaArgument c, CudaArgument initial, CudaArgument states, CudaArgument next, CudaArgument worst, double omega, double bound,
        CudaArgument folded)
    {
        if (plan.Chunks > 1)
        {
            plan.Launch(Kernel(stream, "fold_newton", type, size), stream, u, a, c, initial, states, folded, plan);
            // The change before the first time is 0.
            plan.LaunchCarry(Carry(stream, type, size), stream, (nint)0, folded);
        }
        plan.Launch(Kernel(stream, "newton", type, size), stream,
            u, a, c, initial, states, next, worst, Number(omega), Number(bound), plan, folded);

        CudaArgument Number(double x) => type == ScalarType.Float64 ? x : (float)x;
    }

    private static CudaKernel Kernel(CudaStream stream, string name, ScalarType type, int size)
    {
        if (!IsKnown(type)) throw new ArgumentException($"Expected float32 or float64, got {type}", nameof(type));
        if (size is not (1 or 2)) throw new ArgumentException($"Expected 1 for ParaGRU or 2 for ParaLSTM, got {size}", nameof(size));
        return stream.Device.Kernel(Source, $"{name}<{(size == 1 ? "Gru" : "Lstm")}<{CudaSource.TypeName(type)}>>");
    }

    private static CudaKernel Carry(CudaStream stream, ScalarType type, int size) =>
        stream.Device.Kernel(Source, $"carry<{CudaSource.TypeName(type)},{size}>");

    private static bool IsKnown(ScalarType type) => type is ScalarType.Float32 or ScalarType.Float64;

    private static int WeightRows(int size) => size == 1 ? 3 : 5;

    private static CudaRecurrencePlan Chosen(CudaRecurrencePlan? plan, CudaRecurrencePlan steps, Tensor u)
    {
        var (batch, time, channels) = (steps.Batch, steps.Time, steps.Channels);
        var chosen = plan ?? CudaRecurrencePlan.For(CudaDevice.Of(u), batch, time, channels);
        return (chosen.Batch, chosen.Time, chosen.Channels) == (batch, time, channels) ? chosen : throw new ArgumentException(
            $"Expected one for (batch, time, channels) = ({batch}, {time}, {channels}), got {chosen}", nameof(plan));
    }

    // Freed when the work is queued: see CudaKernel.Launch.
    private static Tensor? Workspace(long numbers, Tensor like) => numbers > 0 ? empty(numbers, like.dtype, like.device) : null;

    private static (CudaRecurrencePlan Plan, int Size) Check(Tensor u, Tensor a, Tensor? c, Tensor? initial, Tensor states)
    {
        ArgumentNullException.ThrowIfNull(u);
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(states);
        Expect.Shape(u, nameof(u), -1, -1, 3, -1);
        Expect.Type(u, nameof(u), ScalarType.Float32, ScalarType.Float64);
        if (u.device_type != DeviceType.CUDA) throw new ArgumentException($"Expected a tensor on a GPU, got one on {u.device}", nameof(u));
        CheckContiguous(u, nameof(u));
        var (batch, time, channels, size) = (u.shape[0], u.shape[1], u.shape[3], c is null ? 1 : 2);
        Check(a, u, nameof(a), 3, channels);
        Check(c, u, nameof(c), 2, channels);
        Check(initial, u, nameof(initial), batch, size * channels);
        Check(states, u, nameof(states), batch, time, size * channels);
        return (CudaRecurrencePlan.StepByStep(batch, time, channels), size);
    }

    private static void Check(Tensor? tensor, Tensor like, string name, params ReadOnlySpan<long> shape)
    {
        if (tensor is null) return;
        Expect.Shape(tensor, name, shape);
        Expect.Like(tensor, like, name);
        CheckContiguous(tensor, name);
    }

    private static void CheckContiguous(Tensor tensor, string name)
    {
        if (!tensor.is_contiguous())
            throw new ArgumentException($"Expected a contiguous tensor, got steps of ({string.Join(", ", tensor.stride())})", name);
    }
}
