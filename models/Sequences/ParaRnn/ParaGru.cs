using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// A gated recurrent unit whose recurrent matrices are diagonal: with u = x B + b,
/// z = σ(A₀ h + u₀), r = σ(A₁ h + u₁), n = tanh(A₂ h r + u₂), h' = (1 − z) h + z n. x (batch, time, inputs) → h (batch, time, states).
/// </summary>
/// <remarks>Beside <c>nn.GRU</c> the update gate means the opposite: at z = 1 the state is overwritten. Source: arXiv 2510.21450, section
/// 4.</remarks>
public sealed class ParaGru : ParaRnnCell
{
    private static readonly Nonlinearity[] Standard = [Nonlinearity.Sigmoid, Nonlinearity.Sigmoid, Nonlinearity.Tanh];

    private readonly Nonlinearity _update, _reset, _candidate;
    private readonly FusedGru _fused;

    /// <summary>A layer with fresh weights.</summary>
    /// <param name="inputDim">Numbers of an input.</param>
    /// <param name="stateDim">Channels.</param>
    /// <param name="numHeads">Heads of the input projection; divides both.</param>
    /// <param name="mode">How the recurrence is evaluated.</param>
    /// <param name="newton">How Newton's method iterates; null: defaults.</param>
    /// <param name="maxRecurrentNorm">Bound of A's entries; null: none.</param>
    /// <param name="update">What z is made with.</param>
    /// <param name="reset">What r is made with.</param>
    /// <param name="candidate">What n is made with.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A number isn't positive, the heads don't divide inputs and states, an option isn't valid, or the
    /// mode is fused and a nonlinearity isn't the usual one.</exception>
    public ParaGru(long inputDim, long stateDim, long numHeads = 2, RecurrenceMode mode = RecurrenceMode.Auto, NewtonOptions? newton = null,
        double? maxRecurrentNorm = null, Nonlinearity update = Nonlinearity.Sigmoid, Nonlinearity reset = Nonlinearity.Sigmoid,
        Nonlinearity candidate = Nonlinearity.Tanh, Generator? generator = null)
        : base(nameof(ParaGru), inputDim, stateDim, numHeads, mode, newton, maxRecurrentNorm, [update, reset, candidate], Standard)
    {
        (_update, _reset, _candidate) = (update, reset, candidate);
        _fused = new FusedGru(this);
        Initialize(generator, stateDim);
    }

    /// <inheritdoc/>
    public override JacobianStructure Structure => JacobianStructure.Diagonal;

    internal override int StatesPerChannel => 1;

    private protected override bool HasBoundedStates => _update.IsShare() && _candidate == Nonlinearity.Tanh;

    internal override Tensor[] RecurrentWeights => [RecurrentWeight];

    internal override Tensor[] Advance(Tensor[] u, Tensor[] weights, Tensor[] states)
    {
        var h = states[0];
        Tensor z = _update.Of(weights[0] * h + u[0]), r = _reset.Of(weights[1] * h + u[1]), n = _candidate.Of(weights[2] * h * r + u[2]);
        // No number in between: TorchSharp's may be finalized while an operation reads them, which a loop this long meets.
        return [h + z * (n - h)];
    }

    private protected override Tensor Slopes(Tensor[] u, Tensor[] weights, Tensor[] states)
    {
        var h = states[0];
        Tensor zIn = weights[0] * h + u[0], z = _update.Of(zIn), rIn = weights[1] * h + u[1], r = _reset.Of(rIn),
            nIn = weights[2] * h * r + u[2], n = _candidate.Of(nIn);
        return 1 - z + (n - h) * _update.Slope(zIn, z) * weights[0]
            + z * _candidate.Slope(nIn, n) * weights[2] * (r + h * _reset.Slope(rIn, r) * weights[1]);
    }

    private protected override FusedFunction Recurrence => _fused;
}
