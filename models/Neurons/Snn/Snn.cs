using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A self-normalising network: fully connected layers with SELU, whose activations keep mean 0 and variance 1 at any depth, without batch
/// normalisation, as long as its inputs are standardised. (…, in) → (…, out), the last layer linear. State names <c>layers.{i}.weight</c>,
/// <c>layers.{i}.bias</c>, <c>output.weight</c>, <c>output.bias</c>.
/// </summary>
/// <remarks>Source: Klambauer et al. 2017.</remarks>
[Paper("selu", "Self-Normalizing Neural Networks", "1706.02515", 2017)]
[Model("selu")]
public sealed class Snn : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<Linear> _layers;
    [ComponentName(Name = "output")]
    private readonly Linear _output;
    private readonly ScaledExponentialLinearUnit _activation = new();
    private readonly AlphaDropout _dropout;

    /// <summary>A network with fresh weights: N(0, 1/fan-in), biases 0.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default. Dropout draws from the default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public Snn(SnnConfig config, Generator? generator = null) : base(nameof(Snn))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _dropout = new AlphaDropout(config.AlphaDropout);
        _layers = new ModuleList<Linear>([.. Enumerable.Range(0, config.Depth).Select(i =>
            Linear(i == 0 ? config.InFeatures : config.Width(i - 1), config.Width(i)))]);
        _output = Linear(config.Width(config.Depth - 1), config.OutFeatures);
        RegisterComponents();
        SnnInit.Apply(this, generator);
    }

    /// <summary>What the network is made of.</summary>
    public SnnConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        return _output.call(Hidden(x).Last()).MoveToOuterDisposeScope();
    }

    /// <summary>Mean and variance of all activations of each hidden layer, with dropout while training.</summary>
    /// <param name="x">(…, in)</param>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public IReadOnlyList<(double Mean, double Variance)> LayerMoments(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        return [.. Hidden(x).Select(h => h.to(ScalarType.Float64)).Select(h =>
            (h.mean().item<double>(), h.var(unbiased: false).item<double>()))];
    }

    private IEnumerable<Tensor> Hidden(Tensor x)
    {
        foreach (var layer in _layers) yield return x = _dropout.call(_activation.call(layer.call(x)));
    }

    private void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Config.InFeatures)
            throw new ArgumentException($"Expected (…, {Config.InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
    }
}
