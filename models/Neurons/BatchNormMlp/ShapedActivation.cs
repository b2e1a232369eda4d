using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>φ(g x): an activation whose inputs a gain makes smaller, so that it comes nearer to a linear one. Of any shape; no
/// parameters.</summary>
/// <remarks>Source: Meterez et al. 2023, section 5.</remarks>
public sealed class ShapedActivation : Module<Tensor, Tensor>
{
    private readonly Func<Tensor, Tensor> _activation;

    /// <summary>An activation with a gain.</summary>
    /// <param name="activation">φ, one of <see cref="Activations.Names"/>.</param>
    /// <param name="gain">g &gt; 0.</param>
    /// <exception cref="ArgumentException">There is no such activation, or the gain isn't a positive number.</exception>
    public ShapedActivation(string activation = "tanh", double gain = 1) : base(nameof(ShapedActivation))
    {
        _activation = Activations.Named(activation, nameof(activation));
        if (!(gain > 0) || !double.IsFinite(gain)) throw new ArgumentOutOfRangeException(nameof(gain), gain, "must be > 0");
        (Activation, Gain) = (activation, gain);
    }

    /// <summary>φ's name.</summary>
    public string Activation { get; }

    /// <summary>g.</summary>
    public double Gain { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (Gain == 1) return _activation(x);
        using var scope = NewDisposeScope();
        return _activation(x * Gain).MoveToOuterDisposeScope();
    }
}
