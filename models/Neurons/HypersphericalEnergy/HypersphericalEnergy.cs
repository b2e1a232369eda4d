using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// How near each other the neurons of a layer are: the mean potential energy of its weight vectors, as charges on the unit sphere. Low
/// energy is diversity. It depends on directions alone; bias and norms don't count.
/// </summary>
/// <remarks>Source: Liu et al. 2018, sections 3.1 to 3.4. Gradients are tangential, w_i · ∂E/∂w_i = 0. Weights of 16 bits are computed in
/// float32.</remarks>
[Paper("minimum-hyperspherical-energy", "Learning towards Minimum Hyperspherical Energy", "1805.09298", 2018)]
public static class HypersphericalEnergy
{
    // cos θ stays that far from ±1, where the angle's derivative is infinite.
    private const double CosineMargin = 1e-6;

    // The authors' code: added to squared norms, and to angles in units of π; and the weight of inverse angles.
    private const double ReferenceNorm = 1e-4, ReferenceAngle = 1e-4, ReferenceAngular = 0.1;

    /// <summary>The mean over all pairs of −log d (s = 0) or d^−s.</summary>
    /// <param name="weight">(out, in) or (out, in, …): a row is what leads to a neuron or filter.</param>
    /// <param name="s">How the energy falls with the distance.</param>
    /// <param name="space">Whether directions or lines repel each other. Half: each row with its opposite, the pairs of a row with its own
    /// opposite left out.</param>
    /// <param name="metric">What the distance is.</param>
    /// <param name="eps">Least squared distance that counts, &gt; 0.</param>
    /// <param name="transposed">Whether the weight is that of a transposed convolution, (in, out, …).</param>
    /// <param name="referenceScaling">As the authors' code has it: s = 0 is twice as large, half-space keeps the pairs of opposites, angles
    /// are in units of π and their inverse powers count a tenth, and norms are a little too large.</param>
    /// <param name="sample">For large layers: take so many random rows (at least 2), whose mean energy is the full one on average; null:
    /// all.</param>
    /// <param name="generator">Source of random rows, on the CPU; null: torch's default.</param>
    /// <returns>A scalar; 0 without gradient for a single row.</returns>
    /// <exception cref="ArgumentException">The weight has no rows, or an option is out of its range.</exception>
    public static Tensor Of(Tensor weight, EnergyPower s = EnergyPower.Inverse, EnergySpace space = EnergySpace.Full,
        EnergyMetric metric = EnergyMetric.Euclidean, double eps = 1e-12, bool transposed = false, bool referenceScaling = false,
        long? sample = null, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(weight);
        Check(s, space, metric, eps, sample);
        if (weight.dim() < 2 || weight.numel() == 0 || !weight.is_floating_point())
            throw new ArgumentException($"Expected (out, in, …), got {weight.dtype} ({string.Join(", ", weight.shape)})", nameof(weight));
        using var scope = NewDisposeScope();
        using var off = Autocast.Disable(weight.device);
        var rows = (transposed ? weight.transpose(0, 1) : weight).flatten(1);
        if (sample < rows.shape[0])
            rows = rows.index_select(0, randperm(rows.shape[0], generator: generator)[..(int)sample].to(weight.device));
        var cosines = Cosines(Autocast.ToFullPrecision(rows), space == EnergySpace.Half && referenceScaling, referenceScaling);
        if (cosines.numel() == 0) return zeros([], cosines.dtype, cosines.device).MoveToOuterDisposeScope();
        var energy = Energy(cosines, s, metric, eps, referenceScaling).mean();
        if (space == EnergySpace.Half && !referenceScaling) energy = (energy + Energy(-cosines, s, metric, eps, false).mean()) / 2;
        return energy.MoveToOuterDisposeScope();
    }

    internal static void Check(EnergyPower s, EnergySpace space, EnergyMetric metric, double eps = 1, long? sample = null)
    {
        if (!Enum.IsDefined(s)) throw new ArgumentOutOfRangeException(nameof(s), s, "Expected a power of 0, 1 or 2");
        if (!Enum.IsDefined(space)) throw new ArgumentOutOfRangeException(nameof(space), space, "is no space");
        if (!Enum.IsDefined(metric)) throw new ArgumentOutOfRangeException(nameof(metric), metric, "is no metric");
        if (!(eps > 0) || !double.IsFinite(eps)) throw new ArgumentOutOfRangeException(nameof(eps), eps, "must be > 0");
        if (sample < 2) throw new ArgumentOutOfRangeException(nameof(sample), sample, "must be at least 2 rows");
    }

    // cos θ of all ordered pairs of different rows.
    private static Tensor Cosines(Tensor rows, bool withOpposites, bool referenceNorm)
    {
        using var scope = NewDisposeScope();
        var squares = rows.square().sum(1, keepdim: true);
        // A row of zeros has no direction: it stays one, and its gradient finite.
        var units = referenceNorm ? rows / (squares + ReferenceNorm).sqrt() : rows / squares.clamp(1e-24).sqrt();
        if (withOpposites) units = cat([units, -units]);
        var (n, products) = (units.shape[0], units.matmul(units.t()));
        // Without its first element, the matrix in rows of n + 1 has the diagonal in its last column.
        return products.flatten()[1..].reshape(n - 1, n + 1).narrow(1, 0, n).MoveToOuterDisposeScope();
    }

    private static Tensor Energy(Tensor cosines, EnergyPower s, EnergyMetric metric, double eps, bool referenceScaling)
    {
        using var scope = NewDisposeScope();
        // Before the power: it would turn a distance of 0 into an infinite gradient.
        Tensor Squared() => (2 - 2 * cosines).clamp(eps);
        Tensor Angle()
        {
            var angle = cosines.clamp(-1 + CosineMargin, 1 - CosineMargin).acos();
            return referenceScaling ? angle / Math.PI + ReferenceAngle : angle;
        }
        var energy = (metric, s) switch
        {
            (EnergyMetric.Euclidean, EnergyPower.Log) => Squared().log() * (referenceScaling ? -1 : -0.5),
            (EnergyMetric.Euclidean, EnergyPower.Inverse) => Squared().rsqrt(),
            (EnergyMetric.Euclidean, _) => Squared().reciprocal(),
            (_, EnergyPower.Log) => -Angle().log(),
            (_, EnergyPower.Inverse) => Angle().reciprocal() * (referenceScaling ? ReferenceAngular : 1),
            _ => Angle().square().reciprocal() * (referenceScaling ? ReferenceAngular : 1),
        };
        return energy.MoveToOuterDisposeScope();
    }
}
