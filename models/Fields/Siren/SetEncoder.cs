using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Fields;

/// <summary>
/// A set of samples of a field as one latent vector: a dense network on each sample's coordinates and value, then the mean over the
/// samples, which doesn't depend on their order. (batch, samples, d), (batch, samples, c) → (batch, out).
/// </summary>
/// <remarks>The activation follows the last layer too. State names <c>net.0</c>, <c>net.2.0</c>, <c>net.3.0</c>, …, <c>net.{n}</c>: the
/// numbers count the activation after the first layer, as in the reference. Source: Sitzmann et al. 2020, supplement 7.</remarks>
public sealed class SetEncoder : Module<Tensor, Tensor, Tensor>
{
    [ComponentName(Name = "net")]
    private readonly Sequential _net;

    /// <summary>An encoder with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public SetEncoder(SetEncoderConfig config, Generator? generator = null) : base(nameof(SetEncoder))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        var layers = new List<(string, Module<Tensor, Tensor>)>
        {
            ("0", Dense(config.InFeatures, config.HiddenFeatures)), ("1", Activation()),
        };
        for (var i = 0; i < config.NumHiddenLayers; i++)
            layers.Add(($"{i + 2}", Sequential(("0", Dense(config.HiddenFeatures, config.HiddenFeatures)), ("1", Activation()))));
        layers.Add(($"{config.NumHiddenLayers + 2}", Dense(config.HiddenFeatures, config.OutFeatures)));
        layers.Add(($"{config.NumHiddenLayers + 3}", Activation()));
        _net = Sequential(layers);
        RegisterComponents();

        Module<Tensor, Tensor> Activation() => config.Nonlinearity == "sine" ? new SineActivation() : ReLU();

        Module<Tensor, Tensor> Dense(long from, long to)
        {
            var linear = Linear(from, to);
            // The reference gives its first sine layer the hidden layers' interval here.
            if (config.Nonlinearity == "sine")
                FieldInitialization.Uniform(linear.weight!, FieldInitialization.SineBound(from, 30), generator);
            else
                FieldInitialization.Normal(linear.weight!, Math.Sqrt(2.0 / from), generator);
            FieldInitialization.Uniform(linear.bias!, 1 / Math.Sqrt(from), generator);
            return linear;
        }
    }

    /// <summary>What the encoder is made of.</summary>
    public SetEncoderConfig Config { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor coords, Tensor values) => Forward(coords, values, null);

    /// <summary>The mean over the samples that a mask names.</summary>
    /// <param name="coords">(batch, samples, d)</param>
    /// <param name="values">(batch, samples, c), d + c numbers a sample in all.</param>
    /// <param name="mask">(batch, samples, 1): 1 for the samples that count, 0 for the others; null: all count.</param>
    /// <returns>(batch, out)</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit.</exception>
    public Tensor Forward(Tensor coords, Tensor values, Tensor? mask)
    {
        ArgumentNullException.ThrowIfNull(coords);
        ArgumentNullException.ThrowIfNull(values);
        if (coords.dim() != 3 || values.dim() != 3 || !coords.shape.AsSpan(..2).SequenceEqual(values.shape.AsSpan(..2))
            || coords.shape[2] + values.shape[2] != Config.InFeatures)
            throw new ArgumentException($"Expected (batch, samples, d) and (batch, samples, c) with d + c = {Config.InFeatures}, "
                + $"got ({Require.Text(coords)}) and ({Require.Text(values)})", nameof(values));
        if (mask is not null) Require.Shape(mask, [coords.shape[0], coords.shape[1], 1], nameof(mask));
        using var scope = NewDisposeScope();
        var embeddings = _net.forward(cat([coords, values], -1));
        return (mask is null ? embeddings.mean([-2]) : (embeddings * mask).sum(-2) / mask.sum(-2)).MoveToOuterDisposeScope();
    }

    private sealed class SineActivation() : Module<Tensor, Tensor>(nameof(SineActivation))
    {
        public override Tensor forward(Tensor x)
        {
            using var scaled = x * 30;
            return scaled.sin();
        }
    }
}
