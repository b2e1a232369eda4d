using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>Multi-head self-attention over a pattern.</summary>
public sealed class SparseSelfAttention : Module<Tensor, Tensor>
{
    private readonly Linear q, k, v;
    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    private readonly SparseTransformerConfig _config;
    private readonly int _layer;
    private IReadOnlyList<AttentionPattern> _patterns;

    /// <summary>Fresh weights; those of the projection are smaller by √(2N), N the number of layers.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="layer">Number of the layer, from 0.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public SparseSelfAttention(SparseTransformerConfig config, int layer, Generator? generator = null) : base(nameof(SparseSelfAttention))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        (_config, _layer, _patterns) = (config, layer, config.PatternsOf(layer, config.Length));
        q = Weights.Linear(config.Dim, config.QkDim, config.InitScale, generator);
        k = Weights.Linear(config.Dim, config.QkDim, config.InitScale, generator);
        v = Weights.Linear(config.Dim, config.Dim, config.InitScale, generator);
        _projection = Weights.Linear(config.Dim, config.Dim, config.InitScale / (2 * config.Layers), generator);
        RegisterComponents();
    }

    /// <summary>The pattern of each head, or one for all.</summary>
    public IReadOnlyList<AttentionPattern> Patterns => _patterns;

    /// <summary>How it is computed.</summary>
    public AttentionKernel Kernel { get; set; }

    /// <summary>New features of all positions.</summary>
    /// <param name="input">(batch, n, d), of any length n.</param>
    /// <returns>(batch, n, d)</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var scope = NewDisposeScope();
        var attended = SparseAttention.Apply(Split(q.call(input)), Split(k.call(input)), Split(v.call(input)), Of((int)input.shape[1]),
            kernel: Kernel);
        return _projection.call(attended.transpose(1, 2).flatten(2)).MoveToOuterDisposeScope();
    }

    /// <summary>How much each position attends to each, for pictures.</summary>
    /// <param name="input">(batch, n, d)</param>
    /// <returns>(batch, heads, n, n); 0 where the pattern has no pair.</returns>
    public Tensor Shares(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var scope = NewDisposeScope();
        return SparseAttention.Shares(Split(q.call(input)), Split(k.call(input)), Of((int)input.shape[1])).MoveToOuterDisposeScope();
    }

    /// <summary>New features of the next position of a sequence that is being generated.</summary>
    /// <param name="input">(batch, 1, d)</param>
    /// <param name="cache">Keys and values so far; it takes those of this position.</param>
    internal Tensor Step(Tensor input, AttentionCache cache)
    {
        using var scope = NewDisposeScope();
        var attended = cache.Attend(Split(q.call(input)), Split(k.call(input)), Split(v.call(input)));
        return _projection.call(attended.transpose(1, 2).flatten(2)).MoveToOuterDisposeScope();
    }

    /// <summary>An empty cache for a sequence.</summary>
    internal AttentionCache NewCache() => new(_config.PatternsOf(_layer, _config.Length), _config.Heads);

    private IReadOnlyList<AttentionPattern> Of(int length)
    {
        // Plans take time to make: those of the last length are kept.
        if (_patterns[0].Length != length) _patterns = _config.PatternsOf(_layer, length);
        return _patterns;
    }

    private Tensor Split(Tensor x) => x.reshape(x.shape[0], x.shape[1], _config.Heads, -1).transpose(1, 2);
}
