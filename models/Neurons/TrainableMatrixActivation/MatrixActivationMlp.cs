using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Fully connected layers with a <see cref="TrainableMatrixActivation"/> behind each, the last one affine. (…, in) → (…, out). State names
/// <c>layers.{i}.weight</c>, <c>layers.{i}.bias</c>, <c>activations.{i}.table.diag</c>, …, <c>output.weight</c>, <c>output.bias</c>.
/// </summary>
/// <remarks>Source: Liu et al. 2021, section 2.</remarks>
[Model("trainable-matrix-activation")]
public sealed class MatrixActivationMlp : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<Linear> _layers;
    [ComponentName(Name = "activations")]
    private readonly ModuleList<TrainableMatrixActivation> _activations;
    [ComponentName(Name = "output")]
    private readonly Linear _output;

    /// <summary>A network with fresh weights: uniform within ± 1/√fan-in.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public MatrixActivationMlp(MatrixActivationMlpConfig config, Generator? generator = null) : base(nameof(MatrixActivationMlp))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _layers = new ModuleList<Linear>([.. Enumerable.Range(0, config.Depth).Select(i =>
            Linear(i == 0 ? config.InFeatures : config.HiddenFeatures, config.HiddenFeatures))]);
        _activations = new ModuleList<TrainableMatrixActivation>([.. Enumerable.Range(0, config.Depth).Select(_ =>
            new TrainableMatrixActivation(config.HiddenFeatures, config.Breaks, config.Bandwidth, config.Init, config.Sharing,
                breaksPerNeuron: config.BreaksPerNeuron))]);
        _output = Linear(config.HiddenFeatures, config.OutFeatures);
        RegisterComponents();
        if (generator is null) return;
        using var off = no_grad();
        foreach (var layer in _layers.Append(_output))
        {
            var bound = 1 / Math.Sqrt(layer.in_features);
            layer.weight.uniform_(-bound, bound, generator);
            layer.bias!.uniform_(-bound, bound, generator);
        }
    }

    /// <summary>What the network is made of.</summary>
    public MatrixActivationMlpConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The activations, first to last.</summary>
    public IReadOnlyList<TrainableMatrixActivation> Activations => [.. _activations];

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        foreach (var (layer, activation) in _layers.Zip(_activations)) x = activation.call(layer.call(x));
        return _output.call(x).MoveToOuterDisposeScope();
    }

    /// <summary>Puts all break points to quantiles of what reaches them, layer by layer
    /// (<see cref="TrainableMatrixActivation.FitBreaks"/>): before training, on a first batch.</summary>
    /// <param name="x">(…, in)</param>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs, or there are too few different examples.</exception>
    public void FitBreaks(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        foreach (var (layer, activation) in _layers.Zip(_activations))
        {
            x = layer.call(x);
            activation.FitBreaks(x);
            x = activation.call(x);
        }
    }

    private void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Config.InFeatures)
            throw new ArgumentException($"Expected (…, {Config.InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
    }
}
