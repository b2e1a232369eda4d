using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>A field with its derivatives at points.</summary>
/// <param name="Value">(…, c)</param>
/// <param name="Gradient">∂Φ_k/∂x_i (…, c, d)</param>
/// <param name="Second">The second-order operators that were asked for, applied to Φ_k (…, c, m).</param>
public sealed record FieldJet(Tensor Value, Tensor Gradient, Tensor Second)
{
    /// <summary>The only second-order operator: ΔΦ_k, if it was the Laplacian that was asked for. (…, c)</summary>
    /// <exception cref="InvalidOperationException">None or several were asked for.</exception>
    public Tensor Laplacian => Second.shape[^1] == 1 ? Second.squeeze(-1)
        : throw new InvalidOperationException($"The jet holds {Second.shape[^1]} second-order operators, not one");
}
