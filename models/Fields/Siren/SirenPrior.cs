using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>
/// A prior over a class of images: an encoder turns what is known of an image into a latent vector, a hypernetwork turns that into the
/// parameters of a field, and the field is the whole image. As a module it maps images to their reconstructions, (batch, channels, rows,
/// columns) to the same; <see cref="Forward"/> takes samples at any coordinates.
/// </summary>
/// <remarks>State names <c>set_encoder</c> (or <c>encoder</c>), <c>hyper_net</c> and <c>hypo_net</c>, whose own parameters are never used,
/// as in the reference's <c>NeuralProcessImplicit2DHypernet</c> and its convolutional sibling. Source: Sitzmann et al. 2020, section
/// 4.4.</remarks>
[Model("siren-hyper")]
public sealed class SirenPrior : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "hypo_net")]
    private readonly CoordinateMlp _field;
    [ComponentName(Name = "hyper_net")]
    private readonly SirenHyperNetwork _hyper;
    [ComponentName(Name = "set_encoder")]
    private readonly SetEncoder? _setEncoder;
    [ComponentName(Name = "encoder")]
    private readonly ConvEncoder? _convEncoder;

    /// <summary>A prior with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public SirenPrior(SirenPriorConfig config) : base(nameof(SirenPrior))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _field = new CoordinateMlp(config.HypoNet);
        // An encoding's own parameters belong to all images.
        var hypo = ParameterShape.Of(_field.Net).Select(p => p with { Name = $"net.{p.Name}" });
        _hyper = new SirenHyperNetwork([.. hypo], config.HyperNet.HyperInFeatures, config.HyperNet.HyperHiddenLayers,
            config.HyperNet.HyperHiddenFeatures);
        _setEncoder = config.SetEncoder is null ? null : new SetEncoder(config.SetEncoder);
        _convEncoder = config.ConvEncoder is null ? null : new ConvEncoder(config.ConvEncoder);
        RegisterComponents();
    }

    /// <summary>What the prior is made of.</summary>
    public SirenPriorConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The latent vector of an image known at some points.</summary>
    /// <param name="coords">(batch, samples, d)</param>
    /// <param name="values">(batch, samples, c)</param>
    /// <param name="mask">(batch, samples, 1): 1 for samples that count, 0 for the others; null: all.</param>
    /// <returns>(batch, latent)</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    /// <exception cref="InvalidOperationException">The encoder is convolutional.</exception>
    public Tensor Encode(Tensor coords, Tensor values, Tensor? mask = null) =>
        (_setEncoder ?? throw new InvalidOperationException("A convolutional encoder takes images, not sets"))
            .Forward(coords, values, mask);

    /// <summary>The latent vector of an image. A set encoder takes all its pixels, at the coordinates of
    /// <see cref="FieldCoordinates.Grid"/>; a convolutional one takes pixels of 0 for unknown.</summary>
    /// <param name="image">(batch, c, rows, columns)</param>
    /// <returns>(batch, latent)</returns>
    /// <exception cref="ArgumentException">The shape doesn't fit.</exception>
    public Tensor EncodeImage(Tensor image)
    {
        if (_convEncoder is not null) return _convEncoder.forward(image);
        CheckImage(image);
        using var scope = NewDisposeScope();
        return Encode(Grid(image).expand(image.shape[0], -1, -1), image.flatten(2).transpose(1, 2)).MoveToOuterDisposeScope();
    }

    /// <summary>The field's parameters for latent vectors.</summary>
    /// <param name="latent">(batch, latent)</param>
    /// <returns>For each name of the field's parameters a tensor with a batch axis in front. The caller disposes of them.</returns>
    /// <exception cref="ArgumentException">The shape doesn't fit.</exception>
    public IReadOnlyDictionary<string, Tensor> Parameters(Tensor latent) => _hyper.forward(latent);

    /// <summary>The fields with given parameters, at coordinates.</summary>
    /// <param name="coords">(batch, points, d), or (1, points, d) for all.</param>
    /// <param name="parameters">What <see cref="Parameters"/> made.</param>
    /// <returns>(batch, points, c)</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public Tensor Evaluate(Tensor coords, IReadOnlyDictionary<string, Tensor> parameters) => _field.ForwardWith(coords, parameters);

    /// <summary>From samples of images to their values elsewhere.</summary>
    /// <param name="contextCoords">(batch, samples, d)</param>
    /// <param name="contextValues">(batch, samples, c)</param>
    /// <param name="coords">(batch, points, d)</param>
    /// <param name="mask">(batch, samples, 1) or null.</param>
    /// <returns>Values, latent vectors, and the parameters, which the loss needs.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    /// <exception cref="InvalidOperationException">The encoder is convolutional.</exception>
    public SirenPriorOutput Forward(Tensor contextCoords, Tensor contextValues, Tensor coords, Tensor? mask = null)
    {
        var latent = Encode(contextCoords, contextValues, mask);
        var parameters = Parameters(latent);
        return new SirenPriorOutput(Evaluate(coords, parameters), latent, parameters);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The shape doesn't fit.</exception>
    public override Tensor forward(Tensor image)
    {
        CheckImage(image);
        using var scope = NewDisposeScope();
        var values = Evaluate(Grid(image), Parameters(EncodeImage(image)));
        return values.transpose(1, 2).reshape(image.shape).MoveToOuterDisposeScope();
    }

    private static Tensor Grid(Tensor image) => FieldCoordinates.Grid(image.shape[2..], image.dtype, image.device).unsqueeze(0);

    private void CheckImage(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var field = Config.HypoNet;
        if (field.InFeatures != 2 || image.dim() != 4 || image.shape[1] != field.OutFeatures)
            throw new ArgumentException($"Expected (batch, {field.OutFeatures}, rows, columns) and a field of 2 coordinates, "
                + $"got ({Require.Text(image)}) and {field.InFeatures}", nameof(image));
    }
}
