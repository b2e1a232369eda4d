using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Generation;
using TorchZoo.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// A language model of nonlinear recurrences: tokens (batch, time), int64 → logits of the next token (batch, time, vocabulary). It trains
/// on all steps side by side, and generates in time and memory that don't depend on how many tokens were before.
/// </summary>
/// <remarks>State names: <c>embedding.weight</c>, which also makes the logits; <c>layers.0.mixer_norm.weight</c>,
/// <c>layers.0.in_proj.weight</c>, <c>layers.0.conv.weight</c>, <c>layers.0.cell.A</c>, …; <c>norm.weight</c>. The authors released no
/// language model, so no weights of theirs exist. Source: arXiv 2510.21450, figure 9.</remarks>
[Model("pararnn-lm")]
public sealed class ParaRnnLanguageModel : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "embedding")]
    private readonly Embedding _embedding;
    [ComponentName(Name = "layers")]
    private readonly ModuleList<ParaRnnBlock> _layers;
    [ComponentName(Name = "norm")]
    private readonly RmsNorm _norm;

    /// <summary>A model with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">A number isn't positive, or the heads don't divide the width.</exception>
    public ParaRnnLanguageModel(ParaRnnLanguageModelConfig config, Generator? generator = null) : base(nameof(ParaRnnLanguageModel))
    {
        ArgumentNullException.ThrowIfNull(config);
        Positive(config.Vocabulary, nameof(config.Vocabulary));
        Positive(config.Dim, nameof(config.Dim));
        Positive(config.NumLayers, nameof(config.NumLayers));
        Positive(config.ConvolutionSize, nameof(config.ConvolutionSize));
        Positive(config.MlpWidth, nameof(config.MlpDim));
        if (!double.IsFinite(config.ResidualScale))
            throw new ArgumentException($"expected a finite {nameof(config.ResidualScale)}, got {config.ResidualScale}", nameof(config));
        Config = config;
        _embedding = Embedding(config.Vocabulary, config.Dim);
        _layers = ModuleList<ParaRnnBlock>([.. Enumerable.Range(0, config.NumLayers).Select(_ => new ParaRnnBlock(config, generator))]);
        _norm = new(config.Dim);
        RegisterComponents();
        Initialize(generator);

        static void Positive(long value, string name)
        {
            if (value < 1) throw new ArgumentException($"expected a positive {name}, got {value}", nameof(config));
        }
    }

    /// <summary>What it is made of.</summary>
    public ParaRnnLanguageModelConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The blocks, first to last.</summary>
    public IReadOnlyList<ParaRnnBlock> Blocks => [.. _layers];

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Tokens aren't int64 (batch, time) with at least one step.</exception>
    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return ForwardWithState(tokens).Logits.MoveToOuterDisposeScope();
    }

    /// <summary>The logits, and all that later tokens depend on: two tensors for each block, whatever the length.</summary>
    /// <param name="tokens">int64 (batch, time)</param>
    /// <param name="states">What the call for the tokens before returned; null: there are none.</param>
    /// <exception cref="ArgumentException">A shape or type or the number of states doesn't fit.</exception>
    public (Tensor Logits, IReadOnlyList<Tensor> States) ForwardWithState(Tensor tokens, IReadOnlyList<Tensor>? states = null)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        Kernels.Expect.Shape(tokens, nameof(tokens), -1, -1);
        Kernels.Expect.Type(tokens, nameof(tokens), ScalarType.Int64);
        if (tokens.shape[1] == 0) throw new ArgumentException("expected at least one step, got none", nameof(tokens));
        if (states is not null && states.Count != 2 * _layers.Count)
            throw new ArgumentException($"expected {2 * _layers.Count} states, got {states.Count}", nameof(states));
        using var scope = NewDisposeScope();
        var after = new List<Tensor>();
        var x = _embedding.call(tokens);
        for (var i = 0; i < _layers.Count; i++)
        {
            (x, var history, var state) = _layers[i].ForwardWithState(x, states?[2 * i], states?[2 * i + 1]);
            after.AddRange(history, state);
        }
        var logits = _norm.call(x).matmul(_embedding.weight!.t());
        return (logits.MoveToOuterDisposeScope(), [.. after.Select(s => s.MoveToOuterDisposeScope())]);
    }

    /// <summary>One token, in time and memory that don't depend on how many were before it.</summary>
    /// <param name="tokens">int64 (batch)</param>
    /// <param name="states">What the call for the tokens before returned; null: there are none.</param>
    /// <returns>Logits of the next token, (batch, vocabulary), and the states after this one.</returns>
    /// <exception cref="ArgumentException">A shape or type or the number of states doesn't fit.</exception>
    public (Tensor Logits, IReadOnlyList<Tensor> States) Step(Tensor tokens, IReadOnlyList<Tensor>? states = null)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        Kernels.Expect.Shape(tokens, nameof(tokens), -1);
        using var scope = NewDisposeScope();
        var (logits, after) = ForwardWithState(tokens.unsqueeze(1), states);
        return (logits.squeeze(1).MoveToOuterDisposeScope(), [.. after.Select(s => s.MoveToOuterDisposeScope())]);
    }

    /// <summary>Goes on with a text.</summary>
    /// <param name="prompt">int64 (batch, time), at least one step. It is read side by side.</param>
    /// <param name="count">Tokens to generate.</param>
    /// <param name="sampler">How they are drawn; null: as likely as the model says.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <returns>int64 (batch, count)</returns>
    /// <exception cref="ArgumentException">A shape or type doesn't fit, or the number is negative.</exception>
    public Tensor Generate(Tensor prompt, int count, TokenSampler? sampler = null, Generator? generator = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        sampler ??= new();
        var (logits, states) = ForwardWithState(prompt);
        var drawn = new List<Tensor>();
        var last = logits.select(1, -1);
        for (var i = 0; i < count; i++)
        {
            using var step = NewDisposeScope();
            var next = sampler.Sample(last, generator);
            IReadOnlyList<Tensor> before = states;
            if (i + 1 < count)
            {
                (var following, states) = Step(next, before);
                (last, var old) = (following.MoveToOuterDisposeScope(), last);
                foreach (var state in states) state.MoveToOuterDisposeScope();
                foreach (var done in before.Append(old)) done.Dispose();
            }
            drawn.Add(next.MoveToOuterDisposeScope());
        }
        var result = count == 0 ? empty([prompt.shape[0], 0], ScalarType.Int64, prompt.device) : stack(drawn, 1);
        return result.MoveToOuterDisposeScope();
    }

    // Logits of about 1 at the start, from normalised outputs.
    private void Initialize(Generator? generator)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        _embedding.weight!.copy_(randn(_embedding.weight.shape, generator: generator) / Math.Sqrt(Config.Dim));
        if (generator is null) return;
        // As Linear draws them, from this source.
        foreach (var linear in modules().OfType<Linear>())
            linear.weight!.copy_((rand(linear.weight.shape, generator: generator) * 2 - 1) / Math.Sqrt(linear.weight.shape[1]));
    }
}
