using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>
/// The coordinate networks that Siren is compared with, by activation and by what comes before the first layer; and the reference's general
/// class. Coordinates (…, d) → values (…, c).
/// </summary>
/// <remarks>State names of the reference's <c>SingleBVPNet</c>. Source: Sitzmann et al. 2020, section 4 and supplement.</remarks>
[Model("siren-mlp")]
public sealed class CoordinateMlp : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "rbf_layer")]
    private readonly RadialBasisLayer? _basis;
    [ComponentName(Name = "positional_encoding")]
    private readonly PositionalEncoding? _encoding;
    [ComponentName(Name = "net")]
    private readonly FieldMlp _net;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public CoordinateMlp(CoordinateMlpConfig config, Generator? generator = null) : base(nameof(CoordinateMlp))
    {
        ArgumentNullException.ThrowIfNull(config);
        Require.OneOf(config.Mode, ["mlp", "nerf", "rbf"], nameof(config.Mode));
        Config = config;
        if (config.Mode == "rbf") _basis = new RadialBasisLayer(config.InFeatures, config.RbfCenters, generator);
        if (config.Mode == "nerf") _encoding = new PositionalEncoding(config.InFeatures, config.Frequencies());
        _net = new FieldMlp(_encoding?.OutFeatures ?? (_basis is null ? config.InFeatures : config.RbfCenters), config.OutFeatures,
            config.NumHiddenLayers, config.HiddenFeatures, config.Type, generator: generator);
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public CoordinateMlpConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The dense network behind the encoding.</summary>
    internal FieldMlp Net => _net;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of coordinates.</exception>
    public override Tensor forward(Tensor coords)
    {
        using var scope = NewDisposeScope();
        return _net.forward(Encode(coords)).MoveToOuterDisposeScope();
    }

    /// <summary>The field with other parameters of its dense network.</summary>
    /// <inheritdoc cref="Siren.ForwardWith"/>
    public Tensor ForwardWith(Tensor coords, IReadOnlyDictionary<string, Tensor> parameters)
    {
        using var scope = NewDisposeScope();
        return _net.ForwardWith(Encode(coords), parameters, "net.").MoveToOuterDisposeScope();
    }

    private Tensor Encode(Tensor coords)
    {
        Require.LastAxis(coords, Config.InFeatures, nameof(coords));
        return _basis?.forward(coords) ?? _encoding?.forward(coords) ?? coords;
    }
}
