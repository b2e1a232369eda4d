using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A fully connected network of quadratic neurons with ReLU, (…, in) → (…, out), the last layer an ordinary one. It needs inputs of about
/// unit size and the training of <see cref="ReLinear"/>: its degree is 2 to the power of its depth. State names
/// <c>layers.{i}.r.weight</c>, …, <c>output.weight</c>, <c>output.bias</c>.
/// </summary>
/// <remarks>Source: Fan et al. 2021.</remarks>
[Paper("quadratic-networks", "On Expressivity and Trainability of Quadratic Networks", "2110.06081", 2021)]
[Model("quadratic-networks")]
public sealed class QuadraticMlp : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<QuadraticLinear> _layers;
    [ComponentName(Name = "output")]
    private readonly Linear _output;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public QuadraticMlp(QuadraticMlpConfig config, Generator? generator = null) : base(nameof(QuadraticMlp))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _layers = new ModuleList<QuadraticLinear>([.. Enumerable.Range(0, config.Depth).Select(i => new QuadraticLinear(
            i == 0 ? config.InFeatures : config.HiddenFeatures, config.HiddenFeatures, config.Kind, config.Init, generator))]);
        _output = Linear(config.HiddenFeatures, config.OutFeatures);
        RegisterComponents();
        using var off = no_grad();
        _output.weight.normal_(0, Math.Sqrt(2.0 / config.HiddenFeatures), generator);
        _output.bias!.zero_();
    }

    /// <summary>What the network is made of.</summary>
    public QuadraticMlpConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in _layers) x = layer.call(x).relu();
        return _output.call(x).MoveToOuterDisposeScope();
    }
}
