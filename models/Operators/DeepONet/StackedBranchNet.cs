using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The branch of the universal approximation theorem: p fully connected networks with one output each, computed together.
/// (batch, m) → (batch, p).
/// </summary>
/// <remarks>The widths [m, h, p] mean p networks m → h → 1. Parameters: <c>linears.{i}.weight</c> (p, in, out) and
/// <c>linears.{i}.bias</c> (p, out). The reference has this form in TensorFlow 1 only and gives it no names.</remarks>
[Model("deeponet-stacked-branch")]
public sealed class StackedBranchNet : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "linears")]
    private readonly ModuleList<StackedLinear> _layers = [];
    private readonly Func<Tensor, Tensor> _activation;

    /// <summary>The networks with fresh weights.</summary>
    /// <param name="config">Widths and options; normal initialisations after He and LeCun are truncated (see
    /// <see cref="Initializers"/>).</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public StackedBranchNet(FullyConnectedNetConfig config) : base(nameof(StackedBranchNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate(nameof(StackedBranchNet));
        Config = config;
        _activation = Activations.Named(config.Activation, nameof(config.Activation));
        long[] widths = [.. config.LayerSizes.SkipLast(1), 1];
        for (var i = 1; i < widths.Length; i++)
            _layers.Add(new StackedLinear(
                config.LayerSizes[^1], widths[i - 1], widths[i], config.KernelInitializer, config.UseBias || i < widths.Length - 1));
        RegisterComponents();
    }

    /// <summary>What the networks are made of.</summary>
    public FullyConnectedNetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Not (batch, m).</exception>
    public override Tensor forward(Tensor input)
    {
        if (input.dim() != 2 || input.shape[1] != Config.LayerSizes[0])
            throw new ArgumentException($"Expected (batch, {Config.LayerSizes[0]}), got ({string.Join(", ", input.shape)})", nameof(input));
        using var scope = NewDisposeScope();
        var x = input.expand(Config.LayerSizes[^1], -1, -1);                 // (p, batch, m)
        for (var i = 0; i < _layers.Count - 1; i++)
        {
            x = _activation(_layers[i].forward(x));
            if (Config.DropoutRate > 0) x = functional.dropout(x, Config.DropoutRate, training);
        }
        return _layers[^1].forward(x).squeeze(-1).t().MoveToOuterDisposeScope();
    }

    // One linear layer of each network: (p, batch, in) → (p, batch, out).
    private sealed class StackedLinear : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "weight")]
        private readonly Parameter _weight;
        [ComponentName(Name = "bias")]
        private readonly Parameter? _bias;

        public StackedLinear(long stacks, long fanIn, long fanOut, string initializer, bool hasBias) : base(nameof(StackedLinear))
        {
            _weight = Parameter(empty(stacks, fanIn, fanOut));
            Initializers.Apply(Initializers.Stacked(initializer), _weight, fanIn, fanOut);
            if (hasBias) _bias = Parameter(zeros(stacks, fanOut));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = x.bmm(_weight);
            if (_bias is not null) y = y.add_(_bias.unsqueeze(1));
            return y.MoveToOuterDisposeScope();
        }
    }
}
