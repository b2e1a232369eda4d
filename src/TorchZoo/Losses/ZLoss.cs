using static TorchSharp.torch;

namespace TorchZoo.Losses;

/// <summary>Keeps the scale of a language model's logits near that of probabilities, for the softmax alone doesn't see it: added to the
/// loss with a weight of 10⁻⁴ (Chowdhery et al. 2022, arXiv 2204.02311, section 5).</summary>
public static class ZLoss
{
    /// <summary>The weight that is usual.</summary>
    public const double UsualWeight = 1e-4;

    /// <summary>Mean of (log Σ e^logits)² over all tokens, as a scalar.</summary>
    /// <param name="logits">(…, vocabulary)</param>
    public static Tensor Of(Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        if (logits.dim() == 0) throw new ArgumentException("expected (…, vocabulary), got a scalar", nameof(logits));
        using var scope = NewDisposeScope();
        return logits.logsumexp(-1).square().mean().MoveToOuterDisposeScope();
    }
}
