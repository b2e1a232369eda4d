using System.Text;
using TorchZoo.Layers;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The neural addition unit (NAU): y = x Wᵀ with weights between −1 and 1, that become −1, 0 or 1.</summary>
/// <remarks>Source: Madsen and Johansen 2020, section 2.2.</remarks>
public sealed class NeuralAdditionUnit : BoundedLayer
{
    /// <summary>A layer with fresh weights, uniform within ± min(½, √(6/(in + out))).</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="oob">What keeps the weights within their bounds.</param>
    /// <param name="members">Independent layers side by side (<see cref="Ensemble"/>); null: one.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public NeuralAdditionUnit(long inFeatures, long outFeatures, OutOfBounds oob = OutOfBounds.Clip, long? members = null,
        Generator? generator = null) : base(nameof(NeuralAdditionUnit), inFeatures, outFeatures, (-1, 1), oob, members, shape =>
    {
        var radius = Math.Min(0.5, Math.Sqrt(6.0 / (inFeatures + outFeatures)));
        return empty(shape).uniform_(-radius, radius, generator);
    })
    {
    }

    private protected override bool IsSigned => true;

    // The reference clamps here whatever else keeps the bounds.
    private protected override bool AlwaysBounded => true;

    private protected override Tensor Apply(Tensor x, Tensor weight) => Ensemble.Linear(x, weight);

    private protected override string Formula(IReadOnlyList<string> names, double[] weights, double tolerance)
    {
        var sum = new StringBuilder();
        foreach (var (w, name) in weights.Zip(names))
        {
            if (Math.Abs(w) <= tolerance) continue;
            if (w < 0 || sum.Length > 0) sum.Append(w < 0 ? '-' : '+');
            var size = Math.Abs(w);
            sum.Append(Math.Abs(size - 1) <= tolerance ? name : $"{Number(size)}*{Factor(name)}");
        }
        return sum.Length == 0 ? "0" : sum.ToString();
    }
}
