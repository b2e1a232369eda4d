using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>
/// Appends sines and cosines of octaves: x ↦ [x, sin(2⁰πx₁), cos(2⁰πx₁), sin(2⁰πx₂), …, cos(2^{F−1}πx_d)]. (…, d) → (…, d + 2dF).
/// </summary>
/// <remarks>Source: Mildenhall et al. 2020 (NeRF), with the coordinates kept and the order of Sitzmann et al.'s implementation.</remarks>
public sealed class PositionalEncoding : Module<Tensor, Tensor>
{
    /// <summary>An encoding; it has no weights.</summary>
    /// <param name="inFeatures">Coordinates d.</param>
    /// <param name="frequencies">Octaves F ≥ 0.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public PositionalEncoding(long inFeatures, int frequencies) : base(nameof(PositionalEncoding))
    {
        Require.Positive(inFeatures, nameof(inFeatures));
        Require.NotNegative(frequencies, nameof(frequencies));
        (InFeatures, Frequencies) = (inFeatures, frequencies);
    }

    /// <summary>Coordinates d.</summary>
    public long InFeatures { get; }

    /// <summary>Octaves F.</summary>
    public int Frequencies { get; }

    /// <summary>d + 2dF</summary>
    public long OutFeatures => InFeatures * (1 + 2L * Frequencies);

    /// <summary>⌊log₂(n/4)⌋: the octaves below the Nyquist rate of n samples on [−1, 1]; at least 0.</summary>
    /// <exception cref="ArgumentException">n isn't positive.</exception>
    public static int NyquistFrequencies(long samples)
    {
        Require.Positive(samples, nameof(samples));
        return (int)Math.Max(0, Math.Floor(Math.Log2(samples / 4.0)));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of coordinates.</exception>
    public override Tensor forward(Tensor x)
    {
        Require.LastAxis(x, InFeatures, nameof(x));
        if (Frequencies == 0) return x.alias();
        using var scope = NewDisposeScope();
        var octaves = arange(0, Frequencies, dtype: x.dtype, device: x.device).exp2() * Math.PI;
        var angles = x.unsqueeze(-2) * octaves.unsqueeze(-1);                               // (…, F, d)
        return cat([x, stack([angles.sin(), angles.cos()], -1).flatten(-3)], -1).MoveToOuterDisposeScope();
    }
}
