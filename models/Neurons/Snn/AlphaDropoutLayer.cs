using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Dropout that keeps mean 0 and variance 1: what is dropped becomes SELU's limit −λα, and all is then scaled and shifted. y = a (x ⊙ d
/// + α′ (1 − d))
/// + b, d ~ Bernoulli(1 − p). The identity in evaluation.
/// </summary>
/// <remarks>Source: Klambauer et al. 2017, section "New dropout technique".</remarks>
public abstract class AlphaDropoutLayer : Module<Tensor, Tensor>
{
    private readonly Generator? _generator;

    private protected AlphaDropoutLayer(string name, double p, Generator? generator) : base(name)
    {
        if (p is not (>= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(p), p, "must be in [0, 1)");
        (P, _generator) = (p, generator);
        const double saturation = SeluParameters.Saturation;
        Scale = 1 / Math.Sqrt((1 - p) * (1 + p * saturation * saturation));
        Shift = -Scale * p * saturation;
    }

    /// <summary>Chance of being dropped.</summary>
    public double P { get; }

    /// <summary>a = (q + α′² q (1 − q))^−½, q = 1 − p.</summary>
    public double Scale { get; }

    /// <summary>b = −a (1 − q) α′.</summary>
    public double Shift { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (!training || P == 0) return x.alias();
        using var scope = NewDisposeScope();
        var dropped = rand(MaskShape(x), ScalarType.Float32, x.device, generator: _generator) < P;
        return (x.masked_fill(dropped, SeluParameters.Saturation) * Scale + Shift).MoveToOuterDisposeScope();
    }

    private protected abstract long[] MaskShape(Tensor x);
}
