using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>A skip connection that weighs the channels: w ⊙ x with w of shape (1, channels, 1, …, 1), ones at first.</summary>
public sealed class SoftGating : Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    /// <summary>A gate for <paramref name="channels"/> channels on a grid of <paramref name="axes"/> axes.</summary>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public SoftGating(long channels, int axes) : base(nameof(SoftGating))
    {
        FnoConfig.Positive(channels, nameof(channels));
        FnoConfig.Positive(axes, nameof(axes));
        _weight = Parameter(ones([1, channels, .. Enumerable.Repeat(1L, axes)]));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => _weight * x;

    /// <summary>y + w ⊙ x in one pass.</summary>
    internal Tensor AddTo(Tensor y, Tensor x) => addcmul(y, _weight, x, 1);
}
