using TorchZoo.Layers;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// What neural accumulators have in common: weights W = tanh(Ŵ) ⊙ σ(M̂), which are drawn to −1, 0 and 1 and reach them nowhere. (…, in) →
/// (…, out), and with members (members, …, in) → (members, …, out). State names <c>W_hat</c>, <c>M_hat</c>, (out, in) each.
/// </summary>
/// <remarks>Source: Trask et al. 2018, equation 1. 16-bit inputs are computed in float32.</remarks>
public abstract class NacLayer : Module<Tensor, Tensor>
{
    /// <summary>A layer with fresh weights.</summary>
    private protected NacLayer(string name, long inFeatures, long outFeatures, NacInit init, long? members,
        Generator? generator) : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        if (members is { } m) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(m, nameof(members));
        var radius = NacInitialization.Radius(init, inFeatures, outFeatures);
        foreach (var part in new[] { "W_hat", "M_hat" })
            register_parameter(part, NacInitialization.Uniform(radius, generator, Ensemble.Shape(members, outFeatures, inFeatures)));
    }

    /// <summary>W = tanh(Ŵ) ⊙ σ(M̂) of the parameters as they are now; differentiable, in float32 at least. The caller disposes of
    /// it.</summary>
    public Tensor Weight
    {
        get
        {
            using var scope = NewDisposeScope();
            return (Wide("W_hat").tanh() * Wide("M_hat").sigmoid()).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights, or the type.</exception>
    public sealed override Tensor forward(Tensor x)
    {
        Check(x);
        return Ensemble.InFullPrecision(x, wide => Apply(wide, Weight));
    }

    internal void Check(Tensor x) => Ensemble.Check(x, get_parameter("W_hat")!, nameof(x));

    private protected abstract Tensor Apply(Tensor x, Tensor weight);

    private Tensor Wide(string name) => Autocast.ToFullPrecision(get_parameter(name)!);
}
