using TorchZoo.Layers;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// The neural multiplication unit (NMU): y_i = Π_j (W_ij x_j + 1 − W_ij) with weights between 0 and 1, that become 0 (times one) or 1
/// (times x_j).
/// No logarithm: negative and small numbers are as good as others.
/// </summary>
/// <remarks>Source: Madsen and Johansen 2020, section 2.3. The product's gradient is right where factors are zero, too.</remarks>
public sealed class NeuralMultiplicationUnit : BoundedLayer
{
    private readonly bool _normalized;

    /// <summary>A layer with fresh weights, uniform in [¼, ¾].</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <param name="oob">What keeps the weights within their bounds.</param>
    /// <param name="epsilon">The least weight, in [0, 1).</param>
    /// <param name="normalized">Whether numbers are divided by their standard deviation c (of the whole input, for each member), and
    /// results multiplied by c^ΣW: products of many numbers stay within float32.</param>
    /// <param name="members">Independent layers side by side (<see cref="Ensemble"/>); null: one.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public NeuralMultiplicationUnit(long inFeatures, long outFeatures, OutOfBounds oob = OutOfBounds.Clip, double epsilon = 0,
        bool normalized = false, long? members = null, Generator? generator = null)
        : base(nameof(NeuralMultiplicationUnit), inFeatures, outFeatures, (epsilon, 1), oob, members,
            shape => empty(shape).uniform_(0.25, 0.75, generator))
    {
        if (epsilon is not (>= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "must be in [0, 1)");
        _normalized = normalized;
    }

    /// <summary>The z-regulariser, for long sequences: mean (1 − W_ij)(1 − x̄_j)², x̄ the mean of the inputs.</summary>
    /// <param name="x">(…, in), or (members, …, in).</param>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights, or the type.</exception>
    public Tensor InputLoss(Tensor x)
    {
        Ensemble.Check(x, Weight, nameof(x));
        using var scope = NewDisposeScope();
        using var off = Training.Autocast.Disable(x.device);
        var (wide, weight) = (Training.Autocast.ToFullPrecision(x), Training.Autocast.ToFullPrecision(Weight));
        long[] rows = weight.dim() > 2 ? [weight.shape[0], -1, weight.shape[2]] : [-1, weight.shape[1]];
        var mean = wide.reshape(rows).mean([-2], keepdim: true);
        return ((1 - weight) * (1 - mean).square()).mean([-2, -1]).sum().MoveToOuterDisposeScope();
    }

    private protected override bool IsSigned => false;

    private protected override Tensor Apply(Tensor x, Tensor weight)
    {
        using var scope = NewDisposeScope();
        var spread = Ensemble.Spread(weight, x);
        if (!_normalized) return Product(x, spread).MoveToOuterDisposeScope();
        long[] own = [.. Enumerable.Range(weight.dim() - 2 > 0 ? 1 : 0, (int)(x.dim() - (weight.dim() - 2))).Select(i => (long)i)];
        var deviation = (x - x.mean(own, keepdim: true)).square().mean(own, keepdim: true).sqrt();
        var scale = where(deviation > 0, deviation, ones_like(deviation));
        return (Product(x / scale, spread) * scale.pow(spread.sum(-1))).MoveToOuterDisposeScope();
    }

    private static Tensor Product(Tensor x, Tensor weight)
    {
        using var scope = NewDisposeScope();
        return (x.unsqueeze(-2) * weight + (1 - weight)).prod(-1).MoveToOuterDisposeScope();
    }

    private protected override string Formula(IReadOnlyList<string> names, double[] weights, double tolerance)
    {
        string[] factors =
        [
            .. weights.Zip(names).Where(p => Math.Abs(p.First) > tolerance).Select(p => Math.Abs(p.First - 1) <= tolerance
                ? Factor(p.Second) : $"({Number(p.First)}*{Factor(p.Second)}{(p.First > 1 ? "" : "+")}{Number(1 - p.First)})"),
        ];
        return factors.Length == 0 ? "1" : string.Join('*', factors);
    }
}
