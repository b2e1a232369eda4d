using TorchZoo.Layers;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The neural accumulator (NAC): a = x Wᵀ without a bias, whose weights are drawn to −1, 0 and 1, so that it learns to add and to
/// subtract and
/// not to rescale.
/// </summary>
/// <remarks>Source: Trask et al. 2018, section 3, equation 1.</remarks>
public sealed class NeuralAccumulator : NacLayer
{
    /// <summary>A layer with fresh weights.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="init">How Ŵ and M̂ begin.</param>
    /// <param name="members">Independent layers side by side (<see cref="Ensemble"/>); null: one.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public NeuralAccumulator(long inFeatures, long outFeatures, NacInit init = NacInit.Kaiming, long? members = null,
        Generator? generator = null) : base(nameof(NeuralAccumulator), inFeatures, outFeatures, init, members, generator)
    {
    }

    private protected override Tensor Apply(Tensor x, Tensor weight) => Ensemble.Linear(x, weight);
}
