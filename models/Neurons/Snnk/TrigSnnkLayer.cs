using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A layer Ψ Φ(x) of trigonometric features: (…, in) → (…, out). State names <c>weights</c> (out, 2m) and the buffer
/// <c>projection</c> (m, in).</summary>
/// <inheritdoc cref="TrigRandomFeatures"/>
public sealed class TrigSnnkLayer : TrigRandomFeatures
{
    /// <summary>A layer with a fresh projection, and Ψ of the weights of the layer it is to replace.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="features">m, ≥ 1.</param>
    /// <param name="orthogonal">Whether rows of the projection are orthogonal in blocks.</param>
    /// <param name="norm">The length inputs and weights are brought to before; null: none.</param>
    /// <param name="fromWeight">(out, in), weights of the layer to replace; null: fresh ones.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A size isn't positive, or the weights have another shape.</exception>
    public TrigSnnkLayer(long inFeatures, long outFeatures, long features, bool orthogonal = false, double? norm = null,
        Tensor? fromWeight = null, Generator? generator = null) : base(inFeatures, features, orthogonal, norm, generator) =>
        AddReadOut(outFeatures, fromWeight, null, generator);

    /// <summary>Ψ, (out, count).</summary>
    public Tensor Weights => get_parameter("weights")!;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => ReadOut(x);
}
