using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A fully connected network of any depth whose gradients stay bounded: orthogonal weights without biases, batch normalisation, and
/// activations whose gain falls with the layer. (…, in) → (…, out), normalised over all leading axes together, by the batch's own
/// statistics in evaluation, too; the last layer is linear. State names <c>layers.fc_{l}.weight</c>, and <c>layers.norm_{l}.…</c> of
/// trained normalisation.
/// </summary>
/// <remarks>Source: Meterez et al. 2023. Layer l gives φ(g_l BN(W_l h)), g_l = (l + 1)^−e.</remarks>
[Paper("bounded-gradient-batchnorm", "Towards Training Without Depth Limits: Batch Normalization Without Gradient Explosion", "2310.02012",
    2023)]
[Model("bounded-gradient-batchnorm")]
public sealed class BatchNormMlp : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly NamedModules _layers = new();
    private readonly Module<Tensor, Tensor>[][] _path;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the weights; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public BatchNormMlp(BatchNormMlpConfig config, Generator? generator = null) : base(nameof(BatchNormMlp))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        var output = Linear(config.HiddenFeatures, config.OutFeatures, hasBias: false);
        _path = [.. Enumerable.Range(0, config.Depth).Select(Layer), [output]];
        _layers.Add($"fc_{config.Depth}", output);
        RegisterComponents();
        using var off = no_grad();
        foreach (var linear in _layers.children().OfType<Linear>())
            if (config.Init == BatchNormMlpInit.Orthogonal) OrthogonalInit.Fill(linear.weight, 1, generator);
            else linear.weight.normal_(0, Math.Sqrt(2.0 / (linear.weight.shape[0] + linear.weight.shape[1])), generator);

        Module<Tensor, Tensor>[] Layer(int l)
        {
            var linear = Linear(l == 0 ? config.InFeatures : config.HiddenFeatures, config.HiddenFeatures, hasBias: false);
            Module<Tensor, Tensor>? norm = config.Norm switch
            {
                BatchNormMlpNorm.Batch => new RowNormalization(0, config.MeanReduction, config.ForceFactor),
                BatchNormMlpNorm.Layer => new RowNormalization(-1, config.MeanReduction, config.ForceFactor),
                BatchNormMlpNorm.Trained => BatchNorm1d(config.HiddenFeatures),
                _ => null,
            };
            var activation = new ShapedActivation(config.Activation, config.Gain(l));
            _layers.Add($"fc_{l}", linear);
            if (norm is not null) _layers.Add($"norm_{l}", norm);
            _layers.Add($"act_{l}", activation);
            if (norm is null) return [linear, activation];
            return config.Order == BatchNormMlpOrder.NormAct ? [linear, norm, activation] : [linear, activation, norm];
        }
    }

    /// <summary>What the network is made of.</summary>
    public BatchNormMlpConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs, or there is a single example to normalise
    /// over.</exception>
    public override Tensor forward(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        return States(x).Last().reshape([.. x.shape[..^1], Config.OutFeatures]).MoveToOuterDisposeScope();
    }

    /// <summary>What each hidden layer gives.</summary>
    /// <param name="x">(…, in)</param>
    /// <returns>As many as there are hidden layers, (examples, hidden), leading axes as one.</returns>
    /// <exception cref="ArgumentException">As for forward.</exception>
    public IReadOnlyList<Tensor> Hidden(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        return [.. States(x).SkipLast(1).Select(h => h.MoveToOuterDisposeScope())];
    }

    private IEnumerable<Tensor> States(Tensor x)
    {
        var h = x.reshape(-1, Config.InFeatures);
        foreach (var layer in _path)
        {
            foreach (var module in layer) h = module.call(h);
            yield return h;
        }
    }

    private void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Config.InFeatures)
            throw new ArgumentException($"Expected (…, {Config.InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
        var takesBatch = Config.Norm == BatchNormMlpNorm.Batch || Config.Norm == BatchNormMlpNorm.Trained && training;
        if (takesBatch && x.numel() < 2 * Config.InFeatures)
            throw new ArgumentException($"Expected two examples at least to normalise over, got ({string.Join(", ", x.shape)})", nameof(x));
    }

    // The framework's own dictionary of modules can't be moved to another type.
    private sealed class NamedModules() : Module("layers")
    {
        public void Add(string name, Module module) => register_module(name, module);
    }
}
