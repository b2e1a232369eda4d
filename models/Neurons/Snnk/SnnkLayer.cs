using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A layer Ψ Φ(x) of universal features in place of f(W x + b): (…, in) → (…, out), an unbiased estimate of it to begin with.
/// State names <c>weights</c> (out, 2m), [Re Ψ, −Im Ψ], and the buffers <c>projection</c> (m, in), <c>xi</c> (m) and <c>ratio</c> (2,
/// m).</summary>
/// <inheritdoc cref="UniversalRandomFeatures"/>
public sealed class SnnkLayer : UniversalRandomFeatures
{
    /// <summary>A layer with fresh projection and frequencies, and Ψ of the weights of the layer it is to replace.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="features">m, ≥ 1.</param>
    /// <param name="spectrum">f.</param>
    /// <param name="split">α and β.</param>
    /// <param name="orthogonal">Whether rows of the projection are orthogonal in blocks.</param>
    /// <param name="m">M ≥ 0, see the features.</param>
    /// <param name="norm">The length inputs and weights are brought to before; null: none.</param>
    /// <param name="fromWeight">(out, in), weights of the layer to replace; null: fresh ones, and biases.</param>
    /// <param name="fromBias">(out), its biases; null: none, where weights are given.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A size isn't positive, M is negative, or weights have another shape.</exception>
    public SnnkLayer(long inFeatures, long outFeatures, long features, UrfSpectrum spectrum, UrfSplit split = UrfSplit.Symmetric,
        bool orthogonal = false, double m = 0, double? norm = null, Tensor? fromWeight = null, Tensor? fromBias = null,
        Generator? generator = null) : base(inFeatures, features, spectrum, split, orthogonal, m, norm, generator) =>
        AddReadOut(outFeatures, fromWeight, fromBias, generator);

    /// <summary>Ψ, (out, count).</summary>
    public Tensor Weights => get_parameter("weights")!;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => ReadOut(x);
}
