using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Kernels.TorchScript;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>
/// Adam (Kingma and Ba 2015, arXiv 1412.6980) in one fused kernel call a step instead of a dozen small operations a parameter.
/// Weight decay is an L2 term of the gradient; <see cref="FusedAdamW"/> decouples it.
/// </summary>
/// <remarks>
/// With g the gradient (plus λθ), m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − lr · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε). Parameters without a
/// gradient are left alone. The state has the layout of torch.optim (step, exp_avg, exp_avg_sq, max_exp_avg_sq).
/// </remarks>
public class FusedAdam : OptimizerHelper
{
    private readonly bool _decoupled;

    /// <summary>Makes the optimizer.</summary>
    /// <param name="parameters">What it trains: float32, float64 or bfloat16, real.</param>
    /// <param name="lr">Learning rate, ≥ 0.</param>
    /// <param name="beta1">Decay of the mean of gradients, in [0, 1).</param>
    /// <param name="beta2">Decay of the mean of squared gradients, in [0, 1).</param>
    /// <param name="eps">Added to the denominator, ≥ 0.</param>
    /// <param name="weightDecay">L2 coefficient λ, ≥ 0.</param>
    /// <param name="amsgrad">Divide by the largest v so far (Reddi et al. 2018).</param>
    /// <param name="maximize">Climb instead of descend.</param>
    /// <exception cref="ArgumentException">No parameters, a complex one, or a number out of its range.</exception>
    public FusedAdam(
        IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weightDecay = 0, bool amsgrad = false, bool maximize = false)
        : this(parameters, lr, beta1, beta2, eps, weightDecay, amsgrad, maximize, decoupled: false)
    {
    }

    private protected FusedAdam(
        IEnumerable<Parameter> parameters, double lr, double beta1, double beta2, double eps, double weightDecay, bool amsgrad, bool maximize, bool decoupled)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegative(lr);
        ArgumentOutOfRangeException.ThrowIfNegative(eps);
        ArgumentOutOfRangeException.ThrowIfNegative(weightDecay);
        ThrowUnlessDecay(beta1, nameof(beta1));
        ThrowUnlessDecay(beta2, nameof(beta2));
        _decoupled = decoupled;
        _defaults = new Adam.Options
        {
            LearningRate = lr,
            InitialLearningRate = lr,
            beta1 = beta1,
            beta2 = beta2,
            eps = eps,
            weight_decay = weightDecay,
            amsgrad = amsgrad,
            maximize = maximize,
        };
        _parameter_groups = [];
        add_param_group(new Adam.ParamGroup { Parameters = [.. parameters] });
    }

    /// <summary>Adds a group of parameters; options that it leaves open are this optimizer's own.</summary>
    /// <exception cref="ArgumentException">The group is empty, or a parameter is complex or trained already.</exception>
    public override void add_param_group(ParamGroup param_group)
    {
        ArgumentNullException.ThrowIfNull(param_group);
        var parameters = param_group.Parameters.ToList();
        if (parameters.Count == 0) throw new ArgumentException("an optimizer needs at least one parameter", nameof(param_group));
        foreach (var parameter in parameters)
        {
            if (parameter.is_complex()) throw new ArgumentException("complex parameters are not supported: store real pairs (…, 2)", nameof(param_group));
            if (States.Any(s => s.Parameter.Handle == parameter.Handle)) throw new ArgumentException("a parameter appears twice", nameof(param_group));
            States.Add(new AdamState(parameter));
        }

        var defaults = (Adam.Options)_defaults;
        var options = param_group.Options as Adam.Options ?? new Adam.Options();
        options.LearningRate ??= defaults.LearningRate;
        options.beta1 ??= defaults.beta1;
        options.beta2 ??= defaults.beta2;
        options.eps ??= defaults.eps;
        options.weight_decay ??= defaults.weight_decay;
        options.amsgrad ??= defaults.amsgrad;
        options.maximize ??= defaults.maximize;
        options.InitialLearningRate = options.LearningRate!.Value;
        param_group.Options = options;
        _parameter_groups.Add(param_group);
    }

    /// <summary>The state of each parameter, in the order of the groups.</summary>
    internal List<AdamState> States { get; } = [];

    /// <summary>The groups' options, in order.</summary>
    internal IEnumerable<Adam.Options> GroupOptions => _parameter_groups.Select(g => (Adam.Options)g.Options);

    /// <summary>Number of parameters of each group.</summary>
    internal IEnumerable<int> GroupSizes => _parameter_groups.Select(g => g.Parameters.Count());

    /// <summary>Drops all gradients, so that the next backward pass writes new ones instead of adding to zeros.</summary>
    public override void zero_grad()
    {
        foreach (var state in States)
        {
            using var gradient = state.Parameter.grad;
            if (gradient is not null) state.Parameter.grad = null;
        }
    }

    /// <summary>Updates all parameters that have a gradient.</summary>
    /// <param name="closure">If given, computes the loss (with gradients enabled) before the update; its result is returned.</param>
    public override Tensor step(Func<Tensor>? closure = null)
    {
        Tensor? loss = null;
        if (closure is not null)
            using (enable_grad()) loss = closure();

        using (no_grad())
        using (NewDisposeScope())
        {
            var first = 0;
            foreach (var group in _parameter_groups)
            {
                var count = group.Parameters.Count();
                Update((Adam.Options)group.Options, States.GetRange(first, count));
                first += count;
            }
        }
        return loss!;
    }

    private void Update(Adam.Options options, List<AdamState> states)
    {
        var amsgrad = options.amsgrad!.Value;
        var gradients = new List<Tensor>(states.Count);
        var active = new List<AdamState>(states.Count);
        foreach (var state in states)
        {
            if (state.Parameter.grad is not { } gradient) continue;
            state.Begin(amsgrad);
            gradients.Add(gradient);
            active.Add(state);
        }
        if (active.Count == 0) return;
        FusedOptimizerOps.Adam(
            [.. active.Select(s => s.Parameter)], [.. gradients],
            [.. active.Select(s => s.ExpAvg!)], [.. active.Select(s => s.ExpAvgSq!)],
            amsgrad ? [.. active.Select(s => s.MaxExpAvgSq!)] : [], [.. active.Select(s => s.Step!)],
            options.LearningRate!.Value, options.beta1!.Value, options.beta2!.Value, options.weight_decay!.Value, options.eps!.Value,
            amsgrad, options.maximize!.Value, _decoupled);
    }

    private static void ThrowUnlessDecay(double value, string name)
    {
        if (!(value is >= 0 and < 1)) throw new ArgumentOutOfRangeException(name, value, "must be in [0, 1)");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            foreach (var state in States) state.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>What Adam remembers of a parameter; empty before its first gradient.</summary>
    internal sealed class AdamState(Parameter parameter) : IDisposable
    {
        public Parameter Parameter => parameter;
        public Tensor? Step { get; private set; }
        public Tensor? ExpAvg { get; private set; }
        public Tensor? ExpAvgSq { get; private set; }
        public Tensor? MaxExpAvgSq { get; private set; }

        /// <summary>Makes the state if there is none, and counts the step.</summary>
        public void Begin(bool amsgrad)
        {
            Create(amsgrad);
            Step!.add_(1);
        }

        public void Create(bool amsgrad)
        {
            Step ??= torch.zeros([], dtype: ScalarType.Float32, device: parameter.device).DetachFromDisposeScope();
            ExpAvg ??= torch.zeros_like(parameter).DetachFromDisposeScope();
            ExpAvgSq ??= torch.zeros_like(parameter).DetachFromDisposeScope();
            if (amsgrad) MaxExpAvgSq ??= torch.zeros_like(parameter).DetachFromDisposeScope();
        }

        public void Dispose()
        {
            Step?.Dispose();
            ExpAvg?.Dispose();
            ExpAvgSq?.Dispose();
            MaxExpAvgSq?.Dispose();
            Step = ExpAvg = ExpAvgSq = MaxExpAvgSq = null;
        }
    }
}
