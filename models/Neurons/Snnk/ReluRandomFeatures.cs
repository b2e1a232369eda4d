using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Φ(x) = Ψ(x) = m^−½ max(G x, c). For c = 0 Ψ(w) · Φ(x) has as its mean the arc-cosine kernel of degree 1,
/// ‖x‖‖w‖ / 2π · (sin θ + (π − θ) cos θ); it is not relu(w·x).</summary>
/// <remarks>Source: Sehanobish, Choromanski et al. 2023, section 4 (ReLU-SNNK); Cho and Saul 2009.</remarks>
public class ReluRandomFeatures : RandomFeatures
{
    private readonly double _scale;

    /// <summary>A map with a fresh projection.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="features">m, ≥ 1.</param>
    /// <param name="constant">c.</param>
    /// <param name="orthogonal">Whether rows of the projection are orthogonal in blocks.</param>
    /// <param name="norm">The length inputs and weights are brought to before; null: none.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size isn't positive, or a number isn't finite.</exception>
    public ReluRandomFeatures(long inFeatures, long features, double constant = 0, bool orthogonal = false, double? norm = null,
        Generator? generator = null) : base(nameof(ReluRandomFeatures), inFeatures, features, features, orthogonal, norm, generator)
    {
        if (!double.IsFinite(constant)) throw new ArgumentOutOfRangeException(nameof(constant), constant, "must be finite");
        (Constant, _scale) = (constant, 1 / Math.Sqrt(features));
    }

    /// <summary>c.</summary>
    public double Constant { get; }

    private protected override Tensor Map(Tensor x) => x.matmul(Projection.t()).clamp_min(Constant) * _scale;
}
