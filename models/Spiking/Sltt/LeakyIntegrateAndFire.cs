using TorchZoo.Kernels;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// Leaky integrate-and-fire neurons: u[t] = (1 − 1/τ) v[t−1] + I[t], a spike where u[t] ≥ V_th, and v[t] = u[t] − V_th s[t] (SLTT, equations
/// 1–3).
/// </summary>
public sealed class LeakyIntegrateAndFire : SpikingNeuron
{
    /// <summary>Neurons at rest.</summary>
    /// <param name="tau">τ in time steps, at least 1; 1: nothing of the potential stays.</param>
    /// <param name="threshold">V_th, above 0.</param>
    /// <param name="vReset">Where a spike puts the potential, and where it rests (hard reset); null: a spike lowers it by the threshold.</param>
    /// <param name="decayInput">Whether inputs are divided by τ.</param>
    /// <param name="detachReset">Whether the gradient goes around the spike in the reset.</param>
    /// <param name="surrogate">What stands for the spike's derivative.</param>
    /// <param name="alpha">The surrogate's parameter; null: <see cref="SpikingDynamics.UsualAlpha"/>.</param>
    /// <param name="temporal">Whether gradients go back to earlier time steps.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public LeakyIntegrateAndFire(double tau = 1.1, double threshold = 1, double? vReset = null, bool decayInput = false,
        bool detachReset = false, SurrogateGradient surrogate = SurrogateGradient.Triangle, double? alpha = null,
        TemporalGradient temporal = TemporalGradient.Detached) : base(nameof(LeakyIntegrateAndFire))
    {
        Dynamics = (SpikingDynamics.Leaky(tau, decayInput, vReset) with
        {
            Threshold = threshold,
            DetachReset = detachReset,
            Surrogate = surrogate,
            Alpha = alpha,
        }).Checked();
        Temporal = temporal;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override SpikingDynamics Dynamics { get; }
}
