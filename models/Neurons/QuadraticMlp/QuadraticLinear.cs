using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>A dense layer of quadratic neurons: (…, in) → (…, out). In place of <c>Linear</c>. See <see cref="QuadraticLayer"/>.</summary>
public sealed class QuadraticLinear : QuadraticLayer
{
    /// <summary>A layer with fresh weights.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="kind">What its neurons compute.</param>
    /// <param name="init">How it begins.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number isn't positive.</exception>
    public QuadraticLinear(long inFeatures, long outFeatures, QuadraticNeuronKind kind = QuadraticNeuronKind.Full,
        QuadraticInit init = QuadraticInit.ReLinear, Generator? generator = null)
        : base(nameof(QuadraticLinear), kind, init, generator, () =>
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
            return Linear(inFeatures, outFeatures);
        }) => (InFeatures, OutFeatures) = (inFeatures, outFeatures);

    /// <summary>Numbers in.</summary>
    public long InFeatures { get; }

    /// <summary>Numbers out.</summary>
    public long OutFeatures { get; }

    /// <summary>A neuron as a quadratic form: h(x) = xᵀ A x + lin · x + c.</summary>
    /// <param name="neuron">Its number.</param>
    /// <returns>A (in, in), symmetric: ½ (w^r w^gᵀ + w^g w^rᵀ) + diag(w^b), diagonal in a compact layer; lin (in); c. Detached, of the
    /// weights' type. The caller disposes of the tensors.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such neuron.</exception>
    public (Tensor A, Tensor Lin, double C) Form(long neuron)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(neuron);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(neuron, OutFeatures);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var (r, rBias) = Of(Ordinary);
        var (b, bBias) = Of(Square);
        var (a, lin, c) = (b.diag(), r, rBias + bBias);
        if (Gate is { } gate)
        {
            var (g, gBias) = Of(gate);
            (a, lin, c) = (a + (outer(r, g) + outer(g, r)) / 2, rBias * g + gBias * r, rBias * gBias + bBias);
        }
        return (a.MoveToOuterDisposeScope(), lin.clone().MoveToOuterDisposeScope(), c);

        (Tensor Weight, double Bias) Of((TorchSharp.Modules.Parameter Weight, TorchSharp.Modules.Parameter Bias) part) =>
            (part.Weight.detach()[neuron], part.Bias.detach()[neuron].to(ScalarType.Float64).item<double>());
    }

    private protected override void Check(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != InFeatures)
            throw new ArgumentException($"Expected (…, {InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
    }
}
