using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// A recurrent layer whose channels don't depend on each other through the states: x (batch, time, inputs) → y (batch, time, states). What
/// <see cref="ParaGru"/> and <see cref="ParaLstm"/> have in common.
/// </summary>
/// <remarks>State names: <c>A</c> (3, states), <c>B</c> (heads, inputs/heads, 3, states/heads), <c>b</c> (3, states), and <c>C</c> (2,
/// states) of the LSTM, as in the reference. Under automatic casting the projection is 16-bit; the recurrence and its states never
/// are.</remarks>
public abstract class ParaRnnCell : Module<Tensor, Tensor>, IChannelwiseCell
{
    private readonly ParallelRecurrenceSolver _solver;
    private FusedLayer? _layer;

    // What the kernels compute the gates with.
    private readonly bool _standard;

    private protected ParaRnnCell(string name, long inputDim, long stateDim, long numHeads, RecurrenceMode mode, NewtonOptions? newton,
        double? maxRecurrentNorm,
        Nonlinearity[] nonlinearities, Nonlinearity[] standard) : base(name)
    {
        Positive(inputDim, nameof(inputDim));
        Positive(stateDim, nameof(stateDim));
        Positive(numHeads, nameof(numHeads));
        if (inputDim % numHeads != 0 || stateDim % numHeads != 0)
            throw new ArgumentException($"expected a number of heads that divides {inputDim} inputs and {stateDim} states, got {numHeads}",
                nameof(numHeads));
        if (!Enum.IsDefined(mode)) throw new ArgumentException($"unknown mode {mode}", nameof(mode));
        if (maxRecurrentNorm is { } norm && !(norm >= 0)) throw new ArgumentException($"expected a number ≥ 0, got {norm}",
            nameof(maxRecurrentNorm));
        foreach (var n in nonlinearities)
            if (!Enum.IsDefined(n)) throw new ArgumentException($"unknown nonlinearity {n}", nameof(nonlinearities));
        (InputDim, StateDim, NumHeads, Mode, MaxRecurrentNorm) = (inputDim, stateDim, numHeads, mode, maxRecurrentNorm);
        _solver = new ParallelRecurrenceSolver(newton);
        _standard = nonlinearities.SequenceEqual(standard);
        if (mode == RecurrenceMode.Fused && !_standard)
            throw new ArgumentException(
                $"the fused kernel computes with {string.Join(", ", standard)}, not {string.Join(", ", nonlinearities)}", nameof(mode));

        static void Positive(long value, string name)
        {
            if (value < 1) throw new ArgumentException($"expected a positive number, got {value}", name);
        }
    }

    /// <summary>Numbers of an input.</summary>
    public long InputDim { get; }

    /// <summary>Channels, and numbers of an output.</summary>
    public long StateDim { get; }

    /// <summary>Heads of the input projection: each maps its share of the inputs to its share of the channels.</summary>
    public long NumHeads { get; }

    /// <summary>How the recurrence is evaluated.</summary>
    public RecurrenceMode Mode { get; set; }

    /// <summary>How Newton's method iterates.</summary>
    public NewtonOptions Newton => _solver.Options;

    /// <summary>Recurrent weights beyond ± this are set to it before each use; null: they are free. Below 1 states forget, and Newton's
    /// method converges in a few iterations.</summary>
    public double? MaxRecurrentNorm { get; }

    /// <summary>What Newton's method did in the last forward pass; null if it had nothing to do.</summary>
    public NewtonReport? LastReport { get; private set; }

    // By name: another type or device makes other parameters.

    /// <summary>Recurrent weights of the three gates: A of the paper.</summary>
    public Parameter RecurrentWeight => get_parameter("A")!;

    /// <summary>Input weights of all heads and gates: B of the paper.</summary>
    public Parameter InputWeight => get_parameter("B")!;

    /// <summary>Biases: b of the paper.</summary>
    public Parameter Bias => get_parameter("b")!;

    /// <inheritdoc/>
    public long StateSize => StatesPerChannel * StateDim;

    /// <inheritdoc/>
    public abstract JacobianStructure Structure { get; }

    double? IRecurrentCell.StateBound => HasBoundedStates ? 1 : null;

    /// <summary>1, or 2: c and h.</summary>
    internal abstract int StatesPerChannel { get; }

    /// <summary>Whether states are mixtures of earlier ones and of numbers in [−1, 1].</summary>
    private protected abstract bool HasBoundedStates { get; }

    /// <summary>A, and C.</summary>
    internal abstract Tensor[] RecurrentWeights { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x isn't (batch, time, inputs) with at least one step, or has another type or device than the
    /// weights.</exception>
    public override Tensor forward(Tensor x) => forward(x, null);

    /// <summary>The outputs.</summary>
    /// <param name="x">(batch, time, inputs)</param>
    /// <param name="initial">The state before the first step: (batch, states) of the GRU, (batch, 2 states) of the LSTM, c first; null:
    /// zero.</param>
    /// <returns>(batch, time, states), of x's type.</returns>
    /// <exception cref="ArgumentException">A shape, type or device doesn't fit, or there is no step.</exception>
    public Tensor forward(Tensor x, Tensor? initial)
    {
        using var scope = NewDisposeScope();
        return Output(Run(x, initial), x).MoveToOuterDisposeScope();
    }

    /// <summary>The outputs, and the state after the last step: the next call's initial state.</summary>
    /// <param name="x">(batch, time, inputs)</param>
    /// <param name="initial">As in <see cref="forward(Tensor, Tensor?)"/>.</param>
    /// <param name="lengths">(batch), int64: how many steps of each sample count. Outputs behind them are zero, and the state is that after
    /// the last that counts; null: all.</param>
    /// <exception cref="ArgumentException">A shape, type or device doesn't fit, there is no step, or a length is negative or longer than
    /// x.</exception>
    public (Tensor Y, Tensor State) ForwardWithState(Tensor x, Tensor? initial = null, Tensor? lengths = null)
    {
        using var scope = NewDisposeScope();
        Check(x, initial);
        SequenceLengths.Check(lengths, x);
        var states = Run(x, initial);
        var y = Output(states, x);
        Tensor state;
        if (lengths is null) state = cat([.. states.Select(s => s.select(1, -1))], 1);
        else
        {
            y = y * SequenceLengths.Mask(lengths, x.shape[1], y.dtype);
            state = cat([.. states.Select(s => SequenceLengths.Last(s, lengths))], 1);
            state = where(lengths.gt(0).unsqueeze(1), state, initial?.to(state.dtype) ?? zeros_like(state));
        }
        return (y.MoveToOuterDisposeScope(), state.MoveToOuterDisposeScope());
    }

    /// <summary>One step, in time and memory that don't depend on how many were before it.</summary>
    /// <param name="xt">The input: (batch, inputs).</param>
    /// <param name="state">The state before: (batch, states), or (batch, 2 states) of the LSTM; null: zero.</param>
    /// <returns>The state after. It is the GRU's output; the LSTM's is its second half.</returns>
    /// <exception cref="ArgumentException">A shape, type or device doesn't fit.</exception>
    public Tensor Step(Tensor xt, Tensor? state = null)
    {
        ArgumentNullException.ThrowIfNull(xt);
        if (xt.dim() != 2) throw new ArgumentException($"expected (batch, {InputDim}), got ({string.Join(", ", xt.shape)})", nameof(xt));
        using var scope = NewDisposeScope();
        var states = Run(xt.unsqueeze(1), state, stepByStep: true);
        return cat([.. states.Select(s => s.select(1, 0))], 1).MoveToOuterDisposeScope();
    }

    /// <summary>Sets recurrent weights beyond ± <see cref="MaxRecurrentNorm"/> to it. Each forward pass does so itself.</summary>
    public void ClampRecurrentWeights()
    {
        if (MaxRecurrentNorm is not { } norm) return;
        using var off = no_grad();
        foreach (var weight in RecurrentWeights) weight.clamp_(-norm, norm);
    }

    /// <summary>The three gates' inputs without the state's part: (…, inputs) → (…, 3, states).</summary>
    public Tensor Precompute(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != InputDim)
            throw new ArgumentException($"expected (…, {InputDim}), got ({string.Join(", ", x.shape)})", nameof(x));
        using var scope = NewDisposeScope();
        var u = ByTime(Project(x.reshape(1, -1, InputDim), InputWeight)) + Bias;
        return u.view([.. x.shape[..^1], 3, StateDim]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Transition(Tensor u, Tensor state)
    {
        ArgumentNullException.ThrowIfNull(u);
        ArgumentNullException.ThrowIfNull(state);
        using var scope = NewDisposeScope();
        var next = Advance(u.unbind(-2), [.. RecurrentWeights.SelectMany(w => w.unbind(0))], state.chunk(StatesPerChannel, -1));
        return (next.Length == 1 ? next[0] : cat([.. next], -1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Jacobian(Tensor u, Tensor state)
    {
        ArgumentNullException.ThrowIfNull(u);
        ArgumentNullException.ThrowIfNull(state);
        using var scope = NewDisposeScope();
        return Slopes(u.unbind(-2), [.. RecurrentWeights.SelectMany(w => w.unbind(0))],
            state.chunk(StatesPerChannel, -1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor RunSeries(Tensor u, Tensor initial, Tensor samples, Tensor channels)
    {
        ArgumentNullException.ThrowIfNull(u);
        ArgumentNullException.ThrowIfNull(initial);
        using var scope = NewDisposeScope();
        // Series in the place of channels of one sample: each has the weights of its channel.
        var inputs = u.permute(0, 3, 1, 2).index(TensorIndex.Tensor(samples), TensorIndex.Tensor(channels)).permute(1, 2, 0).unsqueeze(0);
        var start = initial.view(initial.shape[0], StatesPerChannel, StateDim).permute(0, 2, 1)
            .index(TensorIndex.Tensor(samples), TensorIndex.Tensor(channels)).t().reshape(1, -1);
        Tensor[] weights = [.. RecurrentWeights.Select(w => w.index_select(1, channels))];
        var states = _standard && FusedFunction.HasKernelFor(u)
            ? Recurrence.Apply([inputs.unsqueeze(0), .. weights, zeros([3, samples.shape[0]], u.dtype, u.device), start])
            : StepThrough(inputs, weights, start);
        return stack(states, -1).squeeze(0).transpose(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>The states after a step, from the three gates' inputs, the rows of the recurrent weights and the states before.</summary>
    internal abstract Tensor[] Advance(Tensor[] u, Tensor[] weights, Tensor[] states);

    /// <summary>Their Jacobian.</summary>
    private protected abstract Tensor Slopes(Tensor[] u, Tensor[] weights, Tensor[] states);

    private FusedLayer Layer => _layer ??= new(this, Recurrence);

    /// <summary>All states by the kernel.</summary>
    private protected abstract FusedFunction Recurrence { get; }

    /// <summary>All states step by step, (batch, time, channels) each, from inputs (batch, time, 3, channels) with biases.</summary>
    internal Tensor[] StepThrough(Tensor u, Tensor[] weights, Tensor? initial)
    {
        using var scope = NewDisposeScope();
        // Not a slice in each step, whose gradient would be as large as all steps.
        Tensor[] rows = [.. weights.SelectMany(w => w.unbind(0))];
        Tensor[][] gates = [.. u.unbind(2).Select(gate => gate.unbind(1))];
        var states = (initial ?? zeros([u.shape[0], StatesPerChannel * u.shape[3]], u.dtype, u.device)).chunk(StatesPerChannel, 1);
        var found = states.Select(_ => new Tensor[u.shape[1]]).ToArray();
        for (var t = 0; t < u.shape[1]; t++)
        {
            states = Advance([gates[0][t], gates[1][t], gates[2][t]], rows, states);
            for (var i = 0; i < states.Length; i++) found[i][t] = states[i];
        }
        return [.. found.Select(f => stack(f, 1).MoveToOuterDisposeScope())];
    }

    /// <summary>(heads, batch, time, 3, channels of a head) → (batch, time, 3, channels).</summary>
    internal static Tensor ByTime(Tensor inputs) => inputs.permute(1, 2, 3, 0, 4).flatten(3);

    /// <summary>(batch, time, 3, channels) → (heads, batch, time, 3, channels of a head).</summary>
    internal static Tensor ByHead(Tensor inputs, long heads) => inputs.unflatten(3, [heads, -1]).permute(3, 0, 1, 2, 4);

    /// <summary>Makes A, B and b as the reference does by default.</summary>
    /// <param name="generator">Source of the random numbers.</param>
    /// <param name="fanOut">What B's bound takes for the number of its outputs.</param>
    private protected void Initialize(Generator? generator, long fanOut)
    {
        using var off = no_grad();
        register_parameter("A", FreshRecurrent(3, generator));
        register_parameter("B", new Parameter(empty(NumHeads, InputDim / NumHeads, 3, StateDim / NumHeads)));
        register_parameter("b", new Parameter(zeros(3, StateDim)));
        using var scope = NewDisposeScope();
        var bound = Math.Sqrt(6.0 / (InputDim / NumHeads + fanOut));
        InputWeight.copy_((rand(InputWeight.shape, generator: generator) * 2 - 1) * bound);
        Bias[0] = -linspace(0, 1, StateDim);
    }

    /// <summary>Normal, of variance 4 / (5 states).</summary>
    private protected Parameter FreshRecurrent(long rows, Generator? generator)
    {
        using var off = no_grad();
        var weight = new Parameter(empty(rows, StateDim));
        using var scope = NewDisposeScope();
        weight.copy_(randn(weight.shape, generator: generator) * (2 / Math.Sqrt(5.0 * StateDim)));
        return weight;
    }

    private static Tensor Output(Tensor[] states, Tensor x) => states[^1].to(x.dtype);

    /// <summary>Inputs of the gates of all heads, (heads, batch, time, 3, channels of a head): a product for each head, without a
    /// transposition of what comes out.</summary>
    internal static Tensor Project(Tensor x, Tensor weight)
    {
        var (heads, channels) = (weight.shape[0], weight.shape[3]);
        return Heads(x, heads).bmm(weight.view(heads, weight.shape[1], 3 * channels)).view(heads, x.shape[0], x.shape[1], 3, channels);
    }

    /// <summary>(batch, time, inputs) → (heads, batch · time, inputs of a head).</summary>
    internal static Tensor Heads(Tensor x, long heads) => x.reshape(x.shape[0] * x.shape[1], heads, x.shape[2] / heads).transpose(0, 1);

    private void Check(Tensor x, Tensor? initial)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 3 || x.shape[2] != InputDim)
            throw new ArgumentException($"expected (batch, time, {InputDim}), got ({string.Join(", ", x.shape)})", nameof(x));
        if (x.shape[1] == 0) throw new ArgumentException("expected at least one step, got none", nameof(x));
        Kernels.Expect.Shape(initial, nameof(initial), x.shape[0], StateSize);
    }

    // On a GPU, where each series has one thread, too few to keep it busy for as many steps. By arithmetic, not measured.
    private bool HasFewLongSeries(Tensor inputs) =>
        inputs.device_type == DeviceType.CUDA && inputs.shape[1] * StateDim < 4096 && inputs.shape[2] >= 2048;

    /// <summary>Whether Newton's method on these inputs has kernels of its own.</summary>
    internal bool HasNewtonKernel(Tensor u) => _standard && CudaParaRnn.HasKernel(u);

    // All states, (batch, time, channels) each, the last of which is the output.
    private Tensor[] Run(Tensor x, Tensor? initial, bool stepByStep = false)
    {
        Check(x, initial);
        ClampRecurrentWeights();
        var whole = Mode is RecurrenceMode.Auto or RecurrenceMode.Fused || stepByStep && Mode == RecurrenceMode.Parallel;
        if (whole && _standard && FusedFunction.HasCpuKernelFor(x) && x.dtype == InputWeight.dtype && Autocast.TypeOn(x.device) is null)
        {
            if (!stepByStep) LastReport = null;
            return Layer.Apply([x, InputWeight, .. RecurrentWeights, Bias, initial?.to(x.dtype)]);
        }
        var inputs = Project(x, InputWeight);
        using var full = Autocast.Disable(x.device);
        inputs = Autocast.ToFullPrecision(inputs);
        var bias = Bias.to(inputs.dtype);
        initial = initial?.to(inputs.dtype);
        var mode = stepByStep && Mode != RecurrenceMode.Sequential ? RecurrenceMode.Auto : Mode;
        if (mode == RecurrenceMode.Auto)
            mode = !_standard || !FusedFunction.HasKernelFor(inputs) ? stepByStep ? RecurrenceMode.Sequential : RecurrenceMode.Parallel
                : HasFewLongSeries(inputs) ? RecurrenceMode.Parallel : RecurrenceMode.Fused;
        if (mode == RecurrenceMode.Fused && !FusedFunction.HasKernelFor(inputs))
            throw new NotSupportedException($"there is no fused kernel for {inputs.dtype} on {inputs.device}; use "
                + $"{nameof(RecurrenceMode)}.{nameof(RecurrenceMode.Auto)}");
        if (!stepByStep) LastReport = null;
        Tensor[] weights = [.. RecurrentWeights.Select(w => w.to(inputs.dtype))];
        switch (mode)
        {
            case RecurrenceMode.Fused: return Recurrence.Apply([inputs, .. weights, bias, initial]);
            case RecurrenceMode.Sequential: return StepThrough(ByTime(inputs) + bias, weights, initial);
            default:
                var (states, report) = _solver.Solve(this, ByTime(inputs) + bias, initial);
                LastReport = report;
                return states.chunk(StatesPerChannel, 2);
        }
    }
}
