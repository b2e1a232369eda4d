using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The same small network at every grid point, over the channels: 1×1 convolutions with an activation between, none after the last.
/// (batch, in, d1, …, dN) → (batch, out, d1, …, dN).
/// </summary>
public sealed class ChannelMlp : Module<Tensor, Tensor>
{
    [ComponentName(Name = "fcs")]
    private readonly ModuleList<Conv1d> _layers = [];
    private readonly SumActivation _activation;
    private readonly double _dropout;

    /// <summary>A network of <paramref name="layers"/> layers.</summary>
    /// <param name="inChannels">Channels in.</param>
    /// <param name="outChannels">Channels out.</param>
    /// <param name="hiddenChannels">Channels between.</param>
    /// <param name="layers">Number of linear layers.</param>
    /// <param name="activation">Activation between them; null: GELU.</param>
    /// <param name="dropout">Drop-out probability while training, after every layer, the last too.</param>
    /// <exception cref="ArgumentException">A number of channels or layers isn't positive.</exception>
    public ChannelMlp(
        long inChannels, long outChannels, long hiddenChannels, int layers = 2, SumActivation? activation = null, double dropout = 0)
        : base(nameof(ChannelMlp))
    {
        FnoConfig.Positive(inChannels, nameof(inChannels));
        FnoConfig.Positive(outChannels, nameof(outChannels));
        FnoConfig.Positive(hiddenChannels, nameof(hiddenChannels));
        FnoConfig.Positive(layers, nameof(layers));
        _activation = activation ?? Activations.OfSum("gelu", nameof(activation));
        _dropout = dropout;
        for (var i = 0; i < layers; i++)
            _layers.Add(Conv1d(i == 0 ? inChannels : hiddenChannels, i == layers - 1 ? outChannels : hiddenChannels, 1));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = x.flatten(2);
        for (var i = 0; i < _layers.Count; i++)
        {
            var (weight, bias) = (_layers[i].weight, _layers[i].bias);
            y = i == _layers.Count - 1 ? Pointwise.Conv(y, weight, bias) : _activation(Pointwise.Conv(y, weight, null), bias);
            if (_dropout > 0) y = functional.dropout(y, _dropout, training);
        }
        return y.unflatten(2, x.shape[2..]).MoveToOuterDisposeScope();
    }
}
