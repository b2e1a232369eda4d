using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A layer Ψ Φ(x) of ReLU features in place of a linear layer with ReLU: (…, in) → (…, out). State names <c>weights</c> (out, m)
/// and the buffer <c>projection</c> (m, in).</summary>
/// <inheritdoc cref="ReluRandomFeatures"/>
public sealed class ReluSnnkLayer : ReluRandomFeatures
{
    /// <summary>A layer with a fresh projection, and Ψ of the weights of the layer it is to replace.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="features">m, ≥ 1.</param>
    /// <param name="constant">c.</param>
    /// <param name="orthogonal">Whether rows of the projection are orthogonal in blocks.</param>
    /// <param name="norm">The length inputs and weights are brought to before; null: none.</param>
    /// <param name="fromWeight">(out, in), weights of the layer to replace; null: fresh ones.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A size isn't positive, a number isn't finite, or the weights have another shape.</exception>
    public ReluSnnkLayer(long inFeatures, long outFeatures, long features, double constant = 0, bool orthogonal = false,
        double? norm = null, Tensor? fromWeight = null, Generator? generator = null)
        : base(inFeatures, features, constant, orthogonal, norm, generator) =>
        AddReadOut(outFeatures, fromWeight, null, generator);

    /// <summary>Ψ, (out, count).</summary>
    public Tensor Weights => get_parameter("weights")!;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => ReadOut(x);
}
