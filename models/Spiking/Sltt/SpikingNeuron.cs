using TorchZoo.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// A layer of spiking neurons, one for each number of the input. Each call is a time step: from the input currents to spikes, 0 or 1. The
/// potentials stay until <see cref="ResetState"/>; they belong to no state dict.
/// </summary>
public abstract class SpikingNeuron : Module<Tensor, Tensor>, ISpikingModule
{
    private Tensor? _membrane;

    private protected SpikingNeuron(string name) : base(name) { }

    /// <summary>Whether gradients go back through the potential to earlier time steps.</summary>
    public TemporalGradient Temporal { get; set; }

    /// <summary>The potentials after the last step's reset, of its input's shape; null before the first one.</summary>
    public Tensor? Membrane => _membrane;

    /// <summary>What a neuron does in a step.</summary>
    public abstract SpikingDynamics Dynamics { get; }

    /// <summary>The next time step.</summary>
    /// <param name="input">Input currents: any shape, the same in all steps until <see cref="ResetState"/>.</param>
    /// <returns>Spikes, of the input's shape and type.</returns>
    /// <exception cref="InvalidOperationException">Shape, type or device aren't those of the step before.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Check(input);
        using var scope = NewDisposeScope();
        if (Temporal == TemporalGradient.Detached && !(_membrane?.requires_grad ?? false))
        {
            // In place: that the potentials stay where they are keeps the heap from growing holes around them.
            _membrane ??= AtRest(input).DetachFromDisposeScope();
            return Advance(input, _membrane).MoveToOuterDisposeScope();
        }
        var (spikes, membrane) = Step(input, _membrane);
        _membrane?.Dispose();
        _membrane = (Temporal == TemporalGradient.Detached ? membrane.detach() : membrane).DetachFromDisposeScope();
        return spikes.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void ResetState()
    {
        _membrane?.Dispose();
        _membrane = null;
    }

    /// <summary>Spikes and potentials of a step.</summary>
    private protected virtual (Tensor Spikes, Tensor Membrane) Step(Tensor input, Tensor? membrane) =>
        SpikingUpdate.Apply(Dynamics, input, membrane);

    /// <summary>Spikes of a step, whose potentials take the place of the last step's.</summary>
    private protected virtual Tensor Advance(Tensor input, Tensor membrane) => SpikingUpdate.Advance(Dynamics, input, membrane);

    private Tensor AtRest(Tensor input) => full(input.shape, Dynamics.Rest, TypeFor(input), input.device);

    private static ScalarType TypeFor(Tensor input) =>
        input.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? ScalarType.Float32 : input.dtype;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) ResetState();
        base.Dispose(disposing);
    }

    private void Check(Tensor input)
    {
        if (_membrane is null) return;
        if (_membrane.shape.AsSpan().SequenceEqual(input.shape) && _membrane.dtype == TypeFor(input) && _membrane.device_type == input.device_type
            && _membrane.device_index == input.device_index) return;
        throw new InvalidOperationException($"the neurons' potentials are {_membrane.dtype} ({string.Join(", ", _membrane.shape)}) on "
            + $"{_membrane.device}, the input is {input.dtype} ({string.Join(", ", input.shape)}) on {input.device}: "
            + $"call {nameof(ResetState)} between one batch and the next");
    }
}
