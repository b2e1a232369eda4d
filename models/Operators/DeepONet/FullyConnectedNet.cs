using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// A fully connected network (FNN): linear layers with an activation between, none after the last. (…, in) → (…, out).
/// </summary>
/// <remarks>Parameters: <c>linears.{i}.weight</c> (out, in), <c>linears.{i}.bias</c> (out).</remarks>
[Model("deeponet-fnn")]
public sealed class FullyConnectedNet : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "linears")]
    private readonly ModuleList<Linear> _linears = [];
    private readonly Func<Tensor, Tensor> _activation;

    /// <summary>A network with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public FullyConnectedNet(FullyConnectedNetConfig config) : base(nameof(FullyConnectedNet))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate(nameof(FullyConnectedNet));
        Config = config;
        _activation = Activations.Named(config.Activation, nameof(config.Activation));
        var sizes = config.LayerSizes;
        for (var i = 1; i < sizes.Count; i++)
        {
            var linear = Linear(sizes[i - 1], sizes[i], hasBias: config.UseBias || i < sizes.Count - 1);
            Initializers.Apply(config.KernelInitializer, linear.weight!, sizes[i - 1], sizes[i]);
            if (linear.bias is not null) init.zeros_(linear.bias);
            _linears.Add(linear);
        }
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public FullyConnectedNetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't as wide as the first layer.</exception>
    public override Tensor forward(Tensor input)
    {
        if (input.dim() == 0 || input.shape[^1] != Config.LayerSizes[0])
            throw new ArgumentException($"Expected (…, {Config.LayerSizes[0]}), got ({string.Join(", ", input.shape)})", nameof(input));
        using var scope = NewDisposeScope();
        var x = input;
        for (var i = 0; i < _linears.Count - 1; i++)
        {
            x = _activation(_linears[i].forward(x));
            if (Config.DropoutRate > 0) x = functional.dropout(x, Config.DropoutRate, training);
        }
        return _linears[^1].forward(x).MoveToOuterDisposeScope();
    }
}
