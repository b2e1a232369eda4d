using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The polynomial of the coupled CP decomposition: x_1 = U_1 z, x_n = (U_n z) ⊙ x_{n−1} + x_{n−1}, so that
/// y = C [(U_1 z) ⊙ Π_{n≥2} (1 + U_n z)] + β. See <see cref="PolynomialNet"/>. State names: <c>U.{n}.weight</c>, n from 1 to N.
/// </summary>
/// <remarks>Source: Chrysos et al. 2020, section 3.1.</remarks>
public sealed class CcpNet : PolynomialNet
{
    private const int High = 8;
    [ComponentName(Name = "U")]
    private readonly PolynomialTerms _u;

    /// <summary>A network with fresh weights: U_n of N(0, 1/in); above degree 8, from n = 2 on, divided by √N, for products
    /// grow with N.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="hiddenFeatures">Width.</param>
    /// <param name="degree">N.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public CcpNet(long inFeatures, long hiddenFeatures, int degree, long outFeatures, Generator? generator = null)
        : base(nameof(CcpNet), inFeatures, hiddenFeatures, degree, outFeatures, generator) =>
        register_module("U", _u = PolynomialTerms.Maps("U", 1, degree, inFeatures, hiddenFeatures,
            n => 1 / Math.Sqrt(inFeatures * (degree > High && n > 1 ? degree : 1)), generator));

    private protected override Tensor Hidden(Tensor z)
    {
        var x = _u.Map(1, z);
        for (var n = 2; n <= Degree; n++) x = x.addcmul(_u.Map(n, z), x, 1);
        return x;
    }
}
