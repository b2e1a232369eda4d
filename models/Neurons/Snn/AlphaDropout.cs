using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <inheritdoc cref="AlphaDropoutLayer"/>
public sealed class AlphaDropout : AlphaDropoutLayer
{
    /// <summary>Dropout of single numbers.</summary>
    /// <param name="p">Chance of being dropped, in [0, 1); the paper recommends 0.05 and 0.1.</param>
    /// <param name="generator">Source of the random numbers, on the input's device; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">p isn't in [0, 1).</exception>
    public AlphaDropout(double p = 0.05, Generator? generator = null) : base(nameof(AlphaDropout), p, generator)
    {
    }

    private protected override long[] MaskShape(Tensor x) => x.shape;
}
