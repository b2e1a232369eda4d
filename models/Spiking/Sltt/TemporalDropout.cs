using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>Dropout that leaves out the same numbers in all time steps, until <see cref="ResetState"/>.</summary>
public sealed class TemporalDropout : Module<Tensor, Tensor>, ISpikingModule
{
    private Tensor? _mask;

    /// <summary>Makes the layer.</summary>
    /// <param name="p">The share left out, in [0, 1).</param>
    /// <exception cref="ArgumentException"><paramref name="p"/> is out of its range.</exception>
    public TemporalDropout(double p = 0.5) : base(nameof(TemporalDropout))
    {
        if (!(p is >= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(p), p, "expected a share in [0, 1)");
        P = p;
    }

    /// <summary>The share left out.</summary>
    public double P { get; }

    /// <summary>What is left of the input, multiplied by 1/(1 − p); in evaluation the input.</summary>
    /// <exception cref="InvalidOperationException">The input's shape isn't that of the step before.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (!training || P == 0) return input.alias();
        if (_mask is not null && !_mask.shape.AsSpan().SequenceEqual(input.shape))
            throw new InvalidOperationException($"the mask is ({string.Join(", ", _mask.shape)}), the input "
                + $"({string.Join(", ", input.shape)}): call {nameof(ResetState)} between one batch and the next");
        using var scope = NewDisposeScope();
        if (_mask is null)
            using (no_grad())
                _mask = (rand(input.shape, device: input.device) >= P).to(ScalarType.Float32).div(1 - P).DetachFromDisposeScope();
        return (input * _mask.to(input.dtype)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void ResetState()
    {
        _mask?.Dispose();
        _mask = null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) ResetState();
        base.Dispose(disposing);
    }
}
