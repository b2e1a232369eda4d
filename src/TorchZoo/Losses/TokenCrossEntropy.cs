using static TorchSharp.torch;

namespace TorchZoo.Losses;

/// <summary>What a model of sequences of tokens is trained with.</summary>
public static class TokenCrossEntropy
{
    /// <summary>Targets of this value count for nothing.</summary>
    public const long Ignored = -100;

    /// <summary>Mean of −log softmax(logits)[target] over all tokens, in nats, as a scalar; NaN where none counts.</summary>
    /// <param name="logits">(…, vocabulary)</param>
    /// <param name="targets">int64 (…): numbers below the vocabulary's size, or <see cref="Ignored"/>.</param>
    /// <exception cref="ArgumentException">The shapes or types don't fit.</exception>
    public static Tensor Loss(Tensor logits, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(targets);
        if (logits.dim() == 0 || !logits.shape.AsSpan()[..^1].SequenceEqual(targets.shape))
            throw new ArgumentException($"Expected targets of the shape of logits ({string.Join(", ", logits.shape)}) without its last axis, got "
                + $"({string.Join(", ", targets.shape)})", nameof(targets));
        if (targets.dtype != ScalarType.Int64) throw new ArgumentException($"Expected int64, got {targets.dtype}", nameof(targets));
        using var scope = NewDisposeScope();
        var loss = nn.functional.cross_entropy(logits.reshape(-1, logits.shape[^1]), targets.reshape(-1), ignore_index: Ignored);
        return loss.MoveToOuterDisposeScope();
    }

    /// <summary>The same in bits: of a model of bytes, how many it would store each in.</summary>
    /// <inheritdoc cref="Loss"/>
    public static Tensor Bits(Tensor logits, Tensor targets)
    {
        using var loss = Loss(logits, targets);
        return loss / Math.Log(2);
    }

    /// <summary>The share of tokens that get the largest logit.</summary>
    /// <inheritdoc cref="Loss"/>
    public static Tensor Accuracy(Tensor logits, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(targets);
        using var scope = NewDisposeScope();
        var counts = targets.ne(Ignored);
        return (logits.argmax(-1).eq(targets) & counts).sum(ScalarType.Float32).div(counts.sum(ScalarType.Float32)).MoveToOuterDisposeScope();
    }
}
