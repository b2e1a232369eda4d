using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>The linear skip W of the paper's equation (2): a 1×1 convolution without bias on a grid of any number of axes.</summary>
public sealed class FlattenedConv1d : Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv")]
    private readonly Conv1d _conv;

    /// <summary>A map of <paramref name="inChannels"/> to <paramref name="outChannels"/> channels.</summary>
    /// <exception cref="ArgumentException">A number of channels isn't positive.</exception>
    public FlattenedConv1d(long inChannels, long outChannels, bool bias = false) : base(nameof(FlattenedConv1d))
    {
        FnoConfig.Positive(inChannels, nameof(inChannels));
        FnoConfig.Positive(outChannels, nameof(outChannels));
        _conv = Conv1d(inChannels, outChannels, 1, bias: bias);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Pointwise.Conv(x.flatten(2), _conv.weight, _conv.bias).unflatten(2, x.shape[2..]).MoveToOuterDisposeScope();
    }
}
