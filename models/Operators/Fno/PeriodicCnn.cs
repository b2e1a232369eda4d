using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// A fully convolutional network on a periodic interval, (batch, channels, points) → (batch, channels, points): the kind of baseline that
/// the FNO paper calls FCN. Its filters span a number of points, not a length, so what it learns holds on the grid that it was trained on.
/// </summary>
[Model("fno-cnn-baseline")]
public sealed class PeriodicCnn : Module<Tensor, Tensor>, IConfigured
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<Conv1d> _layers = [];

    /// <summary>Makes the network with fresh weights.</summary>
    /// <exception cref="ArgumentException">A number is not positive, or the kernel is even.</exception>
    public PeriodicCnn(PeriodicCnnConfig config) : base(nameof(PeriodicCnn))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(config.NLayers, 2, nameof(config.NLayers));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.InChannels, nameof(config.InChannels));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.OutChannels, nameof(config.OutChannels));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.HiddenChannels, nameof(config.HiddenChannels));
        if (config.KernelSize < 1 || config.KernelSize % 2 == 0) throw new ArgumentOutOfRangeException(nameof(config.KernelSize), config.KernelSize, "must be odd");
        Config = config;
        for (var i = 0; i < config.NLayers; i++)
            _layers.Add(Conv1d(
                i == 0 ? config.InChannels + 1 : config.HiddenChannels, i == config.NLayers - 1 ? config.OutChannels : config.HiddenChannels,
                config.KernelSize));
        RegisterComponents();
    }

    /// <summary>The configuration.</summary>
    public PeriodicCnnConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>Applies the network.</summary>
    /// <param name="input">(batch, channels, points)</param>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var points = input.shape[^1];
        var x = arange(points, dtype: input.dtype, device: input.device).div_(points).expand(input.shape[0], 1, points);
        var v = cat([input, x], 1);
        for (var i = 0; i < _layers.Count; i++)
        {
            var half = Config.KernelSize / 2;
            var padded = functional.pad(v, [half, half], PaddingModes.Circular);
            v = LocalConv.Convolve(padded, _layers[i].weight) + _layers[i].bias!.unsqueeze(1);
            if (i < _layers.Count - 1) v = functional.gelu(v);
        }
        return v.MoveToOuterDisposeScope();
    }
}
