using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A multiplet of Gini means (<see cref="GiniMean"/>), or of their quotients without the root. A further state name:
/// <c>exponent_d</c> (groups, exponents).</summary>
/// <inheritdoc cref="MultipletLayer"/>
public sealed class GiniMultiplet : MultipletLayer
{
    private readonly bool _asRatio;

    /// <summary>A layer with fresh weights, v ~ N(0, scale²).</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="groups">Groups of neurons.</param>
    /// <param name="exponentsS">s of each group's neurons before training.</param>
    /// <param name="exponentsD">d, as many, each other than its s.</param>
    /// <param name="trainExponents">Whether they are trained; they may then meet.</param>
    /// <param name="weight">How the averaging weights come from v.</param>
    /// <param name="eps">Least input that counts, &gt; 0.</param>
    /// <param name="asRatio">Whether the outputs are Σ w x^s / Σ w x^d, without the root.</param>
    /// <param name="strict">Whether an input that isn't positive is an error, rather than a warning and ε.</param>
    /// <param name="initScale">Deviation of v; 1 for logic.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <exception cref="ArgumentException">No exponents, not as many of both, s = d, or a number out of its range.</exception>
    public GiniMultiplet(long inFeatures, long groups, IReadOnlyList<double> exponentsS, IReadOnlyList<double> exponentsD,
        bool trainExponents = true, PositiveWeight weight = PositiveWeight.Softmax, double eps = 1e-6, bool asRatio = false,
        bool strict = false, double initScale = 0.1, Generator? generator = null)
        : base(nameof(GiniMultiplet), inFeatures, groups, trainExponents, weight, eps, strict, initScale, generator)
    {
        Check(exponentsS, exponentsD);
        _asRatio = asRatio;
        RegisterExponents("exponent", exponentsS);
        RegisterExponents("exponent_d", exponentsD);
    }

    /// <summary>The exponents d: (groups, exponents).</summary>
    public Tensor ExponentsD => get_parameter("exponent_d") ?? get_buffer("exponent_d")!;

    internal static void Check(IReadOnlyList<double> exponentsS, IReadOnlyList<double> exponentsD)
    {
        Check(exponentsS, nameof(exponentsS));
        Check(exponentsD, nameof(exponentsD));
        if (exponentsS.Count != exponentsD.Count)
            throw new ArgumentException($"Expected {exponentsS.Count} exponents, got {exponentsD.Count}", nameof(exponentsD));
        if (exponentsS.Zip(exponentsD).Any(p => p.First == p.Second))
            throw new ArgumentException("Expected exponents that differ from s", nameof(exponentsD));
    }

    private protected override Tensor Means(Tensor x, Tensor w) => _asRatio
        ? GiniMean.Ratio(x, w, Exponent("exponent"), Exponent("exponent_d"))
        : GiniMean.Evaluate(x, w, Exponent("exponent"), Exponent("exponent_d"));
}
