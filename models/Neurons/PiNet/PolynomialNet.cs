using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A network that is a polynomial of its inputs: y = C x_N + β, where x_n comes of x_{n−1} by a product with a linear map of the input z.
/// (…, in) → (…, out). Along any line through 0 it is a polynomial of degree N. State names of the last layer: <c>C.weight</c>,
/// <c>C.bias</c>.
/// </summary>
/// <remarks>Source: Chrysos et al. 2020 (arXiv 2003.03828), as used by Choraria et al. 2022.</remarks>
public abstract class PolynomialNet : Module<Tensor, Tensor>
{
    [ComponentName(Name = "C")]
    private readonly Linear _c;

    private protected PolynomialNet(string name, long inFeatures, long hiddenFeatures, int degree, long outFeatures, Generator? generator)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hiddenFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(degree);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        (InFeatures, HiddenFeatures, Degree, OutFeatures) = (inFeatures, hiddenFeatures, degree, outFeatures);
        register_module("C", _c = Linear(hiddenFeatures, outFeatures));
        using var off = no_grad();
        _c.weight.normal_(0, 1 / Math.Sqrt(hiddenFeatures), generator);
        _c.bias!.zero_();
    }

    /// <summary>Numbers in.</summary>
    public long InFeatures { get; }

    /// <summary>Width, the rank of the polynomial's coefficients.</summary>
    public long HiddenFeatures { get; }

    /// <summary>Numbers out.</summary>
    public long OutFeatures { get; }

    /// <summary>N.</summary>
    public long Degree { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor z)
    {
        ArgumentNullException.ThrowIfNull(z);
        if (z.dim() == 0 || z.shape[^1] != InFeatures)
            throw new ArgumentException($"Expected (…, {InFeatures}), got ({string.Join(", ", z.shape)})", nameof(z));
        using var scope = NewDisposeScope();
        return _c.call(Hidden(z)).MoveToOuterDisposeScope();
    }

    /// <summary>x_N.</summary>
    private protected abstract Tensor Hidden(Tensor z);
}
