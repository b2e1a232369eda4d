using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Weighted sums of powers by their logarithms: powers alone overflow at once.</summary>
internal readonly ref struct PowerSums
{
    private readonly Tensor _logs, _weights, _logWeights;

    // (…, n) each, after broadcasting.
    private PowerSums(Tensor logs, Tensor weights) => (_logs, _weights, _logWeights) = (logs, weights, weights.detach().log());

    /// <summary>Brings the axis of the sums to the end.</summary>
    public static PowerSums Along(Tensor x, Tensor w, long dim)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(w);
        var axes = Math.Max(x.dim(), w.dim());
        if (dim < -axes || dim >= axes)
            throw new ArgumentException($"Expected an axis {dim}, got ({string.Join(", ", x.shape)})", nameof(dim));
        if (!x.is_floating_point() || !w.is_floating_point())
            throw new ArgumentException($"Expected real numbers, got {x.dtype} and weights {w.dtype}", nameof(x));
        // Counted from the end, it is the same axis in both.
        var axis = dim < 0 ? dim : dim - axes;
        return new PowerSums(ToEnd(x, axis).log(), ToEnd(w, axis));

        static Tensor ToEnd(Tensor t, long axis) => axis == -1 ? t : t.dim() < -axis
            ? throw new ArgumentException($"Expected an axis {axis}, got ({string.Join(", ", t.shape)})", nameof(dim))
            : t.movedim([axis], [-1]);
    }

    /// <summary>log Σ w x^p.</summary>
    /// <param name="p">One number, or a shape that fits the result.</param>
    public Tensor Log(Tensor p)
    {
        var (terms, largest) = Terms(p);
        return terms.sum(-1).log() + largest.squeeze(-1);
    }

    /// <summary>E_p[log x]: the mean of logarithms with weights w x^p.</summary>
    public Tensor MeanLog(Tensor p)
    {
        var (terms, _) = Terms(p);
        return (terms * _logs).sum(-1) / terms.sum(-1);
    }

    // w x^p over the largest of them. A weight of 0 has no logarithm: it stays outside, for its gradient's sake.
    private (Tensor Terms, Tensor Largest) Terms(Tensor p)
    {
        var powers = p.unsqueeze(-1) * _logs;
        var largest = (powers.detach() + _logWeights).amax([-1], keepdim: true);
        // What exceeds the largest has a weight near 0; it mustn't overflow before it is multiplied by it.
        var limit = powers.dtype == ScalarType.Float64 ? 700 : 80;
        return (_weights * (powers - largest).clamp_max(limit).exp(), largest);
    }
}
