using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>
/// An optimizer that updates all parameters together instead of one after the other, operation by operation: on CPUs by one pass over the
/// memory, elsewhere by libtorch's fused kernels, or, on devices that have none, by its operations on lists of tensors. Gradients are clipped
/// and unscaled on the way. Parameters without a gradient are left alone.
/// </summary>
public abstract class FusedOptimizer : OptimizerHelper
{
    private protected FusedOptimizer(OptimizerOptions defaults) => (_defaults, _parameter_groups) = (defaults, []);

    /// <summary>The state of each parameter, in the order of the groups.</summary>
    internal List<ParameterState> States { get; } = [];

    /// <summary>The groups' options, in order.</summary>
    internal IEnumerable<OptimizerOptions> GroupOptions => _parameter_groups.Select(g => g.Options);

    /// <summary>Number of parameters of each group.</summary>
    internal IEnumerable<int> GroupSizes => _parameter_groups.Select(g => g.Parameters.Count());

    /// <summary>The tensors of a state, as torch.optim calls them.</summary>
    internal abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>Whether states in torch.optim's layout count the updates.</summary>
    internal abstract bool SavesStep { get; }

    /// <summary>For tests: the way to compute; null: the best one for each parameter.</summary>
    internal UpdatePath? Path { get; set; }

    /// <summary>Adds a group of parameters; options that it leaves open are this optimizer's own.</summary>
    /// <exception cref="ArgumentException">The group is empty, a parameter is complex or trained already, or an option is out of its
    /// range.</exception>
    public override void add_param_group(ParamGroup param_group)
    {
        ArgumentNullException.ThrowIfNull(param_group);
        var parameters = param_group.Parameters?.ToList() ?? [];
        if (parameters.Count == 0) throw new ArgumentException("an optimizer needs at least one parameter", nameof(param_group));
        var known = States.Select(s => s.Parameter.Handle).ToHashSet();
        foreach (var parameter in parameters)
        {
            if (parameter.is_complex())
                throw new ArgumentException("complex parameters are not supported: store real pairs (…, 2)", nameof(param_group));
            if (!known.Add(parameter.Handle)) throw new ArgumentException("a parameter appears twice", nameof(param_group));
        }
        param_group.Options = Complete(param_group.Options);
        param_group.Options.InitialLearningRate = param_group.Options.LearningRate!.Value;
        States.AddRange(parameters.Select(p => new ParameterState(p, StateNames.Count)));
        _parameter_groups.Add(param_group);
    }

    /// <inheritdoc/>
    public override IEnumerable<Parameter> parameters() => States.Select(s => s.Parameter);

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
    public sealed override Tensor step(Func<Tensor>? closure = null)
    {
        Tensor? loss = null;
        if (closure is not null)
            using (enable_grad()) loss = closure();
        Step(GradientScale.One);
        return loss!;
    }

    /// <summary>Updates with gradients scaled down so that their norm is at most <paramref name="maxNorm"/>: one pass over them for the norm,
    /// and no other than the update's. The gradients themselves stay as they are.</summary>
    /// <param name="maxNorm">&gt; 0</param>
    /// <returns>The norm before, as <see cref="Gradients.Norm(IEnumerable{Parameter})"/> gives it.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxNorm"/> is not positive.</exception>
    public Tensor StepClipped(double maxNorm)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNorm);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var norm = Gradients.Norm(parameters());
        Step(GradientScale.By(Gradients.Clipping(norm, maxNorm)));
        return norm.MoveToOuterDisposeScope();
    }

    /// <summary>Says that a one-dimensional parameter has changed its elements, as a sparse weight's do when it is pruned: momentum and whatever
    /// else is remembered of each goes along.</summary>
    /// <param name="parameter">The parameter, one of this optimizer's.</param>
    /// <param name="before">For each element that it has now the index that it had before; −1 if it is new.</param>
    /// <exception cref="ArgumentException">The parameter isn't this optimizer's, or hasn't so many elements.</exception>
    public void Rearrange(Parameter parameter, Tensor before)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentNullException.ThrowIfNull(before);
        if (!before.shape.AsSpan().SequenceEqual([parameter.numel()]))
            throw new ArgumentException($"expected [{parameter.numel()}], got [{string.Join(", ", before.shape)}]", nameof(before));
        var state = States.Find(s => s.Parameter.Handle == parameter.Handle)
            ?? throw new ArgumentException("this optimizer doesn't train the parameter", nameof(parameter));
        state.Rearrange(before);
    }

    /// <summary>Updates with the gradients times a factor.</summary>
    internal void Step(GradientScale scale)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var first = 0;
        foreach (var group in _parameter_groups)
        {
            var count = group.Parameters.Count();
            foreach (var part in Alike(first, count)) Update(group.Options, part, scale);
            first += count;
        }
    }

    /// <summary>Fills in the options that a group leaves open.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    private protected abstract OptimizerOptions Complete(OptimizerOptions? options);

    /// <summary>Updates parameters of one device and type.</summary>
    private protected abstract void Update(OptimizerOptions options, UpdatePart part, GradientScale scale);

    // Those with a gradient, apart by what can be computed together.
    private IEnumerable<UpdatePart> Alike(int first, int count)
    {
        var states = new List<ParameterState>(count);
        var gradients = new List<Tensor>(count);
        var kinds = new List<(UpdatePath, ScalarType, DeviceType, int)>(count);
        for (var i = first; i < first + count; i++)
        {
            var parameter = States[i].Parameter;
            if (parameter.grad is not { } gradient) continue;
            states.Add(States[i]);
            gradients.Add(gradient);
            kinds.Add((Path ?? BestPath(parameter), parameter.dtype, parameter.device_type, parameter.device_index));
        }
        if (states.Count == 0) return [];
        // As in nearly every model.
        if (kinds.TrueForAll(k => k == kinds[0])) return [new UpdatePart(kinds[0].Item1, [.. states], [.. gradients])];
        return Enumerable.Range(0, states.Count).GroupBy(i => kinds[i])
            .Select(alike => new UpdatePart(alike.Key.Item1, [.. alike.Select(i => states[i])], [.. alike.Select(i => gradients[i])]));
    }

    private static UpdatePath BestPath(Parameter parameter) => parameter.device_type switch
    {
        DeviceType.CPU when TensorShares.CanShare(parameter) => UpdatePath.Vectors,
        DeviceType.CPU or DeviceType.CUDA or DeviceType.MPS => UpdatePath.Fused,
        _ => UpdatePath.ForEach,
    };

    private protected static void ThrowUnless(bool valid, double? value, string name, string range)
    {
        if (!valid) throw new ArgumentOutOfRangeException(name, value, $"must be {range}");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            foreach (var state in States) state.Dispose();
        base.Dispose(disposing);
    }
}
