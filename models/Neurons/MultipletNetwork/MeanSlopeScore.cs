using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// How different the inputs are that a Lehmer mean selects: q = ∂ ln L_s/∂s = E_s[ln x] − E_{s−1}[ln x] ≥ 0, where E_p has weights w x^p.
/// 0 if they are all equal; it doesn't depend on their scale.
/// </summary>
/// <remarks>Frick 2020 has a "mean case slope score"; this is our reading of it.</remarks>
public static class MeanSlopeScore
{
    /// <summary>The score along an axis.</summary>
    /// <inheritdoc cref="LehmerMean.Evaluate"/>
    public static Tensor Evaluate(Tensor x, Tensor w, Tensor s, long dim = -1)
    {
        ArgumentNullException.ThrowIfNull(s);
        using var scope = NewDisposeScope();
        var sums = PowerSums.Along(x, w, dim);
        return (sums.MeanLog(s) - sums.MeanLog(s - 1)).clamp_min(0).MoveToOuterDisposeScope();
    }

    /// <summary>What to multiply a group's learning rate by: 1/(1 + κ q̄), with the mean of the scores. Groups whose inputs differ
    /// much learn more slowly.</summary>
    /// <param name="scores">Scores of a batch.</param>
    /// <param name="kappa">κ ≥ 0.</param>
    /// <exception cref="ArgumentException">κ is negative, or there are no scores.</exception>
    public static double LearningRateFactor(Tensor scores, double kappa = 1)
    {
        ArgumentNullException.ThrowIfNull(scores);
        if (!(kappa >= 0) || !double.IsFinite(kappa)) throw new ArgumentOutOfRangeException(nameof(kappa), kappa, "must not be negative");
        if (scores.numel() == 0) throw new ArgumentException("Expected a score at least", nameof(scores));
        using var scope = NewDisposeScope();
        return 1 / (1 + kappa * scores.detach().to(ScalarType.Float64).mean().item<double>());
    }
}
