using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A multiplet of Lehmer means (<see cref="LehmerMean"/>): each group of neurons averages the inputs with weights of its own, once
/// for each of its exponents.</summary>
/// <inheritdoc cref="MultipletLayer"/>
public sealed class LehmerMultiplet : MultipletLayer
{
    /// <summary>A layer with fresh weights, v ~ N(0, scale²).</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="groups">Groups of neurons.</param>
    /// <param name="exponents">Exponents of each group's neurons before training: a doublet has 1 and −3, a triplet −4, 1 and 4.</param>
    /// <param name="trainExponents">Whether they are trained.</param>
    /// <param name="weight">How the averaging weights come from v.</param>
    /// <param name="eps">Least input that counts, &gt; 0.</param>
    /// <param name="strict">Whether an input that isn't positive is an error, rather than a warning and ε.</param>
    /// <param name="initScale">Deviation of v; 1 for logic.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">No exponents, or a number out of its range.</exception>
    public LehmerMultiplet(long inFeatures, long groups, IReadOnlyList<double> exponents, bool trainExponents = true,
        PositiveWeight weight = PositiveWeight.Softmax, double eps = 1e-6, bool strict = false, double initScale = 0.1,
        Generator? generator = null)
        : base(nameof(LehmerMultiplet), inFeatures, groups, trainExponents, weight, eps, strict, initScale, generator)
    {
        Check(exponents, nameof(exponents));
        RegisterExponents("exponent", exponents);
    }

    /// <summary>How different the inputs are that each neuron selects (<see cref="MeanSlopeScore"/>).</summary>
    /// <param name="x">(…, in)</param>
    /// <returns>(…, groups, exponents)</returns>
    /// <exception cref="ArgumentException">As the layer's call.</exception>
    public Tensor SlopeScore(Tensor x) => Evaluate(x, (inputs, w) => MeanSlopeScore.Evaluate(inputs, w, Exponent("exponent")));

    private protected override Tensor Means(Tensor x, Tensor w) => LehmerMean.Evaluate(x, w, Exponent("exponent"));
}
