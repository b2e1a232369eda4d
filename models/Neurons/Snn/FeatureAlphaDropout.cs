using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary><see cref="AlphaDropout"/> of whole channels: (batch, channels, …) → the same.</summary>
public sealed class FeatureAlphaDropout : AlphaDropoutLayer
{
    /// <summary>Dropout of channels.</summary>
    /// <param name="p">Chance of being dropped, in [0, 1).</param>
    /// <param name="generator">Source of the random numbers, on the input's device; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">p isn't in [0, 1).</exception>
    public FeatureAlphaDropout(double p = 0.05, Generator? generator = null) : base(nameof(FeatureAlphaDropout), p, generator)
    {
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x has no channels.</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() < 2) throw new ArgumentException($"Expected (batch, channels, …), got ({string.Join(", ", x.shape)})", nameof(x));
        return base.forward(x);
    }

    private protected override long[] MaskShape(Tensor x) => [x.shape[0], x.shape[1], .. Enumerable.Repeat(1L, (int)x.dim() - 2)];
}
