using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>The energy of a weight as a loss, with its options fixed: see <see cref="HypersphericalEnergy"/>. (out, in, …) → a
/// scalar.</summary>
/// <remarks>Source: Liu et al. 2018, section 3.1.</remarks>
public sealed class HypersphericalEnergyLoss : Module<Tensor, Tensor>
{
    private readonly EnergyPower _s;
    private readonly EnergySpace _space;
    private readonly EnergyMetric _metric;
    private readonly double _eps;
    private readonly bool _transposed, _referenceScaling;
    private readonly long? _sample;
    private readonly Generator? _generator;

    /// <inheritdoc cref="HypersphericalEnergy.Of"/>
    public HypersphericalEnergyLoss(EnergyPower s = EnergyPower.Inverse, EnergySpace space = EnergySpace.Full,
        EnergyMetric metric = EnergyMetric.Euclidean, double eps = 1e-12, bool transposed = false, bool referenceScaling = false,
        long? sample = null, Generator? generator = null) : base(nameof(HypersphericalEnergyLoss))
    {
        HypersphericalEnergy.Check(s, space, metric, eps, sample);
        (_s, _space, _metric, _eps, _transposed, _referenceScaling, _sample, _generator) =
            (s, space, metric, eps, transposed, referenceScaling, sample, generator);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The weight has no rows.</exception>
    public override Tensor forward(Tensor weight) =>
        HypersphericalEnergy.Of(weight, _s, _space, _metric, _eps, _transposed, _referenceScaling, _sample, _generator);
}
