using TorchSharp.Modules;
using TorchZoo.Kernels;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Spiking;

/// <summary>Leaky neurons that learn their common time constant: 1/τ = σ(w) (Fang et al. 2021, arXiv 2007.05785).</summary>
public sealed class ParametricLeakyIntegrateAndFire : SpikingNeuron
{
    private readonly Parameter w;
    private readonly bool _decayInput;

    /// <summary>Neurons at rest.</summary>
    /// <param name="tau">The initial τ, above 1.</param>
    /// <param name="threshold">V_th, above 0.</param>
    /// <param name="vReset">Where a spike puts the potential, and where it rests (hard reset); null: a spike lowers it by the threshold.</param>
    /// <param name="decayInput">Whether inputs are divided by τ.</param>
    /// <param name="detachReset">Whether the gradient goes around the spike in the reset.</param>
    /// <param name="surrogate">What stands for the spike's derivative.</param>
    /// <param name="alpha">The surrogate's parameter; null: <see cref="SpikingDynamics.UsualAlpha"/>.</param>
    /// <param name="temporal">Whether gradients go back to earlier time steps.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public ParametricLeakyIntegrateAndFire(double tau = 2, double threshold = 1, double? vReset = null, bool decayInput = false,
        bool detachReset = false, SurrogateGradient surrogate = SurrogateGradient.Triangle, double? alpha = null,
        TemporalGradient temporal = TemporalGradient.Detached) : base(nameof(ParametricLeakyIntegrateAndFire))
    {
        if (!(tau > 1) || !double.IsFinite(tau))
            throw new ArgumentOutOfRangeException(nameof(tau), tau, "expected a finite time constant above 1 step");
        _decayInput = decayInput;
        // Leak and input are applied before.
        Dynamics = new SpikingDynamics
        {
            Leak = 0,
            Threshold = threshold,
            Reset = vReset,
            DetachReset = detachReset,
            Surrogate = surrogate,
            Alpha = alpha,
        }.Checked();
        Temporal = temporal;
        w = new Parameter(tensor(-(float)Math.Log(tau - 1)));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override SpikingDynamics Dynamics { get; }

    /// <summary>τ now.</summary>
    public double Tau
    {
        get
        {
            using var value = w.detach().to(ScalarType.Float64);
            return 1 + Math.Exp(-value.item<double>());
        }
    }

    private protected override (Tensor Spikes, Tensor Membrane) Step(Tensor input, Tensor? membrane)
    {
        var (spikes, next) = SpikingUpdate.Apply(Dynamics, Charge(input, membrane));
        return (spikes.to(input.dtype), next);
    }

    private protected override Tensor Advance(Tensor input, Tensor membrane)
    {
        // A copy: the time constant's gradient is taken of the potentials as they are now.
        var u = Charge(input, membrane.clone());
        return SpikingUpdate.Advance(Dynamics, u, membrane).to(input.dtype);
    }

    private Tensor Charge(Tensor input, Tensor? membrane)
    {
        var x = Autocast.ToFullPrecision(input);
        var v = membrane ?? full_like(x, Dynamics.Rest);
        var rate = w.sigmoid().to(x.dtype);
        var decay = Dynamics.Rest == 0 ? v : v - Dynamics.Rest;
        return _decayInput ? v + (x - decay) * rate : v - decay * rate + x;
    }
}
