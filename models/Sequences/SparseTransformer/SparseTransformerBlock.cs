using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Sequences;

/// <summary>A pre-activation residual block (section 5.1): x ← x + dropout(attention(LN x)); x ← x + dropout(W₂ φ(W₁ LN x + b₁) +
/// b₂).</summary>
public sealed class SparseTransformerBlock : Module<Tensor, Tensor>
{
    [ComponentName(Name = "ln_1")]
    private readonly LayerNorm _attentionNorm;
    [ComponentName(Name = "attn")]
    private readonly SparseSelfAttention _attention;
    [ComponentName(Name = "ln_2")]
    private readonly LayerNorm _mlpNorm;
    [ComponentName(Name = "mlp_in")]
    private readonly Linear _mlpIn;
    [ComponentName(Name = "mlp_out")]
    private readonly Linear _mlpOut;

    private readonly double _dropout;

    /// <summary>Fresh weights; those of the branches' last maps are smaller by √(2N), so that all together vary the same for any
    /// N.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="layer">Number of the layer, from 0.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public SparseTransformerBlock(SparseTransformerConfig config, int layer, Generator? generator = null)
        : base(nameof(SparseTransformerBlock))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _dropout = config.Dropout;
        _attentionNorm = LayerNorm(config.Dim);
        _attention = new SparseSelfAttention(config, layer, generator);
        _mlpNorm = LayerNorm(config.Dim);
        _mlpIn = Weights.Linear(config.Dim, config.MlpDim, config.InitScale, generator);
        _mlpOut = Weights.Linear(config.MlpDim, config.Dim, config.InitScale / (2 * config.Layers), generator);
        RegisterComponents();
    }

    /// <summary>Its attention.</summary>
    public SparseSelfAttention Attention => _attention;

    /// <summary>New features of all positions.</summary>
    /// <param name="input">(batch, n, d)</param>
    /// <returns>(batch, n, d)</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var scope = NewDisposeScope();
        return WithBranches(input, _attention.call).MoveToOuterDisposeScope();
    }

    /// <summary>The attention's shares; see <see cref="SparseSelfAttention.Shares"/>.</summary>
    /// <param name="input">(batch, n, d)</param>
    public Tensor Shares(Tensor input)
    {
        using var normed = _attentionNorm.call(input);
        return _attention.Shares(normed);
    }

    /// <summary>New features of the next position of a sequence that is being generated.</summary>
    /// <param name="input">(batch, 1, d)</param>
    /// <param name="cache">The layer's.</param>
    internal Tensor Step(Tensor input, AttentionCache cache)
    {
        using var scope = NewDisposeScope();
        return WithBranches(input, x => _attention.Step(x, cache)).MoveToOuterDisposeScope();
    }

    private Tensor WithBranches(Tensor input, Func<Tensor, Tensor> attention)
    {
        var x = input + Dropped(attention(_attentionNorm.call(input)));
        return x + Dropped(_mlpOut.call(QuickGelu.Apply(_mlpIn.call(_mlpNorm.call(x)))));
    }

    private Tensor Dropped(Tensor branch) => _dropout > 0 && training ? functional.dropout(branch, _dropout, true) : branch;
}
