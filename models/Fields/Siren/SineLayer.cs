using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>A layer x ↦ sin(ω₀ (W x + b)). (…, in) → (…, out).</summary>
/// <remarks>Source: Sitzmann et al. 2020, section 3.2 and supplement 1.5. The bias is multiplied by ω₀ too.</remarks>
public sealed class SineLayer : FieldLayer
{
    /// <summary>A layer with fresh weights: W ~ U(−1/in, 1/in) for the first layer of a network, U(−√(6/in)/ω₀, √(6/in)/ω₀) for the others,
    /// which keeps the pre-activations' distribution near N(0, 1) at every depth; b ~ U(−1/√in, 1/√in).</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="isFirst">It is the network's first layer.</param>
    /// <param name="omega0">ω₀ &gt; 0. Greater in the first layer: finer detail; in the others it cancels in the output but multiplies the
    /// weights' gradients.</param>
    /// <param name="bias">There is a bias.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A width or ω₀ isn't positive.</exception>
    public SineLayer(
        long inFeatures, long outFeatures, bool isFirst = false, double omega0 = 30, bool bias = true, Generator? generator = null)
        : base(nameof(SineLayer), inFeatures, outFeatures, bias)
    {
        Require.Positive(omega0, nameof(omega0));
        (IsFirst, Omega0) = (isFirst, omega0);
        FieldInitialization.Uniform(Weight, isFirst ? 1.0 / inFeatures : FieldInitialization.SineBound(inFeatures, omega0), generator);
        if (Bias is not null) FieldInitialization.Uniform(Bias, 1 / Math.Sqrt(inFeatures), generator);
    }

    /// <summary>It is a network's first layer.</summary>
    public bool IsFirst { get; }

    /// <summary>ω₀</summary>
    public double Omega0 { get; }

    private protected override Tensor Scale(Tensor z) => z * Omega0;

    internal override Tensor Activate(Tensor z) => z.sin();
}
