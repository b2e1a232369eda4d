namespace TorchZoo.Kernels;

/// <summary>
/// What a spiking neuron does in a time step. With the membrane potential v after the last step and the input x:
/// u = λ v + c + g x, a spike s = 1 if u ≥ θ (else 0), and then the reset, v ← u − θ s or v ← (1 − s) u + s r.
/// </summary>
public sealed record SpikingDynamics
{
    /// <summary>λ, what stays of the potential; 1 − 1/τ of a leaky neuron, 1 of one without a leak.</summary>
    public double Leak { get; init; } = 1;

    /// <summary>g, what the input is multiplied by.</summary>
    public double InputGain { get; init; } = 1;

    /// <summary>c, what the potential gains by itself.</summary>
    public double Drift { get; init; }

    /// <summary>θ, above 0.</summary>
    public double Threshold { get; init; } = 1;

    /// <summary>r, where a spike puts the potential (hard reset); null: it lowers it by the threshold (soft reset).</summary>
    public double? Reset { get; init; }

    /// <summary>Whether the gradient goes around the spike in the reset.</summary>
    public bool DetachReset { get; init; }

    /// <summary>What stands for the spike's derivative.</summary>
    public SurrogateGradient Surrogate { get; init; }

    /// <summary>The surrogate's parameter, above 0; null: the usual one (<see cref="UsualAlpha"/>).</summary>
    public double? Alpha { get; init; }

    /// <summary>The potential before the first step: r with a hard reset, else 0.</summary>
    public double Rest => Reset ?? 0;

    internal double SurrogateAlpha => Alpha ?? UsualAlpha(Surrogate);

    /// <summary>A surrogate's parameter where none is given: 1 of the triangle, the rectangle and the exponential, 4 of the sigmoid, 2 of the
    /// arc tangent, 25 of the fast sigmoid.</summary>
    public static double UsualAlpha(SurrogateGradient surrogate) => surrogate switch
    {
        SurrogateGradient.Sigmoid => 4,
        SurrogateGradient.ArcTangent => 2,
        SurrogateGradient.FastSigmoid => 25,
        _ => 1,
    };

    /// <summary>A leaky integrate-and-fire neuron: u = v − (v − r)/τ + x, or + x/τ.</summary>
    /// <param name="tau">τ in time steps, at least 1.</param>
    /// <param name="decayInput">Whether the input is divided by τ.</param>
    /// <param name="reset">r, the resting potential too; null: soft reset, rest at 0.</param>
    /// <exception cref="ArgumentException">τ is below 1.</exception>
    public static SpikingDynamics Leaky(double tau, bool decayInput = false, double? reset = null)
    {
        if (!(tau >= 1)) throw new ArgumentOutOfRangeException(nameof(tau), tau, "expected a time constant of at least 1 step");
        return new() { Leak = 1 - 1 / tau, InputGain = decayInput ? 1 / tau : 1, Drift = (reset ?? 0) / tau, Reset = reset };
    }

    /// <summary>The same, when every number is in its range.</summary>
    /// <exception cref="ArgumentException">One isn't.</exception>
    public SpikingDynamics Checked()
    {
        if (!(Threshold > 0) || !double.IsFinite(Threshold))
            throw new ArgumentException($"expected a threshold above 0, got {Threshold}", nameof(Threshold));
        if (!(SurrogateAlpha > 0) || !double.IsFinite(SurrogateAlpha))
            throw new ArgumentException($"expected a surrogate's parameter above 0, got {Alpha}", nameof(Alpha));
        if (!Enum.IsDefined(Surrogate)) throw new ArgumentException($"unknown surrogate {Surrogate}", nameof(Surrogate));
        foreach (var value in new[] { Leak, InputGain, Drift, Rest })
            if (!double.IsFinite(value)) throw new ArgumentException($"expected finite numbers, got {this}", nameof(Leak));
        return this;
    }
}
