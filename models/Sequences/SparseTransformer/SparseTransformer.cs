using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Generation;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// The Sparse Transformer: an autoregressive model of tokens whose layers attend along factorised patterns, so that a sequence of n tokens
/// costs O(n√n). It shifts its input itself: the logits at a position are about the token there, given those before.
/// </summary>
[Paper("sparse-transformer", "Generating Long Sequences with Sparse Transformers", "1904.10509", 2019)]
[Model("sparse-transformer")]
public sealed class SparseTransformer : Module<Tensor, Tensor>, IConfigured
{
    private const double EmbeddingStd = 0.01, FinalEpsilon = 1e-6;

    [ComponentName(Name = "tok_emb")]
    private readonly Parameter _tokens;
    [ComponentName(Name = "pos_emb")]
    private readonly FactorizedPositionEmbedding _positions;
    private readonly Parameter sos;
    private readonly ModuleList<SparseTransformerBlock> blocks = new();
    [ComponentName(Name = "ln_f")]
    private readonly LayerNorm _norm;
    [ComponentName(Name = "head")]
    private readonly Parameter? _head;

    /// <summary>A network with fresh weights; its logits are 0 unless weights are tied.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public SparseTransformer(SparseTransformerConfig config, Generator? generator = null) : base(nameof(SparseTransformer))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _tokens = Weights.Normal([config.VocabularySize, config.Dim], EmbeddingStd, generator);
        _positions = new FactorizedPositionEmbedding(config.Axes, config.Dim, generator);
        sos = Weights.Normal([config.Dim], EmbeddingStd, generator);
        for (var layer = 0; layer < config.Layers; layer++) blocks.Add(new SparseTransformerBlock(config, layer, generator));
        _norm = LayerNorm(config.Dim, FinalEpsilon);
        if (!config.TieWeights) _head = new Parameter(zeros(config.VocabularySize, config.Dim));
        RegisterComponents();
    }

    /// <summary>What it is made of.</summary>
    public SparseTransformerConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>Its blocks, in order.</summary>
    public IReadOnlyList<SparseTransformerBlock> Blocks => [.. blocks];

    /// <summary>Logits of each token, given those before it.</summary>
    /// <param name="tokens">int64 (batch, n), n from 1 to <see cref="SparseTransformerConfig.Length"/>, each below
    /// <see cref="SparseTransformerConfig.VocabularySize"/>.</param>
    /// <returns>(batch, n, vocabulary)</returns>
    /// <exception cref="ArgumentException">Another shape or type.</exception>
    public override Tensor forward(Tensor tokens)
    {
        Check(tokens, nameof(tokens), 1);
        using var scope = NewDisposeScope();
        return Logits(Hidden(tokens, blocks.Count)).MoveToOuterDisposeScope();
    }

    /// <summary>How much each position attends to each in a layer, for pictures: it takes O(n²).</summary>
    /// <param name="tokens">As in <see cref="forward"/>.</param>
    /// <param name="layer">Number of the layer, from 0.</param>
    /// <returns>(batch, heads, n, n)</returns>
    public Tensor Shares(Tensor tokens, int layer)
    {
        Check(tokens, nameof(tokens), 1);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, blocks.Count);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        return blocks[layer].Shares(Hidden(tokens, layer)).MoveToOuterDisposeScope();
    }

    /// <summary>Draws tokens one after the other; each costs what its positions attend to.</summary>
    /// <param name="count">How many, together with the prompt's no more than <see cref="SparseTransformerConfig.Length"/>.</param>
    /// <param name="prompt">int64 (batch, any number): what comes before. Null: nothing, and one sequence.</param>
    /// <param name="temperature">Logits are divided by it; 0: always the likeliest token.</param>
    /// <param name="topK">Only so many of the likeliest tokens are drawn; 0: all.</param>
    /// <param name="generator">Source of the random numbers, on the model's device; null: torch's default.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>int64 (batch, prompt + count), the prompt included.</returns>
    /// <exception cref="ArgumentException">A number is out of its range, or the prompt has another shape or type.</exception>
    public Tensor Sample(int count, Tensor? prompt = null, double temperature = 1, int topK = 0, Generator? generator = null,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(topK);
        if (!(temperature is >= 0 and < double.PositiveInfinity))
            throw new ArgumentException($"expected a finite temperature of at least 0, got {temperature}", nameof(temperature));
        if (prompt is not null) Check(prompt, nameof(prompt), 0);
        var given = prompt?.shape[1] ?? 0;
        if (given + count > Config.Length)
            throw new ArgumentException($"expected at most {Config.Length - given} tokens after a prompt of {given}, got {count}",
                nameof(count));
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var tokens = empty([prompt?.shape[0] ?? 1, given + count], ScalarType.Int64, _tokens.device);
        if (given > 0) tokens.narrow(1, 0, given).copy_(prompt!);
        var sampler = new TokenSampler { Temperature = temperature, TopK = topK > 0 ? topK : null };
        using var state = Begin();
        for (var t = 0; t < given + count; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var logits = Step(state, t == 0 ? null : tokens.select(1, t - 1), tokens.shape[0]);
            if (t >= given) tokens.select(1, t).copy_(sampler.Sample(logits, generator));
        }
        return tokens.MoveToOuterDisposeScope();
    }

    /// <summary>Begins a sequence that is generated token by token with <see cref="Step"/>.</summary>
    public SparseTransformerState Begin() => new([.. blocks.Select(b => b.Attention.NewCache())]);

    /// <summary>Logits of the next token, as <see cref="forward"/> gives them for the whole sequence.</summary>
    /// <param name="state">The sequence so far.</param>
    /// <param name="previous">int64 (batch): the token before; null at the beginning.</param>
    /// <param name="batch">How many sequences, where there is no token before.</param>
    /// <returns>(batch, vocabulary)</returns>
    /// <exception cref="ArgumentException">There is a token before the first or none before another, or the sequence is full.</exception>
    public Tensor Step(SparseTransformerState state, Tensor? previous, long batch = 1)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (previous is null != (state.Position == 0))
            throw new ArgumentException($"expected {(state.Position == 0 ? "no" : "a")} token before position {state.Position}",
                nameof(previous));
        if (state.Position == Config.Length)
            throw new ArgumentException($"expected at most {Config.Length} positions, the sequence has them", nameof(state));
        if (previous is not null && (previous.dim() != 1 || previous.dtype != ScalarType.Int64))
            throw new ArgumentException($"expected int64 (batch), got {previous.dtype} ({string.Join(", ", previous.shape)})",
                nameof(previous));
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var x = previous is null ? sos.expand(batch, -1)
            : _tokens.index_select(0, previous) + _positions.call(tensor([state.Position - 1L], device: _tokens.device));
        x = x.unsqueeze(1);
        foreach (var (block, cache) in blocks.Zip(state.Caches)) x = block.Step(x, cache);
        state.Position++;
        return Logits(x).squeeze(1).MoveToOuterDisposeScope();
    }

    // The input of a layer.
    private Tensor Hidden(Tensor tokens, int layer)
    {
        long batch = tokens.shape[0], n = tokens.shape[1];
        // The position is the token's: it is shifted along. The last token says nothing about those before it.
        var positions = _positions.call(arange(n - 1, device: tokens.device));
        var embedded = _tokens.index_select(0, tokens.narrow(1, 0, n - 1).reshape(-1)).view(batch, n - 1, Config.Dim) + positions;
        var x = cat([sos.expand(batch, 1, -1), embedded], 1);
        foreach (var block in blocks.Take(layer)) x = Config.Checkpoint ? Checkpointing.Run(block, x, Config.Dropout > 0) : block.call(x);
        return x;
    }

    private Tensor Logits(Tensor hidden) => _norm.call(hidden).matmul((_head ?? _tokens).t());

    private void Check(Tensor tokens, string parameter, long atLeast)
    {
        ArgumentNullException.ThrowIfNull(tokens, parameter);
        if (tokens.dim() != 2 || tokens.dtype != ScalarType.Int64 || tokens.shape[1] < atLeast || tokens.shape[1] > Config.Length)
            throw new ArgumentException($"expected int64 (batch, {atLeast} to {Config.Length}), got {tokens.dtype} "
                + $"({string.Join(", ", tokens.shape)})", parameter);
    }
}
