using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary><see cref="NcpNet"/> with skip connections: x_n = (A_n z) ⊙ (S_n x_{n−1} + B_n) + V_n x_{n−1}. State names also
/// <c>V.{n}.weight</c>, from n = 2.</summary>
/// <remarks>Source: Chrysos et al. 2020, section 3.2.</remarks>
public sealed class NcpSkipNet : NcpNet
{
    [ComponentName(Name = "V")]
    private readonly PolynomialTerms _v;

    /// <summary>A network with fresh weights: those of <see cref="NcpNet"/>, and V_n of N(0, 1/hidden).</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="hiddenFeatures">Width.</param>
    /// <param name="degree">N.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public NcpSkipNet(long inFeatures, long hiddenFeatures, int degree, long outFeatures, Generator? generator = null)
        : base(nameof(NcpSkipNet), inFeatures, hiddenFeatures, degree, outFeatures, generator) =>
        register_module("V", _v = Square("V", generator));

    private protected override Tensor Step(int n, Tensor product, Tensor x) => product + _v.Map(n, x);
}
