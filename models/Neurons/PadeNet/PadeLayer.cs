using TorchSharp.Utils;
using TorchZoo.Layers;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A layer of Padé neurons (Paons): each a ratio of two learned polynomials of its inputs, so that no activation is needed. With the
/// powers x^k element by element and ⊛ a matrix product or a convolution: numerator P_K = a_0 + Σ a_k ⊛ x^k, denominator
/// Q_L = 1 + Σ b_l ⊛ x^l, divided as <see cref="PadeVariant"/> says. K = 1, L = 0 is an ordinary linear layer. State names:
/// <c>numerator.{k − 1}.weight</c>, <c>numerator.bias</c>, <c>denominator.{l − 1}.weight</c>.
/// </summary>
/// <remarks>Source: Keleş and Tekalp 2024, section 2. Inputs of 16 bits are computed in float32. Initial values are ours: a_1 of
/// N(0, 1/fan-in), the others of N(0, 0.01/fan-in).</remarks>
public abstract class PadeLayer : Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-12;

    [ComponentName(Name = "numerator")]
    private readonly PadeKernels _numerator;
    [ComponentName(Name = "denominator")]
    private readonly PadeKernels _denominator;
    private readonly PadeVariant _variant;

    private protected PadeLayer(string name, long[] weight, int numeratorOrder, int denominatorOrder, PadeVariant variant, double bias,
        Generator? generator) : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(numeratorOrder);
        ArgumentOutOfRangeException.ThrowIfNegative(denominatorOrder);
        if (!Enum.IsDefined(variant)) throw new ArgumentOutOfRangeException(nameof(variant), variant, "is no variant");
        if (variant == PadeVariant.Smoothed && denominatorOrder == 0)
            throw new ArgumentOutOfRangeException(nameof(denominatorOrder), denominatorOrder, "must be positive for the smoothed variant");
        _variant = variant;
        register_module("numerator", _numerator = new PadeKernels("numerator", numeratorOrder, weight, bias, generator));
        register_module("denominator", _denominator = new PadeKernels("denominator", denominatorOrder, weight, null, generator));
    }

    /// <summary>K.</summary>
    public int NumeratorOrder => _numerator.Powers;

    /// <summary>L.</summary>
    public int DenominatorOrder => _denominator.Powers;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights.</exception>
    public override Tensor forward(Tensor x)
    {
        Check(x);
        return Ensemble.InFullPrecision(x, wide =>
        {
            var (p, lowerP, q, lowerQ) = Sums(wide);
            if (_variant == PadeVariant.Plain) return DenominatorOrder == 0 ? p : p / q;
            if (_variant == PadeVariant.Absolute) return p / (1 + (q - 1).abs());
            var size = q.square() + lowerQ.square();
            // Both may vanish together unless the lower one is 1.
            return (q * p + lowerQ * lowerP) / (DenominatorOrder > 1 ? size + Epsilon : size);
        });
    }

    /// <summary>Numerator and denominator, P_K and Q_L, each of the output's shape, in float32 at least. The caller disposes of
    /// them.</summary>
    /// <param name="x">An input.</param>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights.</exception>
    public (Tensor P, Tensor Q) Polynomials(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        using var off = Autocast.Disable(x.device);
        var (p, _, q, _) = Sums(Autocast.ToFullPrecision(x));
        return (p.MoveToOuterDisposeScope(), q.expand_as(p).MoveToOuterDisposeScope());
    }

    private protected abstract void Check(Tensor x);

    /// <summary>What comes before the powers.</summary>
    private protected virtual Tensor Prepare(Tensor x) => x;

    /// <summary>⊛</summary>
    private protected abstract Tensor Apply(Tensor x, Tensor weight);

    /// <summary>The axis of outputs, counted from the last one.</summary>
    private protected abstract int OutputAxis { get; }

    // P_K, P_{K−1}, Q_L and Q_{L−1}. Numerator and denominator share the product with each power.
    private (Tensor P, Tensor LowerP, Tensor Q, Tensor LowerQ) Sums(Tensor x)
    {
        x = Prepare(x);
        var bias = _numerator.Bias;
        Tensor p = bias.reshape([-1, .. Enumerable.Repeat(1L, -1 - OutputAxis)]), q = ones(1, dtype: x.dtype, device: x.device);
        var (lowerP, lowerQ) = (p, q);
        var power = x;
        for (var k = 1; k <= Math.Max(NumeratorOrder, DenominatorOrder); k++, power = power * x)
        {
            var (a, b) = (_numerator.Weight(k), _denominator.Weight(k));
            var both = a is not null && b is not null;
            var terms = Apply(power, both ? cat([a!, b!]) : a ?? b!);
            if (a is not null) (p, lowerP) = (p + (both ? terms.narrow(OutputAxis, 0, bias.shape[0]) : terms), p);
            if (b is not null) (q, lowerQ) = (q + (both ? terms.narrow(OutputAxis, bias.shape[0], bias.shape[0]) : terms), q);
        }
        return (p, lowerP, q, lowerQ);
    }
}
