using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// A block of a <see cref="ParaRnnLanguageModel"/>: x ← s x + W_out (norm(cell(silu(conv y))) · silu g), where (y, g) = W_in norm x; then
/// x ← x + mlp(norm x). (batch, time, width) → the same.
/// </summary>
/// <remarks>Source: arXiv 2510.21450, figure 9.</remarks>
public sealed class ParaRnnBlock : Module<Tensor, Tensor>
{
    [ComponentName(Name = "mixer_norm")]
    private readonly RmsNorm _mixerNorm;
    [ComponentName(Name = "in_proj")]
    private readonly Linear _in;
    [ComponentName(Name = "conv")]
    private readonly CausalConvolution _convolution;
    [ComponentName(Name = "cell")]
    private readonly ParaRnnCell _cell;
    [ComponentName(Name = "gate_norm")]
    private readonly RmsNorm _gateNorm;
    [ComponentName(Name = "out_proj")]
    private readonly Linear _out;
    [ComponentName(Name = "mlp_norm")]
    private readonly RmsNorm _mlpNorm;
    [ComponentName(Name = "mlp")]
    private readonly SwiGlu _mlp;
    private readonly double _scale;

    internal ParaRnnBlock(ParaRnnLanguageModelConfig config, Generator? generator) : base(nameof(ParaRnnBlock))
    {
        var dim = config.Dim;
        _cell = config.Cell switch
        {
            CellKind.Gru => new ParaGru(dim, dim, config.NumHeads, config.Mode, config.Newton, config.MaxRecurrentNorm,
                generator: generator),
            CellKind.Lstm => new ParaLstm(dim, dim, config.NumHeads, config.Mode, config.Newton, config.MaxRecurrentNorm,
                generator: generator),
            _ => throw new ArgumentException($"unknown cell {config.Cell}", nameof(config)),
        };
        (_mixerNorm, _gateNorm, _mlpNorm, _scale) = (new(dim), new(dim), new(dim), config.ResidualScale);
        (_in, _out, _mlp) = (Linear(dim, 2 * dim, hasBias: false), Linear(dim, dim, hasBias: false), new(dim, config.MlpWidth));
        _convolution = new(dim, config.ConvolutionSize, generator);
        RegisterComponents();
    }

    /// <summary>The block's recurrence.</summary>
    public ParaRnnCell Cell => _cell;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return ForwardWithState(x, null, null).Y.MoveToOuterDisposeScope();
    }

    /// <summary>The outputs, the inputs that the next call's convolution needs, and the recurrence's state.</summary>
    internal (Tensor Y, Tensor History, Tensor State) ForwardWithState(Tensor x, Tensor? history, Tensor? state)
    {
        using var scope = NewDisposeScope();
        var halves = _in.call(_mixerNorm.call(x)).chunk(2, -1);
        var (mixed, seen) = _convolution.ForwardWithHistory(halves[0], history);
        var (h, last) = Recur(functional.silu(mixed), state);
        var y = _scale * x + _out.call(_gateNorm.call(h) * functional.silu(halves[1]));
        y = y + _mlp.call(_mlpNorm.call(y));
        return (y.MoveToOuterDisposeScope(), seen.MoveToOuterDisposeScope(), last.MoveToOuterDisposeScope());
    }

    private (Tensor Y, Tensor State) Recur(Tensor x, Tensor? state)
    {
        if (x.shape[1] != 1) return _cell.ForwardWithState(x, state);
        var next = _cell.Step(x.squeeze(1), state);
        return (next.narrow(1, next.shape[1] - _cell.StateDim, _cell.StateDim).unsqueeze(1).to(x.dtype), next);
    }
}
