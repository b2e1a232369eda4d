using TorchZoo.Kernels;

namespace TorchZoo.Models.Spiking;

/// <summary>Neurons without a leak: u[t] = v[t−1] + I[t].</summary>
public sealed class IntegrateAndFire : SpikingNeuron
{
    /// <summary>Neurons at rest.</summary>
    /// <inheritdoc cref="LeakyIntegrateAndFire(double, double, double?, bool, bool, SurrogateGradient, double?, TemporalGradient)"/>
    public IntegrateAndFire(double threshold = 1, double? vReset = null, bool detachReset = false,
        SurrogateGradient surrogate = SurrogateGradient.Triangle, double? alpha = null,
        TemporalGradient temporal = TemporalGradient.Detached) : base(nameof(IntegrateAndFire))
    {
        Dynamics = new SpikingDynamics
        {
            Threshold = threshold,
            Reset = vReset,
            DetachReset = detachReset,
            Surrogate = surrogate,
            Alpha = alpha,
        }.Checked();
        Temporal = temporal;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override SpikingDynamics Dynamics { get; }
}
