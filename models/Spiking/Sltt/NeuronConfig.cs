using TorchZoo.Kernels;

namespace TorchZoo.Models.Spiking;

/// <summary>What a network's spiking neurons are; defaults are those of the paper's experiments.</summary>
public sealed record NeuronConfig
{
    /// <summary>Kind of neuron.</summary>
    public NeuronKind Kind { get; init; } = NeuronKind.Leaky;

    /// <summary>τ in time steps, at least 1: a potential falls by the factor 1 − 1/τ in each. The initial one of parametric neurons; not
    /// used by neurons without a leak.</summary>
    public double Tau { get; init; } = 1.1;

    /// <summary>V_th</summary>
    public double VThreshold { get; init; } = 1;

    /// <summary>Where a spike puts the potential (hard reset); null: it lowers it by the threshold (soft reset).</summary>
    public double? VReset { get; init; }

    /// <summary>Whether inputs are divided by τ.</summary>
    public bool DecayInput { get; init; }

    /// <summary>Whether the gradient goes around the spike in the reset.</summary>
    public bool DetachReset { get; init; }

    /// <summary>What stands for the spike's derivative.</summary>
    public SurrogateGradient Surrogate { get; init; } = SurrogateGradient.Triangle;

    /// <summary>The surrogate's parameter; null: <see cref="SpikingDynamics.UsualAlpha"/>.</summary>
    public double? Alpha { get; init; }

    /// <summary>Neurons of this kind.</summary>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public SpikingNeuron Create() => Kind switch
    {
        NeuronKind.Leaky => new LeakyIntegrateAndFire(Tau, VThreshold, VReset, DecayInput, DetachReset, Surrogate, Alpha),
        NeuronKind.IntegrateAndFire => new IntegrateAndFire(VThreshold, VReset, DetachReset, Surrogate, Alpha),
        NeuronKind.ParametricLeaky =>
            new ParametricLeakyIntegrateAndFire(Tau, VThreshold, VReset, DecayInput, DetachReset, Surrogate, Alpha),
        _ => throw new ArgumentException($"unknown kind of neuron {Kind}", nameof(Kind)),
    };
}
