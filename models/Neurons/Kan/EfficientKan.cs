using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A Kolmogorov–Arnold network as a row of <see cref="KanLinear"/> layers, for use in place of a perceptron where nothing is to be pruned or
/// read. (…, in) → (…, out). State dicts have efficient-kan's names.</summary>
[Model("kan-efficient")]
public sealed class EfficientKan : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<KanLinear> _layers = new();

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Where the random numbers come from; null: torch's own.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public EfficientKan(EfficientKanConfig config, Generator? generator = null) : base(nameof(EfficientKan))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        var activation = Activations.Named(config.BaseActivation, nameof(config.BaseActivation));
        foreach (var (from, to) in config.LayersHidden.Zip(config.LayersHidden.Skip(1)))
            _layers.Add(new KanLinear(from, to, config.GridSize, config.SplineOrder, config.ScaleNoise, config.ScaleBase, config.ScaleSpline, true,
                activation, config.GridEps, (config.GridRange[0], config.GridRange[1]), generator));
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public EfficientKanConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The layers.</summary>
    public IReadOnlyList<KanLinear> Layers => [.. _layers];

    /// <summary>A network in the other layout.</summary>
    /// <exception cref="ArgumentException">It multiplies, has known functions, or its nodes have scales and biases: there is nothing for that here.</exception>
    public static EfficientKan From(Kan network)
    {
        ArgumentNullException.ThrowIfNull(network);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var config = network.Config;
        var isPlain = config.MultWidth is null && config.Symbols is null && Enumerable.Range(0, network.Layers.Count).All(l =>
            new[] { "node", "subnode" }.All(n => network.Affine($"{n}_bias", l).eq(0).all().item<bool>() && network.Affine($"{n}_scale", l).eq(1).all().item<bool>()));
        if (!isPlain)
            throw new ArgumentException("Expected a network without multiplications, known functions, and scales and biases of nodes", nameof(network));
        var result = new EfficientKan(new EfficientKanConfig
        {
            LayersHidden = config.Width,
            GridSize = config.Grid,
            SplineOrder = config.K,
            BaseActivation = config.BaseFun,
            GridEps = config.GridEps,
            GridRange = config.GridRange,
        });
        result.to(network.Layers[0].Grid.dtype).to(network.Layers[0].Grid.device);
        foreach (var (from, to) in network.Layers.Zip(result._layers))
        {
            using var layer = KanLinear.From(from);
            to.Grid.copy_(layer.Grid);
            foreach (var (a, b) in layer.parameters().Zip(to.parameters())) b.copy_(a);
        }
        return result;
    }

    /// <summary>The network in pykan's layout, which can be refined, pruned and read.</summary>
    public Kan ToKan()
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var result = new Kan(new KanConfig
        {
            Width = Config.LayersHidden,
            Grid = Config.GridSize,
            K = Config.SplineOrder,
            BaseFun = Config.BaseActivation,
            GridEps = Config.GridEps,
            GridRange = Config.GridRange,
        });
        result.to(_layers[0].Grid.dtype).to(_layers[0].Grid.device);
        foreach (var (from, to) in _layers.Zip(result.Layers))
        {
            using var layer = from.ToLayer();
            to.Grid.copy_(layer.Grid);
            foreach (var (a, b) in layer.parameters().Zip(to.parameters())) b.copy_(a);
        }
        return result;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last dimension isn't that of the inputs.</exception>
    public override Tensor forward(Tensor x)
    {
        KanConfig.CheckInput(x, Config.LayersHidden[0], nameof(x));
        using var scope = NewDisposeScope();
        return _layers.Aggregate(x, (v, layer) => layer.forward(v)).MoveToOuterDisposeScope();
    }

    /// <summary>Moves all grids, layer by layer, to where samples come through.</summary>
    /// <param name="x">(…, in)</param>
    /// <param name="margin">How far the grids go beyond the samples.</param>
    /// <exception cref="ArgumentException">Too few samples, or numbers that aren't finite.</exception>
    public void UpdateGrid(Tensor x, double margin = 0.01)
    {
        KanConfig.CheckInput(x, Config.LayersHidden[0], nameof(x));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        foreach (var layer in _layers)
        {
            layer.UpdateGrid(x, margin);
            x = layer.forward(x);
        }
    }

    /// <summary>The sum of the layers' <see cref="KanLinear.RegularizationLoss"/>.</summary>
    /// <param name="activation">Factor of the sums.</param>
    /// <param name="entropy">Factor of the entropies.</param>
    public Tensor RegularizationLoss(double activation = 1, double entropy = 1)
    {
        using var scope = NewDisposeScope();
        return _layers.Select(l => l.RegularizationLoss(activation, entropy)).Aggregate((a, b) => a + b).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        StateDict.Collect(this, destination, prefix);
}
