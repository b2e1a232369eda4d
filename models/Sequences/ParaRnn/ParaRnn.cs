using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// Nonlinear recurrent layers that train in parallel over the sequence: x (batch, time, inputs) → y (batch, time, states), or twice as many
/// channels if bidirectional.
/// </summary>
/// <remarks>State names: <c>layers.0.A</c>, …; <c>reverse_layers.0.A</c>, … of the recurrences backward in time. Source: Danieli et al.
/// 2025, arXiv 2510.21450.</remarks>
[Paper("pararnn", "ParaRNN: Unlocking Parallel Training of Nonlinear RNNs for Large Language Models", "2510.21450", 2025)]
[Model("pararnn")]
public sealed class ParaRnn : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<ParaRnnCell> _layers;
    [ComponentName(Name = "reverse_layers")]
    private readonly ModuleList<ParaRnnCell>? _reverse;

    /// <summary>Layers with fresh weights.</summary>
    /// <param name="config">What they are made of.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A number isn't positive, or the heads don't divide inputs and channels.</exception>
    public ParaRnn(ParaRnnConfig config, Generator? generator = null) : base(nameof(ParaRnn))
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.NumLayers < 1) throw new ArgumentException($"expected at least 1 layer, got {config.NumLayers}", nameof(config));
        Config = config;
        _layers = Layers();
        if (config.Bidirectional) _reverse = Layers();
        RegisterComponents();

        ModuleList<ParaRnnCell> Layers() => ModuleList<ParaRnnCell>(
            [.. Enumerable.Range(0, config.NumLayers).Select(i => Cell(i == 0 ? config.InputDim : OutputDim))]);

        ParaRnnCell Cell(long inputs) => config.Cell switch
        {
            CellKind.Gru => new ParaGru(inputs, config.StateDim, config.NumHeads, config.Mode, config.Newton, config.MaxRecurrentNorm,
                generator: generator),
            CellKind.Lstm => new ParaLstm(inputs, config.StateDim, config.NumHeads, config.Mode, config.Newton, config.MaxRecurrentNorm,
                generator: generator),
            _ => throw new ArgumentException($"unknown cell {config.Cell}", nameof(config)),
        };
    }

    /// <summary>What it is made of.</summary>
    public ParaRnnConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>Numbers of an output.</summary>
    public long OutputDim => Config.Bidirectional ? 2 * Config.StateDim : Config.StateDim;

    /// <summary>The layers, first to last.</summary>
    public IReadOnlyList<ParaRnnCell> Layers => [.. _layers];

    /// <summary>Those backward in time; none if it isn't bidirectional.</summary>
    public IReadOnlyList<ParaRnnCell> ReverseLayers => [.. _reverse ?? []];

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x isn't (batch, time, inputs) with at least one step.</exception>
    public override Tensor forward(Tensor x) => forward(x, null);

    /// <summary>The outputs.</summary>
    /// <param name="x">(batch, time, inputs)</param>
    /// <param name="lengths">(batch), int64: how many steps of each sample count; outputs behind them are zero. Null: all.</param>
    /// <exception cref="ArgumentException">A shape doesn't fit, or a length is negative or longer than x.</exception>
    public Tensor forward(Tensor x, Tensor? lengths)
    {
        using var scope = NewDisposeScope();
        return ForwardWithState(x, null, lengths).Y.MoveToOuterDisposeScope();
    }

    /// <summary>The outputs, and each recurrence's state after the last step.</summary>
    /// <param name="x">(batch, time, inputs)</param>
    /// <param name="initial">States before the first step, layer by layer, forward before backward, as they are returned; null:
    /// zero.</param>
    /// <param name="lengths">As in <see cref="forward(Tensor, Tensor?)"/>.</param>
    /// <exception cref="ArgumentException">A shape or the number of states doesn't fit, or a length is negative or longer than
    /// x.</exception>
    public (Tensor Y, IReadOnlyList<Tensor> States) ForwardWithState(Tensor x, IReadOnlyList<Tensor>? initial = null,
        Tensor? lengths = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        CheckStates(initial);
        if (x.dim() != 3) throw new ArgumentException($"expected (batch, time, {Config.InputDim}), got ({string.Join(", ", x.shape)})",
            nameof(x));
        SequenceLengths.Check(lengths, x);
        using var scope = NewDisposeScope();
        var states = new List<Tensor>();
        for (var i = 0; i < _layers.Count; i++)
        {
            var (y, state) = _layers[i].ForwardWithState(x, initial?[states.Count], lengths);
            states.Add(state);
            if (_reverse is not null)
            {
                var (mirrored, first) = _reverse[i].ForwardWithState(SequenceLengths.Reverse(x, lengths), initial?[states.Count], lengths);
                states.Add(first);
                y = cat([y, SequenceLengths.Reverse(mirrored, lengths)], 2);
            }
            x = y;
        }
        return (x.MoveToOuterDisposeScope(), [.. states.Select(s => s.MoveToOuterDisposeScope())]);
    }

    /// <summary>One step of all layers, in time and memory that don't depend on how many were before it.</summary>
    /// <param name="xt">The input: (batch, inputs).</param>
    /// <param name="states">The layers' states before; null: zero.</param>
    /// <returns>The output (batch, states), and the layers' states after.</returns>
    /// <exception cref="ArgumentException">A shape or the number of states doesn't fit.</exception>
    /// <exception cref="InvalidOperationException">It is bidirectional: what comes later is needed at once.</exception>
    public (Tensor Y, IReadOnlyList<Tensor> States) Step(Tensor xt, IReadOnlyList<Tensor>? states = null)
    {
        ArgumentNullException.ThrowIfNull(xt);
        if (_reverse is not null) throw new InvalidOperationException("a bidirectional net can't go step by step");
        CheckStates(states);
        using var scope = NewDisposeScope();
        var after = new List<Tensor>();
        for (var i = 0; i < _layers.Count; i++)
        {
            after.Add(_layers[i].Step(xt, states?[i]));
            xt = after[^1].narrow(1, after[^1].shape[1] - Config.StateDim, Config.StateDim);
        }
        return (xt.MoveToOuterDisposeScope(), [.. after.Select(s => s.MoveToOuterDisposeScope())]);
    }

    private void CheckStates(IReadOnlyList<Tensor>? states)
    {
        var count = _layers.Count + (_reverse?.Count ?? 0);
        if (states is not null && states.Count != count) throw new ArgumentException($"expected {count} states, got {states.Count}",
            nameof(states));
    }
}
