using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A ReLU network whose layers are multiplied by linear maps of the network's input: a_l = relu(W_l h_{l−1} + b_l),
/// h_l = a_l ⊙ (V_l x + c_l), or that plus a_l; y = w h_L + β. (…, in) → (…, out). It learns high frequencies sooner than a plain one.
/// State names: <c>hidden.{l}.*</c> (W, b), <c>skip.{l}.*</c> (V, c), <c>output.*</c>.
/// </summary>
/// <remarks>Source: Choraria et al. 2022, experiments.</remarks>
[Model("polynomial-networks-multiplicative-mlp")]
public sealed class MultiplicativeMlp : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "hidden")]
    private readonly ModuleList<Linear> _hidden;
    [ComponentName(Name = "skip")]
    private readonly ModuleList<Linear> _skip;
    [ComponentName(Name = "output")]
    private readonly Linear _output;

    /// <summary>A network with fresh weights: W and w Kaiming-normal, V of N(0, 1), with <see cref="MultiplicativeSkip.Residual"/> of
    /// N(0, ¼); biases 0.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public MultiplicativeMlp(MultiplicativeMlpConfig config, Generator? generator = null) : base(nameof(MultiplicativeMlp))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        var layers = Enumerable.Range(0, config.Depth);
        var skipScale = config.Skip == MultiplicativeSkip.None ? 1 : 0.5;
        _hidden = new ModuleList<Linear>([.. layers.Select(l => l == 0 ? config.InFeatures : config.HiddenFeatures)
            .Select(from => Filled(from, config.HiddenFeatures, Math.Sqrt(2.0 / from)))]);
        _skip = new ModuleList<Linear>([.. layers.Select(_ => Filled(config.InFeatures, config.HiddenFeatures, skipScale))]);
        _output = Filled(config.HiddenFeatures, config.OutFeatures, Math.Sqrt(2.0 / config.HiddenFeatures));
        RegisterComponents();

        Linear Filled(long from, long to, double sigma)
        {
            using var off = no_grad();
            var layer = Linear(from, to);
            layer.weight.normal_(0, sigma, generator);
            layer.bias!.zero_();
            return layer;
        }
    }

    /// <summary>What the network is made of.</summary>
    public MultiplicativeMlpConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Config.InFeatures)
            throw new ArgumentException($"Expected (…, {Config.InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
        using var scope = NewDisposeScope();
        var h = x;
        for (var l = 0; l < Config.Depth; l++)
        {
            var (a, s) = (_hidden[l].call(h).relu(), _skip[l].call(x));
            h = Config.Skip == MultiplicativeSkip.None ? a * s : a.addcmul(a, s, 1);
        }
        return _output.call(h).MoveToOuterDisposeScope();
    }
}
