using static TorchSharp.torch;

namespace TorchZoo.Generation;

/// <summary>How the next token is drawn from a language model's logits.</summary>
public sealed record TokenSampler
{
    /// <summary>The most likely token, always.</summary>
    public static TokenSampler Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Logits are divided by it: below 1 likely tokens get likelier. 0: the most likely one.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only so many of the most likely tokens are drawn from; null: all.</summary>
    public int? TopK { get; init; }

    /// <summary>Only the most likely tokens that together have this probability are drawn from (Holtzman et al. 2020, arXiv 1904.09751), in
    /// (0, 1]; null: all.</summary>
    public double? TopP { get; init; }

    /// <summary>Draws tokens.</summary>
    /// <param name="logits">(…, vocabulary)</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <returns>int64 (…)</returns>
    /// <exception cref="ArgumentException">An option is out of its range, or there is nothing to draw from.</exception>
    public Tensor Sample(Tensor logits, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(logits);
        if (logits.dim() == 0 || logits.shape[^1] == 0)
            throw new ArgumentException($"expected (…, vocabulary), got ({string.Join(", ", logits.shape)})", nameof(logits));
        if (!(Temperature >= 0)) throw new ArgumentException($"expected a temperature ≥ 0, got {Temperature}", nameof(Temperature));
        if (TopK is < 1) throw new ArgumentException($"expected at least 1 token, got {TopK}", nameof(TopK));
        if (TopP is { } p && !(p is > 0 and <= 1)) throw new ArgumentException($"expected a probability in (0, 1], got {p}", nameof(TopP));
        using var scope = NewDisposeScope();
        using var off = no_grad();
        if (Temperature == 0) return logits.argmax(-1).MoveToOuterDisposeScope();
        var vocabulary = logits.shape[^1];
        // Most likely first, so that both limits cut off an end.
        var (sorted, tokens) = (logits.reshape(-1, vocabulary).to(ScalarType.Float32) / Temperature).sort(-1, descending: true);
        if (TopK is { } k && k < vocabulary) sorted.narrow(1, k, vocabulary - k).fill_(float.NegativeInfinity);
        var probabilities = sorted.softmax(-1);
        // Those before which the sum hasn't reached it yet: the first is always among them.
        if (TopP is { } share) probabilities = probabilities * (probabilities.cumsum(-1) - probabilities).lt(share);
        var drawn = multinomial(probabilities, 1, generator: generator);
        return tokens.gather(1, drawn).view(logits.shape[..^1]).MoveToOuterDisposeScope();
    }
}
