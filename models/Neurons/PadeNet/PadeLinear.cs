using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A dense layer of Padé neurons: (…, in) → (…, out). See <see cref="PadeLayer"/>.</summary>
public sealed class PadeLinear : PadeLayer
{
    private const double BiasDeviation = 0.3;

    /// <summary>A layer with fresh weights; a_0 of N(0, 0.09).</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="numeratorOrder">K ≥ 1.</param>
    /// <param name="denominatorOrder">L ≥ 0; ≥ 1 for the smoothed variant.</param>
    /// <param name="variant">How it divides.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public PadeLinear(long inFeatures, long outFeatures, int numeratorOrder = 1, int denominatorOrder = 1,
        PadeVariant variant = PadeVariant.Smoothed, Generator? generator = null)
        : base(nameof(PadeLinear), Weight(inFeatures, outFeatures), numeratorOrder, denominatorOrder, variant, BiasDeviation, generator) =>
        (InFeatures, OutFeatures) = (inFeatures, outFeatures);

    /// <summary>Numbers in.</summary>
    public long InFeatures { get; }

    /// <summary>Numbers out.</summary>
    public long OutFeatures { get; }

    private protected override int OutputAxis => -1;

    private protected override void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != InFeatures)
            throw new ArgumentException($"Expected (…, {InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
    }

    private protected override Tensor Apply(Tensor x, Tensor weight) => functional.linear(x, weight);

    private static long[] Weight(long inFeatures, long outFeatures)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        return [outFeatures, inFeatures];
    }
}
