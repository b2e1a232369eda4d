using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The Fourier layers of an <see cref="Fno"/>. Layer i computes, with σ the activation and K a <see cref="SpectralConv"/>,
/// <code>
/// v = σ(norm(K u) + skip(u))            the paper's equation (2)
/// u = σ(norm(mlp(v) + skip'(u)))        the channel network of later work
/// </code>
/// without σ in the last layer; with pre-activation, σ and norm come first instead.
/// </summary>
public sealed class FnoBlocks : Module<Tensor, int, Tensor>
{
    [ComponentName(Name = "convs")]
    private readonly ModuleList<SpectralConv> _convs = new();
    [ComponentName(Name = "fno_skips")]
    private readonly ModuleList<Module<Tensor, Tensor>>? _skips;
    [ComponentName(Name = "channel_mlp")]
    private readonly ModuleList<Module<Tensor, Tensor>>? _mlps;
    [ComponentName(Name = "channel_mlp_skips")]
    private readonly ModuleList<Module<Tensor, Tensor>>? _mlpSkips;
    [ComponentName(Name = "norm")]
    private readonly ModuleList<Module<Tensor, Tensor>>? _norms;

    private readonly FnoConfig _config;
    private readonly SumActivation _activation;
    private readonly Func<Tensor, Tensor>? _stabilizer;

    /// <summary>Makes <see cref="FnoConfig.NLayers"/> layers of <see cref="FnoConfig.HiddenChannels"/> channels.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid.</exception>
    public FnoBlocks(FnoConfig config) : base(nameof(FnoBlocks))
    {
        config.Validate();
        _config = config;
        var (width, axes) = (config.HiddenChannels, config.NModes.Count);
        var activation = Activations.OfSum(config.NonLinearity, nameof(config.NonLinearity));
        _activation = !config.ComplexData ? activation
            : (x, _, residual) => ComplexValued.Split(residual is null ? x : x + residual, functional.gelu);
        if (config.Stabilizer == "tanh") _stabilizer = config.ComplexData ? x => ComplexValued.Split(x, tanh) : tanh;

        for (var i = 0; i < config.NLayers; i++)
            _convs.Add(new SpectralConv(
                width, width, config.NModes, separable: config.Separable, complexData: config.ComplexData, maxNModes: config.MaxNModes,
                resolutionScaling: config.ResolutionScalingFactor?.Of(i, axes), precision: config.FnoBlockPrecision,
                enforceHermitianSymmetry: config.EnforceHermitianSymmetry, factorization: config.Factorization, rank: config.Rank,
                fixedRankModes: config.FixedRankModes));
        _skips = Skips(config.FnoSkip, config.ConvBiasKernel);
        if (config.UseChannelMlp)
        {
            var hidden = (long)Math.Round(width * config.ChannelMlpExpansion);
            _mlps = Each(config.NLayers, () => new ChannelMlp(width, width, hidden, dropout: config.ChannelMlpDropout));
            _mlpSkips = Skips(config.ChannelMlpSkip, 1);
        }
        _norms = config.Norm switch
        {
            "instance_norm" => Each(2 * config.NLayers, () => new InstanceNorm()),
            "group_norm" => Each(2 * config.NLayers, () => GroupNorm(config.NormGroups, width)),
            "batch_norm" => Each(2 * config.NLayers, () => new BatchNorm(width)),
            "ada_in" => Each(2 * config.NLayers, () => new AdaIn(config.AdaInFeatures!.Value, width)),
            _ => null,
        };
        RegisterComponents();

        ModuleList<Module<Tensor, Tensor>> Each(int count, Func<Module<Tensor, Tensor>> make) =>
            new([.. Enumerable.Range(0, count).Select(_ => config.ComplexData ? new ComplexValued(make) : make())]);

        ModuleList<Module<Tensor, Tensor>>? Skips(string? kind, long kernel) => kind?.ToLowerInvariant() switch
        {
            null => null,
            "linear" when kernel > 1 => Each(config.NLayers, () => new LocalConv(width, width, axes, kernel)),
            "linear" => Each(config.NLayers, () => new FlattenedConv1d(width, width)),
            "soft-gating" => Each(config.NLayers, () => new SoftGating(width, axes)),
            _ => Each(config.NLayers, () => Identity()),
        };
    }

    /// <summary>Modes kept along each axis, in all layers (<see cref="SpectralConv.NModes"/>).</summary>
    /// <exception cref="ArgumentException">Not positive, or more than there are weights for.</exception>
    public IReadOnlyList<long> NModes
    {
        get => _convs[0].NModes;
        set
        {
            foreach (var conv in _convs) conv.NModes = value;
        }
    }

    /// <summary>The layers' spectral convolutions.</summary>
    public IReadOnlyList<SpectralConv> Convs => [.. _convs];

    /// <summary>Sets what conditions the normalisation <c>"ada_in"</c>: one embedding for all norms, or one each (two a layer).</summary>
    /// <exception cref="ArgumentException">Another number of embeddings, or one of another length.</exception>
    /// <exception cref="InvalidOperationException">The norm is another.</exception>
    public void SetAdaInEmbeddings(params Tensor[] embeddings)
    {
        if (_norms is null || _config.Norm != "ada_in") throw new InvalidOperationException("The norm isn't ada_in");
        if (embeddings.Length != 1 && embeddings.Length != _norms.Count)
            throw new ArgumentException($"Expected one embedding or {_norms.Count}, got {embeddings.Length}", nameof(embeddings));
        for (var i = 0; i < _norms.Count; i++)
            foreach (var part in _norms[i] is ComplexValued pair ? pair.Parts : [_norms[i]])
                ((AdaIn)part).SetEmbedding(embeddings[embeddings.Length == 1 ? 0 : i]);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, int layer) => Forward(x, layer, null);

    /// <summary>One layer, with the output on a grid of another size.</summary>
    /// <param name="x">(batch, width, d1, …, dN).</param>
    /// <param name="layer">Which layer.</param>
    /// <param name="outputShape">Sizes of the output's grid; null: as the layer's configuration says.</param>
    public Tensor Forward(Tensor x, int layer, long[]? outputShape)
    {
        using var scope = NewDisposeScope();
        var conv = _convs[layer];
        var sizes = conv.OutputSizes(x.shape[2..], outputShape);
        var pre = _config.Preactivation;
        var active = layer < _config.NLayers - 1;

        var u = x;
        if (pre) u = Normalise(_activation(u), 2 * layer);
        var stays = x.shape.AsSpan(2).SequenceEqual(sizes);
        var skip = ToGrid(_skips?[layer].forward(u));
        var gate = stays ? _mlpSkips?[layer] as SoftGating : null; // which is added in one pass
        var gated = u;
        var mlpSkip = gate is null ? ToGrid(_mlpSkips?[layer].forward(u)) : null;
        if (_stabilizer is not null) u = _stabilizer(u);

        var v = conv.Forward(u, outputShape);
        if (!pre) v = Normalise(v, 2 * layer);
        v = Sum(v, skip, active);
        if (pre) v = Normalise(v, 2 * layer + 1);

        if (_mlps is not null) v = _mlps[layer].forward(v);
        if (gate is not null) v = gate.AddTo(v, gated);
        var normed = !pre && _norms is not null; // which comes between the sum and its activation
        v = Sum(v, mlpSkip, active && !pre && !normed);
        if (normed) v = Sum(Normalise(v, 2 * layer + 1), null, active);
        return v.MoveToOuterDisposeScope();

        Tensor Sum(Tensor t, Tensor? other, bool activated) => activated ? _activation(t, residual: other) : other is null ? t : t + other;

        Tensor? ToGrid(Tensor? t) => t is null || stays ? t : Resampling.Resample(t, sizes);
    }

    private Tensor Normalise(Tensor x, int index) => _norms is null ? x : _norms[index].forward(x);

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        StateDict.Collect(this, destination, prefix);
}
