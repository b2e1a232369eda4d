using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A Kolmogorov–Arnold network: every edge is a learned function of one number, nodes add, and some may multiply. Its resolution can be raised
/// after training (<see cref="Refine"/>), nodes and edges that nothing depends on can be removed (<see cref="Prune"/>), and edges be replaced by
/// known functions (<see cref="AutoSymbolic"/>), until the network is a formula (<see cref="Formula"/>). (…, in) → (…, out).
/// </summary>
/// <remarks>Source: Liu et al. 2024, sections 2.2 to 2.5; multiplications: KAN 2.0 (Liu et al. 2024, arXiv 2408.10205). State dicts have pykan's names.
/// What changes a network's shape gives a new one and leaves the old one as it is.</remarks>
[Paper("kan", "KAN: Kolmogorov-Arnold Networks", "2404.19756", 2024)]
[Model("kan")]
public sealed class Kan : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "act_fun")]
    private readonly ModuleList<KanLayer> _layers = new();
    [ComponentName(Name = "symbolic_fun")]
    private readonly ModuleList<SymbolicLayer> _symbolic = new();
    private readonly KanConfig _config;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Where the random numbers come from; null: torch's own.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public Kan(KanConfig config, Generator? generator = null) : base(nameof(Kan))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _config = config with { Symbols = null };
        var activation = Activations.Named(config.BaseFun, nameof(config.BaseFun));
        for (var l = 0; l < config.Width.Count - 1; l++)
        {
            long nodes = config.Nodes(l), subnodes = config.Subnodes(l + 1);
            _layers.Add(new KanLayer(nodes, subnodes, config.Grid, config.K, config.NoiseScale, config.ScaleBaseMu, config.ScaleBaseSigma,
                baseActivation: activation, gridRange: (config.GridRange[0], config.GridRange[1]), generator: generator));
            _symbolic.Add(new SymbolicLayer(nodes, subnodes));
            Affine("node", l, config.Nodes(l + 1));
            Affine("subnode", l, subnodes);
        }
        foreach (var s in config.Symbols ?? []) _symbolic[s.Layer].Set(s.Input, s.Output, SymbolicLibrary.Find(s.Function));
        RegisterComponents();

        void Affine(string what, int layer, long size)
        {
            register_parameter($"{what}_bias_{layer}", new Parameter(zeros(size).DetachFromDisposeScope(), config.AffineTrainable));
            register_parameter($"{what}_scale_{layer}", new Parameter(ones(size).DetachFromDisposeScope(), config.AffineTrainable));
        }
    }

    /// <summary>A network of nodes that add.</summary>
    /// <param name="widths">Nodes of each layer, inputs and outputs included.</param>
    /// <param name="grid">G</param>
    /// <param name="k">The splines' order.</param>
    /// <param name="noiseScale">See <see cref="KanConfig.NoiseScale"/>.</param>
    /// <param name="generator">Where the random numbers come from; null: torch's own.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public Kan(long[] widths, int grid = 3, int k = 3, double noiseScale = 0.3, Generator? generator = null)
        : this(new KanConfig { Width = [.. widths], Grid = grid, K = k, NoiseScale = noiseScale }, generator)
    {
    }

    /// <summary>What the network is made of, known functions included.</summary>
    public KanConfig Config
    {
        get
        {
            KanSymbol[] symbols = [.. _symbolic.SelectMany((s, l) => s.Functions.Select(f => new KanSymbol(l, f.Key.Input, f.Key.Output, f.Value.Name)))];
            return symbols.Length == 0 ? _config : _config with { Symbols = symbols };
        }
    }

    object IConfigured.Config => Config;

    /// <summary>The layers' curves.</summary>
    public IReadOnlyList<KanLayer> Layers => [.. _layers];

    /// <summary>The layers' known functions.</summary>
    public IReadOnlyList<SymbolicLayer> SymbolicLayers => [.. _symbolic];

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last dimension isn't that of the inputs.</exception>
    public override Tensor forward(Tensor x) => forward(x, false);

    /// <summary>The outputs.</summary>
    /// <param name="x">(…, in)</param>
    /// <param name="updateGrid">Whether to move the grids to these inputs first.</param>
    /// <exception cref="ArgumentException">The last dimension isn't that of the inputs, or there are too few samples for grids.</exception>
    public Tensor forward(Tensor x, bool updateGrid)
    {
        KanConfig.CheckInput(x, _config.Nodes(0), nameof(x));
        using var scope = NewDisposeScope();
        if (updateGrid) UpdateGrid(x);
        var v = x.reshape(-1, x.shape[^1]);
        for (var l = 0; l < _layers.Count; l++) v = Nodes(Sums(v, l), l);
        return v.reshape([.. x.shape[..^1], v.shape[^1]]).MoveToOuterDisposeScope();
    }

    /// <summary>Moves all grids, layer by layer, to where samples come through. Make a new optimizer then.</summary>
    /// <param name="x">(…, in): G + k samples at least.</param>
    /// <exception cref="ArgumentException">Too few samples, or numbers that aren't finite.</exception>
    public void UpdateGrid(Tensor x)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var v = KanConfig.Samples(x, _config.Nodes(0), _config.Grid + _config.K, _layers[0].Grid.dtype, nameof(x));
        for (var l = 0; l < _layers.Count; l++)
        {
            _layers[l].UpdateGrid(v, _config.GridEps);
            v = Nodes(Sums(v, l), l);
        }
    }

    /// <summary>The forward pass with all that is in between.</summary>
    /// <param name="x">(…, in)</param>
    /// <exception cref="ArgumentException">The last dimension isn't that of the inputs.</exception>
    public KanTrace Trace(Tensor x)
    {
        KanConfig.CheckInput(x, _config.Nodes(0), nameof(x));
        using var scope = NewDisposeScope();
        List<Tensor> inputs = [], edges = [], subnodes = [];
        var v = x.reshape(-1, x.shape[^1]);
        for (var l = 0; l < _layers.Count; l++)
        {
            inputs.Add(Keep(v));
            var y = _layers[l].EdgeActivations(v);
            foreach (var (edge, of) in _symbolic[l].Edges(v))
            {
                var only = zeros(y.shape[1], y.shape[2], y.dtype, y.device);
                only[edge.Output, edge.Input] = 1;
                y = y + of.unsqueeze(-1).unsqueeze(-1) * only;
            }
            edges.Add(Keep(y));
            subnodes.Add(Keep(y.sum(-1)));
            v = Nodes(subnodes[^1], l);
        }
        return new KanTrace(inputs, edges, subnodes, Keep(v));

        static Tensor Keep(Tensor tensor) => tensor.alias().MoveToOuterDisposeScope();
    }

    /// <summary>What each edge gives, layer by layer.</summary>
    /// <param name="x">(…, in)</param>
    /// <returns>(N, subnodes, nodes) each</returns>
    public IReadOnlyList<Tensor> EdgeActivations(Tensor x)
    {
        using var scope = NewDisposeScope();
        return [.. Trace(x).Edges.Select(e => e.MoveToOuterDisposeScope())];
    }

    /// <summary>The same network on grids of more (or fewer) intervals over the same ranges. Train it on, with a new optimizer.</summary>
    /// <param name="samples">Where the curves have to agree: (…, in), G' + k samples at least.</param>
    /// <param name="newGrid">G' ≥ 1</param>
    /// <returns>A new network. For a multiple of G it is the same function, within the grids.</returns>
    /// <exception cref="ArgumentException">Too few samples or intervals.</exception>
    public Kan Refine(Tensor samples, int newGrid)
    {
        if (newGrid < 1) throw new ArgumentException($"Expected an interval at least, got {newGrid}", nameof(newGrid));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var v = KanConfig.Samples(samples, _config.Nodes(0), newGrid + _config.K, _layers[0].Grid.dtype, nameof(samples));
        var result = Like(Config with { Grid = newGrid });
        Copy(this, result, (name, from) => name.EndsWith(".grid", StringComparison.Ordinal) || name.EndsWith(".coef", StringComparison.Ordinal) ? null : from);
        for (var l = 0; l < _layers.Count; l++)
        {
            result._layers[l].Refine(_layers[l], v);
            v = Nodes(Sums(v, l), l);
        }
        return result;
    }

    /// <summary>A copy without nodes and edges that hardly matter (<see cref="KanPruner"/>).</summary>
    /// <param name="samples">(…, in), 2 at least.</param>
    /// <param name="nodeThreshold">Nodes with a lower score go.</param>
    /// <param name="edgeThreshold">Edges with a lower score are masked.</param>
    /// <exception cref="ArgumentException">Too few samples, or no node of a layer would be left.</exception>
    public Kan Prune(Tensor samples, double nodeThreshold = 1e-2, double edgeThreshold = 3e-2) =>
        KanPruner.Prune(this, samples, nodeThreshold, edgeThreshold);

    /// <summary>A copy.</summary>
    public Kan Clone()
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var result = Like(Config);
        Copy(this, result, (_, from) => from);
        return result;
    }

    /// <summary>Puts c f(a x + b) + d in the place of an edge's curve, with the numbers that fit it best.</summary>
    /// <param name="layer">Which layer of edges.</param>
    /// <param name="input">The node where it begins.</param>
    /// <param name="output">The subnode where it ends.</param>
    /// <param name="name">f, of the <see cref="SymbolicLibrary"/>.</param>
    /// <param name="samples">(…, in), where it has to fit; null: a, b, c, d = 1, 0, 1, 0.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentException">There is no such edge or function, or there are fewer than two samples.</exception>
    public SymbolicEdge FixSymbolic(int layer, long input, long output, string name, Tensor? samples = null)
    {
        CheckEdge(layer, input, output);
        var function = SymbolicLibrary.Find(name, nameof(name));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var edge = samples is null ? new SymbolicEdge(function, 1, 0, 1, 0, double.NaN)
            : SymbolicEdge.Fit(Trace(samples).Inputs[layer].select(1, input), Curve(Trace(samples), layer, input, output), function);
        Fix(layer, input, output, edge);
        return edge;
    }

    /// <summary>Gives an edge its curve back.</summary>
    /// <exception cref="ArgumentException">There is no such edge.</exception>
    public void Unfix(int layer, long input, long output)
    {
        CheckEdge(layer, input, output);
        using var off = no_grad();
        if (!_symbolic[layer].Clear(input, output)) return;
        _symbolic[layer].Mask[output, input] = 0;
        _layers[layer].Mask[input, output] = 1;
    }

    /// <summary>What functions an edge may be, the best guess first (<see cref="SymbolicEdge.Suggest"/>).</summary>
    /// <param name="samples">(…, in)</param>
    /// <param name="layer">Which layer of edges.</param>
    /// <param name="input">The node where it begins.</param>
    /// <param name="output">The subnode where it ends.</param>
    /// <param name="library">The functions; null: all.</param>
    /// <exception cref="ArgumentException">There is no such edge, or there are fewer than two samples.</exception>
    public IReadOnlyList<SymbolicEdge> SuggestSymbolic(Tensor samples, int layer, long input, long output,
        IReadOnlyList<SymbolicFunction>? library = null)
    {
        CheckEdge(layer, input, output);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var trace = Trace(samples);
        return SymbolicEdge.Suggest(trace.Inputs[layer].select(1, input), Curve(trace, layer, input, output), library);
    }

    /// <summary>Puts the best guess in the place of every curve that isn't masked. Train the numbers on, with a new optimizer.</summary>
    /// <param name="samples">(…, in)</param>
    /// <param name="library">Functions to choose from; null: all.</param>
    /// <param name="simplicity">See <see cref="SymbolicEdge.Score"/>.</param>
    /// <param name="leastR2">Edges that no function explains so well keep their curves.</param>
    /// <returns>What was chosen, edge by edge.</returns>
    /// <exception cref="ArgumentException">There are fewer than two samples.</exception>
    public IReadOnlyList<(KanSymbol Edge, SymbolicEdge Fit)> AutoSymbolic(Tensor samples, IReadOnlyList<SymbolicFunction>? library = null,
        double simplicity = 0.8, double leastR2 = 0)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var trace = Trace(samples);
        var chosen = new List<(KanSymbol, SymbolicEdge)>();
        for (var l = 0; l < _layers.Count; l++)
            for (var i = 0L; i < _layers[l].InFeatures; i++)
                for (var j = 0L; j < _layers[l].OutFeatures; j++)
                {
                    if (_layers[l].Mask[i, j].to(ScalarType.Float64).item<double>() == 0) continue;
                    var best = SymbolicEdge.Suggest(trace.Inputs[l].select(1, i), Curve(trace, l, i, j), library, simplicity)
                        .FirstOrDefault(e => e.R2 >= leastR2 || e.Function.Complexity == 0 && leastR2 == 0);
                    if (best is null) continue;
                    Fix(l, i, j, best);
                    chosen.Add((new KanSymbol(l, i, j, best.Function.Name), best));
                }
        return chosen;
    }

    /// <summary>The network as formulas of x_1, x_2, …, one for each output.</summary>
    /// <param name="digits">Digits after the decimal point.</param>
    /// <exception cref="InvalidOperationException">An edge that isn't masked has no known function.</exception>
    public IReadOnlyList<string> Formulas(int digits = 2) => KanFormula.Of(this, digits);

    /// <summary>The first output's formula.</summary>
    /// <inheritdoc cref="Formulas"/>
    public string Formula(int digits = 2) => Formulas(digits)[0];

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        StateDict.Collect(this, destination, prefix);

    /// <summary>node_bias_l and its like.</summary>
    internal Tensor Affine(string what, int layer) => get_parameter($"{what}_{layer}")!;

    /// <summary>A network of this one's type and device, with any weights.</summary>
    internal Kan Like(KanConfig config)
    {
        var result = new Kan(config);
        result.to(_layers[0].Grid.dtype).to(_layers[0].Grid.device);
        return result;
    }

    /// <summary>Copies state; null: not this one.</summary>
    internal static void Copy(Kan from, Kan to, Func<string, Tensor, Tensor?> state)
    {
        var target = StateDict.Of(to);
        foreach (var (name, tensor) in StateDict.Of(from))
            if (state(name, tensor) is { } value) target[name].copy_(value);
    }

    /// <summary>From subnodes to nodes.</summary>
    internal Tensor Nodes(Tensor sums, int layer)
    {
        var v = sums * Affine("subnode_scale", layer) + Affine("subnode_bias", layer);
        var (adds, multiplies) = (_config.Width[layer + 1], _config.Multiplications(layer + 1));
        if (multiplies > 0)
        {
            var factors = v.narrow(1, adds, multiplies * _config.MultArity).reshape(-1, multiplies, _config.MultArity);
            v = cat([v.narrow(1, 0, adds), factors.unbind(2).Aggregate((a, b) => a * b)], 1);
        }
        return v * Affine("node_scale", layer) + Affine("node_bias", layer);
    }

    private Tensor Sums(Tensor v, int layer)
    {
        var y = _layers[layer].forward(v);
        return _symbolic[layer].Functions.Count == 0 ? y : y + _symbolic[layer].forward(v);
    }

    private void Fix(int layer, long input, long output, SymbolicEdge edge)
    {
        using var scope = NewDisposeScope();
        var symbolic = _symbolic[layer];
        symbolic.Set(input, output, edge.Function);
        symbolic.Affine[output, input] = tensor([edge.A, edge.B, edge.C, edge.D], symbolic.Affine.dtype, symbolic.Affine.device);
        symbolic.Mask[output, input] = 1;
        _layers[layer].Mask[input, output] = 0;
    }

    private static Tensor Curve(KanTrace trace, int layer, long input, long output) => trace.Edges[layer].select(1, output).select(1, input);

    private void CheckEdge(int layer, long input, long output)
    {
        if (layer < 0 || layer >= _layers.Count) throw new ArgumentException($"Expected a layer below {_layers.Count}, got {layer}", nameof(layer));
        if (input < 0 || input >= _layers[layer].InFeatures)
            throw new ArgumentException($"Expected a node below {_layers[layer].InFeatures}, got {input}", nameof(input));
        if (output < 0 || output >= _layers[layer].OutFeatures)
            throw new ArgumentException($"Expected a subnode below {_layers[layer].OutFeatures}, got {output}", nameof(output));
    }
}
