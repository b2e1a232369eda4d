using TorchZoo.Kernels;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// All states of a nonlinear recurrence h_t = f(h_{t−1}, u_t) at once: Newton's method on the system of all steps, where each iteration is
/// a linear recurrence (arXiv 2510.21450, section 3).
/// </summary>
/// <remarks>
/// <para>An iteration evaluates f and its Jacobian J at all times side by side and solves δ_t = J_t δ_{t−1} + (f(h_{t−1}, u_t) − h_t).
/// After k iterations the first k + 1 states are exact, and where states forget, all of them converge quadratically whatever the length.
/// Where they don't (large weights of a net that counts or remembers), iterations diverge: so each series is tested, by its residual and by
/// the correction that follows from it, and what isn't solved is computed step by step
/// (<see cref="NewtonOptions.OnNonConvergence"/>).</para>
/// <para>The gradient is exact at the solution: λ_t = g_t + J_{t+1}ᵀ λ_{t+1}, one linear recurrence backward in time, and then that of one
/// step at all times side by side. Memory for it is O(time × states), nothing of the iterations is kept. There are no gradients of
/// gradients.</para>
/// </remarks>
/// <param name="options">How it iterates; null: defaults.</param>
/// <exception cref="ArgumentException">An option isn't valid.</exception>
public sealed class ParallelRecurrenceSolver(NewtonOptions? options = null)
{
    /// <summary>How it iterates.</summary>
    public NewtonOptions Options { get; } = (options ?? new NewtonOptions()).Checked();

    /// <summary>h_1 … h_T, and what it took.</summary>
    /// <param name="cell">The recurrence.</param>
    /// <param name="u">What its <see cref="IRecurrentCell.Precompute"/> made: (batch, time, …), float32 or float64.</param>
    /// <param name="initial">h₀: (batch, states); null: zero.</param>
    /// <returns>(batch, time, states)</returns>
    /// <exception cref="ArgumentException">A shape or type doesn't fit, or there is no step.</exception>
    /// <exception cref="NotConvergedException">A series isn't solved, and the options say to throw.</exception>
    public (Tensor States, NewtonReport Report) Solve(IRecurrentCell cell, Tensor u, Tensor? initial = null)
    {
        ArgumentNullException.ThrowIfNull(cell);
        ArgumentNullException.ThrowIfNull(u);
        if (u.dim() < 2 || u.shape[1] == 0)
            throw new ArgumentException($"expected (batch, time, …) with at least one step, got ({string.Join(", ", u.shape)})", nameof(u));
        Expect.Type(u, nameof(u), ScalarType.Float32, ScalarType.Float64);
        Expect.Shape(initial, nameof(initial), u.shape[0], cell.StateSize);
        Expect.Like(initial, u, nameof(initial));
        using var scope = NewDisposeScope();
        var start = initial ?? zeros([u.shape[0], cell.StateSize], u.dtype, u.device);
        Tensor states;
        NewtonReport report;
        using (no_grad())
            (states, report) = cell is ParaRnnCell own && Options.Omega == 1 && u.shape[0] > 0 && own.HasNewtonKernel(u)
                ? IterateOnGpu(own, u.detach().contiguous(), start.detach().contiguous()) : Iterate(cell, u.detach(), start.detach());
        if (is_grad_enabled())
        {
            var previous = Previous(states, start);
            var next = cell.Transition(u, previous);
            if (next.requires_grad)
            {
                Tensor jacobian;
                using (no_grad()) jacobian = Blocks(cell, cell.Jacobian(u.detach(), previous.detach()));
                states = AtSolution.Instance.Apply(next, jacobian, states)[0];
            }
        }
        return (states.MoveToOuterDisposeScope(), report);
    }

    private static double Number(Tensor x) => x.to(ScalarType.Float64).item<double>();

    // As LinearRecurrence takes them.
    private static Tensor Blocks(IRecurrentCell cell, Tensor jacobian) =>
        cell.Structure == JacobianStructure.Dense ? jacobian.unsqueeze(-1) : jacobian;

    private static Tensor States(JacobianStructure structure, Tensor states) => structure switch
    {
        JacobianStructure.Diagonal => states,
        JacobianStructure.Block2x2 => states.view(states.shape[0], states.shape[1], 2, -1),
        _ => states.unsqueeze(-1),
    };

    private static Tensor Previous(Tensor states, Tensor start) => cat([start.unsqueeze(1), states.narrow(1, 0, states.shape[1] - 1)], 1);

    // The same as below, but residuals and Jacobians are never written: a kernel evaluates, scans and corrects.
    private (Tensor States, NewtonReport Report) IterateOnGpu(ParaRnnCell cell, Tensor u, Tensor start)
    {
        Tensor[] weights = [.. cell.RecurrentWeights.Select(w => w.detach().to(u.dtype).contiguous())];
        var (a, peepholes) = (weights[0], weights.Length == 1 ? null : weights[1]);
        var (guarded, tolerance, smallStep) = Limits(u.dtype);
        // Both cells' states lie in [−1, 1], but a given initial state need not.
        var bound = Math.Max(1, start.numel() == 0 ? 0 : Number(start.abs().max()));
        var plan = CudaRecurrencePlan.For(CudaDevice.Of(u), u.shape[0], u.shape[1], u.shape[3]);
        Tensor states = empty([u.shape[0], u.shape[1], cell.StateSize], u.dtype, u.device), next = empty_like(states),
            worst = empty([plan.Batch, plan.Chunks, plan.Channels], u.dtype, u.device);
        CudaParaRnn.FirstGuess(u, a, peepholes, states);
        var residuals = new List<Tensor>();
        for (var iteration = 0; ; iteration++)
        {
            CudaParaRnn.NewtonStep(u, a, peepholes, start, states, next, worst, 1, guarded ? bound : 0, plan);
            residuals.Add(worst.max());
            if (!guarded && iteration == Options.Iterations) return Done(states, 0, worst.le(tolerance).all().item<bool>());
            if (guarded && iteration >= Options.Iterations)
            {
                using var scope = NewDisposeScope();
                var solved = worst.amax([1]).le(tolerance).logical_and_(Largest(cell, next - states).le(smallStep));
                var open = solved.logical_not();
                var count = open.sum().item<long>();
                if (count == 0) return Done(next, 0, true);
                if (iteration == Options.MaxIterations)
                {
                    if (Options.OnNonConvergence == NonConvergence.Throw) throw NotSolved(count, solved.numel(), iteration, residuals,
                        tolerance);
                    CudaParaRnn.Forward(u, a, peepholes, start, next, open);
                    return Done(next, (double)count / solved.numel(), false);
                }
            }
            (states, next) = (next, states);
        }

        (Tensor, NewtonReport) Done(Tensor result, double fallback, bool converged) =>
            (result, new(residuals.Count - 1, Sizes(residuals), fallback, converged));
    }

    private static double[] Sizes(List<Tensor> found)
    {
        using var scope = NewDisposeScope();
        return [.. stack(found).to(ScalarType.Float64).cpu().data<double>()];
    }

    private static NotConvergedException NotSolved(long open, long series, int iterations, List<Tensor> residuals, double tolerance) =>
        new($"Newton's method hasn't solved {open} of {series} series after {iterations} iterations; the largest residual is "
            + $"{Number(residuals[^1]):G3}, the tolerance {tolerance:G3}", iterations, Number(residuals[^1]));

    private (bool IsGuarded, double Tolerance, double SmallStep) Limits(ScalarType type)
    {
        var rounding = type == ScalarType.Float64 ? double.BitIncrement(1) - 1 : float.BitIncrement(1) - 1;
        var tolerance = Options.ToleranceOf(type);
        // A correction of this size leaves one of its square, which is rounding.
        return (Options.OnNonConvergence != NonConvergence.Ignore, tolerance, Math.Max(tolerance, Math.Sqrt(rounding)));
    }

    private (Tensor States, NewtonReport Report) Iterate(IRecurrentCell cell, Tensor u, Tensor start)
    {
        var (guarded, tolerance, smallStep) = Limits(u.dtype);
        var bound = cell.StateBound is { } b ? Math.Max(b, start.numel() == 0 ? 0 : Number(start.abs().max())) : (double?)null;
        var steps = u.shape[1];
        var states = cell.Transition(u, zeros([u.shape[0], steps, cell.StateSize], u.dtype, u.device));
        if (u.shape[0] == 0) return (states, new(0, [], 0, true));
        var residuals = new List<Tensor>();
        for (var iteration = 0; ; iteration++)
        {
            using var scope = NewDisposeScope();
            var previous = Previous(states, start);
            var residual = cell.Transition(u, previous) - states;
            residuals.Add(residual.abs().max().MoveToOuterDisposeScope());
            if (!guarded && iteration == Options.Iterations)
                return Done(states, iteration, 0, residuals, Largest(cell, residual).le(tolerance).all().item<bool>());
            var correction = LinearRecurrence.Scan(Blocks(cell, cell.Jacobian(u, previous)),
                States(cell.Structure, residual)).view(states.shape);
            var last = guarded && iteration == Options.MaxIterations;
            if (guarded && iteration >= Options.Iterations)
            {
                var solved = Largest(cell, residual).le(tolerance).logical_and_(Largest(cell, correction).le(smallStep));
                var all = solved.all().item<bool>();
                if (all) return Done(states + correction, iteration, 0, residuals, true);
                if (last)
                {
                    var open = solved.logical_not().nonzero();
                    if (Options.OnNonConvergence == NonConvergence.Throw)
                        throw NotSolved(open.shape[0], solved.numel(), iteration, residuals, tolerance);
                    return Done(StepByStep(cell, u, start, states + correction, open), iteration, (double)open.shape[0] / solved.numel(),
                        residuals, false);
                }
            }
            var next = states + Options.Omega * correction;
            if (guarded)
            {
                next = next.nan_to_num(0, bound ?? 0, -bound ?? 0);
                if (bound is { } limit) next = next.clamp(-limit, limit);
            }
            (var old, states) = (states, next.MoveToOuterDisposeScope());
            old.Dispose();
        }

        (Tensor, NewtonReport) Done(Tensor result, int iterations, double fallback, List<Tensor> found, bool converged)
        {
            var kept = ReferenceEquals(result, states) ? result : result.MoveToOuterDisposeScope();
            return (kept, new(iterations, Sizes(found), fallback, converged));
        }
    }

    // Of each series: (batch, channels), or of each sample if states depend on each other: (batch).
    private static Tensor Largest(IRecurrentCell cell, Tensor values) => cell.Structure switch
    {
        JacobianStructure.Diagonal => values.abs().amax([1]),
        JacobianStructure.Block2x2 => values.abs().view(values.shape[0], values.shape[1], 2, -1).amax([1, 2]),
        _ => values.abs().amax([1, 2]),
    };

    private static Tensor StepByStep(IRecurrentCell cell, Tensor u, Tensor start, Tensor states, Tensor open)
    {
        var samples = open.select(1, 0);
        if (cell is IChannelwiseCell channelwise && cell.Structure != JacobianStructure.Dense)
        {
            var channels = open.select(1, 1);
            var series = channelwise.RunSeries(u, start, samples, channels);
            var n = cell.Structure == JacobianStructure.Diagonal ? 1 : 2;
            var byChannel = states.view(states.shape[0], states.shape[1], n, -1).permute(0, 3, 1, 2);
            byChannel.index_put_(series, samples, channels);
            return states;
        }
        var rows = samples.unique(sorted: true).output;
        Tensor inputs = u.index_select(0, rows), state = start.index_select(0, rows);
        var found = new Tensor[u.shape[1]];
        for (var t = 0; t < found.Length; t++) found[t] = state = cell.Transition(inputs.select(1, t), state);
        return states.index_copy(0, rows, stack(found, 1));
    }

    /// <summary>The states, whose gradient is that of one step at all times, given λ: F, J, h → h.</summary>
    private sealed class AtSolution : KernelFunction
    {
        public static readonly AtSolution Instance = new();

        protected override bool SavesInputs => false;

        protected override Tensor[] Forward(KernelCall call)
        {
            call.Save(call[1]);
            return [call[2]];
        }

        protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
        {
            var (jacobian, g) = (call.Saved(0), byOutputs[0]!);
            var structure = jacobian.dim() == g.dim() ? JacobianStructure.Diagonal
                : jacobian.shape[^1] == 1 && jacobian.shape[2] == g.shape[2] ? JacobianStructure.Dense : JacobianStructure.Block2x2;
            return [LinearRecurrence.Adjoint(jacobian, States(structure, g.contiguous())).view(g.shape), null, null];
        }

        protected override Tensor?[] RecordedBackward(KernelCall call, Tensor?[] byOutputs) =>
            throw new NotSupportedException("a recurrence solved in parallel has no gradients of gradients; evaluate it in another mode");
    }
}
