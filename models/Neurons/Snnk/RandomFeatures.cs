using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A fixed random feature map Φ, and its counterpart Ψ of weights, such that Ψ(w) · Φ(x) is about a kernel of w and x. (…, in) →
/// (…, <see cref="Count"/>). The projection G is a buffer <c>projection</c> (m, in), saved and not trained; it is drawn on the CPU.
/// </summary>
/// <remarks>Source: Sehanobish, Choromanski et al. 2023, section 3.</remarks>
public abstract class RandomFeatures : Module<Tensor, Tensor>
{
    private protected RandomFeatures(string name, long inFeatures, long features, long count, bool orthogonal, double? norm,
        Generator? generator) : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        if (norm is not (null or (> 0 and < double.PositiveInfinity)))
            throw new ArgumentOutOfRangeException(nameof(norm), norm, "must be > 0");
        (InFeatures, Count, Norm) = (inFeatures, count, norm);
        using var scope = NewDisposeScope();
        register_buffer("projection",
            GaussianOrthogonalMatrix.Draw(features, inFeatures, orthogonal, generator).to(get_default_dtype()).DetachFromDisposeScope());
    }

    /// <summary>Numbers in.</summary>
    public long InFeatures { get; }

    /// <summary>Numbers out: the length of Φ(x) and Ψ(w).</summary>
    public long Count { get; }

    /// <summary>The length that inputs and weights are brought to before; null: they are taken as they are.</summary>
    public double? Norm { get; }

    /// <summary>G, (m, in).</summary>
    public Tensor Projection => get_buffer("projection")!;

    /// <summary>Φ(x).</summary>
    /// <param name="x">(…, in)</param>
    /// <returns>(…, <see cref="Count"/>).</returns>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public Tensor Features(Tensor x)
    {
        Check(x, nameof(x));
        using var scope = NewDisposeScope();
        return Map(Scaled(x)).MoveToOuterDisposeScope();
    }

    /// <summary>Ψ(w, b): rows whose products with Φ(x) are estimates of the kernel.</summary>
    /// <param name="weight">(…, in), a unit a row.</param>
    /// <param name="bias">(…) of the units; null: none.</param>
    /// <returns>(…, <see cref="Count"/>).</returns>
    /// <exception cref="ArgumentException">An axis doesn't fit, or the kernel has no bias.</exception>
    public Tensor WeightFeatures(Tensor weight, Tensor? bias = null)
    {
        Check(weight, nameof(weight));
        if (bias is not null && !bias.shape.AsSpan().SequenceEqual(weight.shape.AsSpan()[..^1]))
            throw new ArgumentException($"Expected ({string.Join(", ", weight.shape[..^1])}), got ({string.Join(", ", bias.shape)})",
                nameof(bias));
        if (bias is not null && !HasBias)
            throw new ArgumentException($"Expected no bias: the kernel of {GetName()} is of weights alone", nameof(bias));
        using var scope = NewDisposeScope();
        return MapWeights(Scaled(weight), bias).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor x) => Features(x);

    /// <summary>Φ of checked inputs in an open scope.</summary>
    private protected abstract Tensor Map(Tensor x);

    private protected virtual Tensor MapWeights(Tensor weight, Tensor? bias) => Map(weight);

    private protected virtual bool HasBias => false;

    /// <summary>Initial Ψ of a layer: of the weights of the layer it takes the place of, or of such a layer's initial ones.</summary>
    private protected void AddReadOut(long outFeatures, Tensor? fromWeight, Tensor? fromBias, Generator? generator)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        if (fromWeight is not null && (fromWeight.dim() != 2 || fromWeight.shape[0] != outFeatures))
            throw new ArgumentException($"Expected ({outFeatures}, {InFeatures}), got ({string.Join(", ", fromWeight.shape)})",
                nameof(fromWeight));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        // Kaiming's uniform distribution with a = √5, as the framework's linear layers have it.
        var bound = 1 / Math.Sqrt(InFeatures);
        Tensor Uniform(params long[] shape) => empty(shape, Projection.dtype).uniform_(-bound, bound, generator);
        var weight = fromWeight?.detach().to(Projection.dtype).cpu() ?? Uniform(outFeatures, InFeatures);
        var bias = fromBias?.detach().to(Projection.dtype).cpu() ?? (HasBias && fromWeight is null ? Uniform(outFeatures) : null);
        register_parameter("weights", new Parameter(WeightFeatures(weight, bias).DetachFromDisposeScope()));
    }

    /// <summary>A layer's outputs: Φ(x) times Ψ.</summary>
    private protected Tensor ReadOut(Tensor x)
    {
        using var features = Features(x);
        return functional.linear(features, get_parameter("weights")!);
    }

    private Tensor Scaled(Tensor x) => Norm is { } norm ? functional.normalize(x, dim: -1) * norm : x;

    private void Check(Tensor x, string name)
    {
        ArgumentNullException.ThrowIfNull(x, name);
        if (x.dim() == 0 || x.shape[^1] != InFeatures)
            throw new ArgumentException($"Expected (…, {InFeatures}), got ({string.Join(", ", x.shape)})", name);
    }
}
