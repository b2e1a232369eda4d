using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The Fourier neural operator: a network from functions to functions on a box, whose weights don't depend on the grid. Train it at one
/// resolution and use it at any other. (batch, in, d1, …, dN) → (batch, out, d1, …, dN).
/// </summary>
/// <remarks>Source: Li et al. 2020, section 4, in the form of the library neuraloperator, whose checkpoints it loads. The form of the paper
/// itself is <see cref="ClassicFno"/>.</remarks>
[Paper("fno", "Fourier Neural Operator for Parametric Partial Differential Equations", "2010.08895", 2020)]
[Model("fno")]
public sealed class Fno : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "fno_blocks")]
    private readonly FnoBlocks _blocks;
    [ComponentName(Name = "lifting")]
    private readonly Module<Tensor, Tensor> _lifting;
    [ComponentName(Name = "projection")]
    private readonly Module<Tensor, Tensor> _projection;
    private readonly GridEmbedding? _embedding;
    private readonly DomainPadding? _padding;

    /// <summary>A network with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public Fno(FnoConfig config) : base(nameof(Fno))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        var activation = Activations.OfSum(config.NonLinearity, nameof(config.NonLinearity));
        var coordinates = config.PositionalEmbedding is null ? 0 : config.NModes.Count;

        if (config.PositionalEmbedding == "grid") _embedding = new GridEmbedding();
        if (config.DomainPadding?.Sum() > 0) _padding = new DomainPadding(config.DomainPadding);
        _blocks = new FnoBlocks(config);
        _lifting = Mlp(config.InChannels + coordinates, config.HiddenChannels, (long)(config.LiftingChannelRatio * config.HiddenChannels));
        _projection = Mlp(config.HiddenChannels, config.OutChannels, (long)(config.ProjectionChannelRatio * config.HiddenChannels));
        RegisterComponents();

        Module<Tensor, Tensor> Mlp(long from, long to, long hidden) => config.ComplexData
            ? new ComplexValued(() => new ChannelMlp(from, to, hidden, activation: activation))
            : new ChannelMlp(from, to, hidden, activation: activation);
    }

    /// <summary>What the network is made of.</summary>
    public FnoConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>Modes kept along each axis; may be lowered, and raised again, while training.</summary>
    /// <exception cref="ArgumentException">Not positive, or more than there are weights for.</exception>
    public IReadOnlyList<long> NModes
    {
        get => _blocks.NModes;
        set => _blocks.NModes = value;
    }

    /// <summary>The Fourier layers.</summary>
    public FnoBlocks Blocks => _blocks;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Wrong number of axes or channels.</exception>
    public override Tensor forward(Tensor x) => Forward(x, null);

    /// <summary>The output on another grid than the input's; the last layer changes the resolution.</summary>
    /// <param name="x">(batch, in, d1, …, dN).</param>
    /// <param name="outputShape">Sizes of the output's grid, with the domain padding if there is any; null: the input's.</param>
    /// <exception cref="ArgumentException">Wrong number of axes, channels or sizes.</exception>
    public Tensor Forward(Tensor x, long[]? outputShape)
    {
        Check(x, outputShape);
        using var scope = NewDisposeScope();
        var v = x;
        if (_embedding is not null) v = _embedding.forward(v);
        v = _lifting.forward(v);                                                      // P

        var padding = _padding?.Points(v.shape.AsSpan(2));
        if (_padding is not null) v = _padding.Pad(v);
        var padded = v.shape[2..];
        for (var layer = 0; layer < Config.NLayers; layer++)                          // v_{t+1} = σ(W v_t + K v_t)
            v = _blocks.Forward(v, layer, layer == Config.NLayers - 1 ? outputShape : null);
        if (padding is not null) v = DomainPadding.Crop(v, Scaled(padding, padded, outputShape));

        return _projection.forward(v).MoveToOuterDisposeScope();                      // Q
    }

    // The padding on the output's grid.
    private long[] Scaled(long[] padding, long[] padded, long[]? outputShape) => [.. padding.Select((p, j) =>
    {
        var factor = outputShape is not null ? (double)outputShape[j] / padded[j]
            : Enumerable.Range(0, Config.NLayers)
                .Aggregate(1.0, (f, layer) => f * (Config.ResolutionScalingFactor?.Of(layer, padding.Length)[j] ?? 1));
        return (long)Math.Round(factor * p);
    })];

    private void Check(Tensor x, long[]? outputShape)
    {
        var axes = Config.NModes.Count;
        if (x.dim() != axes + 2 || x.shape[1] != Config.InChannels)
            throw new ArgumentException(
                $"Expected (batch, {Config.InChannels} channels) and {axes} axes, got [{string.Join(", ", x.shape)}]", nameof(x));
        if (outputShape is not null && (outputShape.Length != axes || outputShape.Any(s => s < 1)))
            throw new ArgumentException($"Expected {axes} positive sizes, got [{string.Join(", ", outputShape)}]", nameof(outputShape));
    }

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        StateDict.Collect(this, destination, prefix);
}
