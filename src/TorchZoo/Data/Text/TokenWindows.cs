using static TorchSharp.torch;

namespace TorchZoo.Data.Text;

/// <summary>Equally long pieces of one sequence of tokens, with the tokens that a model should say for them.</summary>
public sealed class TokenWindows : IDataset
{
    private readonly Tensor _tokens;
    private readonly int _ahead;

    /// <summary>Makes the dataset; it keeps the tensor, which stays the caller's to dispose of.</summary>
    /// <param name="tokens">Integers (tokens), e.g. of <see cref="Symbols.Encode"/>.</param>
    /// <param name="length">Tokens of a piece.</param>
    /// <param name="stride">From a piece's first token to the next one's; null: <paramref name="length"/>, so that each token is in one
    /// piece. 1 gives every piece there is.</param>
    /// <param name="ahead">How far a target lies ahead of its input: 1 for a model whose output at a token is about the next one, 0 for a
    /// model that shifts its input itself.</param>
    /// <exception cref="ArgumentException">Another shape or type, or fewer tokens than a piece and its targets have.</exception>
    public TokenWindows(Tensor tokens, long length, long? stride = null, int ahead = 1)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(ahead);
        if (stride is { } given) ArgumentOutOfRangeException.ThrowIfLessThan(given, 1, nameof(stride));
        if (tokens.dim() != 1 || !tokens.is_integral())
            throw new ArgumentException($"Expected integers (tokens), got {tokens.dtype} ({string.Join(", ", tokens.shape)})", nameof(tokens));
        if (tokens.shape[0] < length + ahead)
            throw new ArgumentException($"Expected at least {length + ahead} tokens, got {tokens.shape[0]}", nameof(tokens));
        (_tokens, Length, Stride, _ahead) = (tokens, length, stride ?? length, ahead);
        Count = (tokens.shape[0] - length - ahead) / Stride + 1;
    }

    /// <inheritdoc/>
    public long Count { get; }

    /// <summary>Tokens of a piece.</summary>
    public long Length { get; }

    /// <summary>From a piece's first token to the next one's.</summary>
    public long Stride { get; }

    /// <summary>Inputs and targets, both int64 (batch, length), on the tokens' device.</summary>
    /// <inheritdoc/>
    public Batch Take(Tensor indices)
    {
        ArgumentNullException.ThrowIfNull(indices);
        using var scope = NewDisposeScope();
        var at = indices.to(_tokens.device).mul(Stride).unsqueeze(1) + arange(Length + _ahead, device: _tokens.device);
        var pieces = _tokens.take(at).to(ScalarType.Int64);
        var batch = new Pairs(pieces.narrow(1, 0, Length).contiguous(), pieces.narrow(1, _ahead, Length).contiguous());
        scope.MoveToOuter(batch.Input, batch.Target);
        return batch;
    }
}
