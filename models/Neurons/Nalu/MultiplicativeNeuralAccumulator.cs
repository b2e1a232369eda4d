using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The multiplicative accumulator (NAC•): m = exp(log(|x| + ε) Wᵀ) = Π_j (|x_j| + ε)^{W_ij}. Products, quotients and roots of absolute
/// values: signs of inputs are lost.
/// </summary>
/// <remarks>Source: Trask et al. 2018, section 3, equation 2; other ways to multiply: the benchmark of Madsen and Johansen 2020. Exponents
/// are cut off above, where their gradient is 0.</remarks>
public sealed class MultiplicativeNeuralAccumulator : NacLayer
{
    private readonly ProductPath _product;

    /// <summary>A layer with fresh weights.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="eps">ε.</param>
    /// <param name="mul">How products are made.</param>
    /// <param name="init">How Ŵ and M̂ begin.</param>
    /// <param name="logClamp">Largest exponent: results reach e to this power.</param>
    /// <param name="members">Independent layers side by side; null: one.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public MultiplicativeNeuralAccumulator(long inFeatures, long outFeatures, double eps = 1e-7, NaluMulMode mul = NaluMulMode.Normal,
        NacInit init = NacInit.Kaiming, double logClamp = 20, long? members = null, Generator? generator = null)
        : base(nameof(MultiplicativeNeuralAccumulator), inFeatures, outFeatures, init, members, generator)
    {
        _product = new ProductPath(mul, eps, logClamp);
        _product.Validate();
    }

    private protected override Tensor Apply(Tensor x, Tensor weight) => _product.Apply(x, weight);
}
