using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Φ(x) = Ψ(x) = m^−½ [cos G x, sin G x]: Ψ(w) · Φ(x) has as its mean the Gaussian kernel exp(−‖x − w‖² / 2).</summary>
/// <remarks>Source: Rahimi and Recht 2007; in Sehanobish, Choromanski et al. 2023 features of this kind are complex.</remarks>
public class TrigRandomFeatures : RandomFeatures
{
    private readonly double _scale;

    /// <summary>A map with a fresh projection.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="features">m, ≥ 1; there are two numbers each.</param>
    /// <param name="orthogonal">Whether rows of the projection are orthogonal in blocks.</param>
    /// <param name="norm">The length inputs and weights are brought to before; null: none.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size isn't positive.</exception>
    public TrigRandomFeatures(long inFeatures, long features, bool orthogonal = false, double? norm = null, Generator? generator = null)
        : base(nameof(TrigRandomFeatures), inFeatures, features, 2 * features, orthogonal, norm, generator) =>
            _scale = 1 / Math.Sqrt(features);

    private protected override Tensor Map(Tensor x)
    {
        var projected = x.matmul(Projection.t());
        return cat([projected.cos(), projected.sin()], -1) * _scale;
    }
}
