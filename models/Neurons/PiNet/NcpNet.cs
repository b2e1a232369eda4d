using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The polynomial of the nested coupled CP decomposition: x_1 = (A_1 z) ⊙ B_1, x_n = (A_n z) ⊙ (S_n x_{n−1} + B_n), where the B_n are
/// learned vectors. See <see cref="PolynomialNet"/>. State names: <c>A.{n}.weight</c>, <c>B.{n}</c> (hidden), <c>S.{n}.weight</c> from
/// n = 2.
/// </summary>
/// <remarks>Source: Chrysos et al. 2020, section 3.2.</remarks>
public class NcpNet : PolynomialNet
{
    [ComponentName(Name = "A")]
    private readonly PolynomialTerms _a;
    [ComponentName(Name = "B")]
    private readonly PolynomialTerms _b;
    [ComponentName(Name = "S")]
    private readonly PolynomialTerms _s;

    /// <summary>A network with fresh weights: A_n of N(0, 1/in), S_n of N(0, 1/hidden), B_n of ones.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="hiddenFeatures">Width.</param>
    /// <param name="degree">N.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public NcpNet(long inFeatures, long hiddenFeatures, int degree, long outFeatures, Generator? generator = null)
        : this(nameof(NcpNet), inFeatures, hiddenFeatures, degree, outFeatures, generator)
    {
    }

    private protected NcpNet(string name, long inFeatures, long hiddenFeatures, int degree, long outFeatures, Generator? generator)
        : base(name, inFeatures, hiddenFeatures, degree, outFeatures, generator)
    {
        register_module("A", _a = PolynomialTerms.Maps("A", 1, degree, inFeatures, hiddenFeatures, _ => 1 / Math.Sqrt(inFeatures),
            generator));
        register_module("B", _b = PolynomialTerms.Vectors("B", degree, hiddenFeatures));
        register_module("S", _s = Square("S", generator));
    }

    private protected sealed override Tensor Hidden(Tensor z)
    {
        var x = _a.Map(1, z) * _b.Vector(1);
        for (var n = 2; n <= Degree; n++) x = Step(n, _a.Map(n, z) * (_s.Map(n, x) + _b.Vector(n)), x);
        return x;
    }

    /// <summary>Maps of the hidden numbers from n = 2.</summary>
    private protected PolynomialTerms Square(string name, Generator? generator) => PolynomialTerms.Maps(name, 2, (int)Degree,
        HiddenFeatures, HiddenFeatures, _ => 1 / Math.Sqrt(HiddenFeatures), generator);

    /// <summary>x_n of the product and of x_{n−1}.</summary>
    private protected virtual Tensor Step(int n, Tensor product, Tensor x) => product;
}
