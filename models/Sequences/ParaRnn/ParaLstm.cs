using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// A long short-term memory with coupled input and forget gate and peepholes, whose recurrent matrices are diagonal: with u = x B + b,
/// f = σ(A₀ h + C₀ c + u₀), g = tanh(A₂ h + u₂), c' = f c + (1 − f) g, o = σ(A₁ h + C₁ c' + u₁), h' = o tanh c'.
/// x (batch, time, inputs) → h (batch, time, states). A state is c and h, one behind the other.
/// </summary>
/// <remarks>Source: arXiv 2510.21450, section 4.</remarks>
public sealed class ParaLstm : ParaRnnCell
{
    private static readonly Nonlinearity[] Standard = [Nonlinearity.Sigmoid, Nonlinearity.Sigmoid, Nonlinearity.Tanh, Nonlinearity.Tanh];

    private readonly Nonlinearity _forget, _output, _candidate, _state;
    private readonly FusedLstm _fused;

    /// <summary>A layer with fresh weights.</summary>
    /// <param name="inputDim">Numbers of an input.</param>
    /// <param name="stateDim">Channels.</param>
    /// <param name="numHeads">Heads of the input projection; divides both.</param>
    /// <param name="mode">How the recurrence is evaluated.</param>
    /// <param name="newton">How Newton's method iterates; null: defaults.</param>
    /// <param name="maxRecurrentNorm">Bound of A's and C's entries; null: none.</param>
    /// <param name="forget">What f is made with.</param>
    /// <param name="output">What o is made with.</param>
    /// <param name="candidate">What g is made with.</param>
    /// <param name="state">What c' goes through to the output.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A number isn't positive, the heads don't divide inputs and states, an option isn't valid, or the
    /// mode is fused and a nonlinearity isn't the usual one.</exception>
    public ParaLstm(long inputDim, long stateDim, long numHeads = 2, RecurrenceMode mode = RecurrenceMode.Auto,
        NewtonOptions? newton = null,
        double? maxRecurrentNorm = null, Nonlinearity forget = Nonlinearity.Sigmoid, Nonlinearity output = Nonlinearity.Sigmoid,
        Nonlinearity candidate = Nonlinearity.Tanh, Nonlinearity state = Nonlinearity.Tanh, Generator? generator = null)
        : base(nameof(ParaLstm), inputDim, stateDim, numHeads, mode, newton, maxRecurrentNorm, [forget, output, candidate, state], Standard)
    {
        (_forget, _output, _candidate, _state) = (forget, output, candidate, state);
        _fused = new FusedLstm(this);
        // An inconsistency of the reference, which counts a head's channels here and all of them in the GRU.
        Initialize(generator, stateDim / numHeads);
        register_parameter("C", FreshRecurrent(2, generator));
    }

    /// <summary>Weights of the two peepholes, of f and o: C of the paper.</summary>
    public Parameter PeepholeWeight => get_parameter("C")!;

    /// <inheritdoc/>
    public override JacobianStructure Structure => JacobianStructure.Block2x2;

    internal override int StatesPerChannel => 2;

    private protected override bool HasBoundedStates =>
        _forget.IsShare() && _output.IsShare() && _candidate == Nonlinearity.Tanh && _state == Nonlinearity.Tanh;

    internal override Tensor[] RecurrentWeights => [RecurrentWeight, PeepholeWeight];

    internal override Tensor[] Advance(Tensor[] u, Tensor[] weights, Tensor[] states)
    {
        var (c, h) = (states[0], states[1]);
        Tensor f = _forget.Of(weights[0] * h + weights[3] * c + u[0]), g = _candidate.Of(weights[2] * h + u[2]);
        c = g + f * (c - g);
        var o = _output.Of(weights[1] * h + weights[4] * c + u[1]);
        return [c, o * _state.Of(c)];
    }

    private protected override Tensor Slopes(Tensor[] u, Tensor[] weights, Tensor[] states)
    {
        var (c, h) = (states[0], states[1]);
        Tensor fIn = weights[0] * h + weights[3] * c + u[0], f = _forget.Of(fIn), gIn = weights[2] * h + u[2], g = _candidate.Of(gIn);
        var cell = f * c + (1 - f) * g;
        Tensor oIn = weights[1] * h + weights[4] * cell + u[1], o = _output.Of(oIn), t = _state.Of(cell);
        Tensor byF = (c - g) * _forget.Slope(fIn, f), byO = t * _output.Slope(oIn, o);
        Tensor cc = f + byF * weights[3], ch = byF * weights[0] + (1 - f) * _candidate.Slope(gIn, g) * weights[2];
        // h' by c'.
        var through = byO * weights[4] + o * _state.Slope(cell, t);
        Tensor hc = through * cc, hh = byO * weights[1] + through * ch;
        return stack([stack([cc, ch], -2), stack([hc, hh], -2)], -3);
    }

    private protected override FusedFunction Recurrence => _fused;
}
