using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A polynomial of few terms: begins with the best monomial and adds, as long as it helps on held-out examples, the one that helps most.
/// Helping is a gain in adjusted R² or, of classes, in accuracy (least squares on one-hot columns).
/// </summary>
/// <remarks>Source: Cheng et al. 2018, package polyreg: <c>FSR</c>.</remarks>
public sealed class ForwardStepwisePolynomial
{
    private const double TrainingShare = 0.8;
    private readonly ulong _seed;
    private PolynomialFeatures? _features;
    private int[] _terms = [];
    private double[,]? _coefficients;

    /// <summary>A selection.</summary>
    /// <param name="maxDegree">The highest total degree, ≥ 1.</param>
    /// <param name="maxInteraction">The most distinct columns in a monomial, 1 to <paramref name="maxDegree"/>.</param>
    /// <param name="include">The least gain for which a monomial is taken.</param>
    /// <param name="maxFails">Rejections in a row that end the selection, ≥ 1.</param>
    /// <param name="seed">Which fifth of the examples is held out.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public ForwardStepwisePolynomial(int maxDegree = 3, int maxInteraction = 2, double include = 0.01, int maxFails = 2, ulong seed = 0)
    {
        _ = new PolynomialFeatures(1, maxDegree, maxInteraction);
        if (include is not (>= 0 and < double.PositiveInfinity))
            throw new ArgumentOutOfRangeException(nameof(include), include, "must be ≥ 0");
        ArgumentOutOfRangeException.ThrowIfLessThan(maxFails, 1);
        (MaxDegree, MaxInteraction, Include, MaxFails, _seed) = (maxDegree, maxInteraction, include, maxFails, seed);
    }

    /// <summary>The highest total degree.</summary>
    public int MaxDegree { get; }

    /// <summary>The most distinct columns in a monomial.</summary>
    public int MaxInteraction { get; }

    /// <summary>The least gain.</summary>
    public double Include { get; }

    /// <summary>Rejections in a row that end the selection.</summary>
    public int MaxFails { get; }

    /// <summary>Adjusted R², or accuracy, of the held-out examples.</summary>
    public double Score { get; private set; }

    /// <summary>Names of the chosen monomials, in the order they were chosen in.</summary>
    /// <exception cref="InvalidOperationException">Nothing was fitted yet.</exception>
    public IReadOnlyList<string> Terms
    {
        get
        {
            var names = Fitted.Names;
            return [.. _terms.Select(t => names[t])];
        }
    }

    /// <summary>The intercept, then a row a chosen monomial, (1 + terms, outputs).</summary>
    /// <exception cref="InvalidOperationException">Nothing was fitted yet.</exception>
    public double[,] Coefficients => _coefficients ?? throw new InvalidOperationException("Nothing was fitted yet");

    private PolynomialFeatures Fitted => _features ?? throw new InvalidOperationException("Nothing was fitted yet");

    /// <summary>Chooses monomials for a regression.</summary>
    /// <param name="x">(n, columns), n ≥ 5.</param>
    /// <param name="y">(n)</param>
    /// <returns>The selection.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, there are too few examples, or a number isn't finite.</exception>
    public ForwardStepwisePolynomial Fit(Tensor x, Tensor y)
    {
        Check(x, y);
        using var scope = NewDisposeScope();
        if (!y.isfinite().all().item<bool>()) throw new ArgumentException("Expected finite numbers", nameof(y));
        return Choose(x, y.to(ScalarType.Float64).unsqueeze(1), AdjustedR2);

        static double AdjustedR2(Tensor prediction, Tensor target, int terms)
        {
            var n = target.shape[0];
            var total = (target - target.mean()).square().sum().item<double>();
            var left = (prediction - target).square().sum().item<double>();
            return n - terms - 1 < 1 || total == 0 ? double.NegativeInfinity : 1 - left / total * (n - 1) / (n - terms - 1);
        }
    }

    /// <summary>Chooses monomials for a classification.</summary>
    /// <param name="x">(n, columns), n ≥ 5.</param>
    /// <param name="labels">(n) of class numbers, int64.</param>
    /// <returns>The selection; its outputs are the classes' scores.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, there are too few examples, or a number isn't finite or is no
    /// class.</exception>
    public ForwardStepwisePolynomial FitClasses(Tensor x, Tensor labels)
    {
        Check(x, labels);
        Kernels.Expect.Type(labels, nameof(labels), ScalarType.Int64);
        using var scope = NewDisposeScope();
        if (labels.min().item<long>() < 0) throw new ArgumentException("Expected class numbers", nameof(labels));
        return Choose(x, nn.functional.one_hot(labels).to(ScalarType.Float64),
            (prediction, target, _) => prediction.argmax(1).eq(target.argmax(1)).to(ScalarType.Float64).mean().item<double>());
    }

    /// <summary>Predictions by the chosen monomials.</summary>
    /// <param name="x">(n, columns)</param>
    /// <returns>(n, outputs), float64.</returns>
    /// <exception cref="InvalidOperationException">Nothing was fitted yet.</exception>
    /// <exception cref="ArgumentException">There aren't as many columns.</exception>
    public Tensor Predict(Tensor x)
    {
        var features = Fitted;
        ArgumentNullException.ThrowIfNull(x);
        Kernels.Expect.Shape(x, nameof(x), -1, features.InFeatures);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return Apply(features.Transform(x.to(ScalarType.Float64)), _terms, tensor(_coefficients!)).MoveToOuterDisposeScope();
    }

    private ForwardStepwisePolynomial Choose(Tensor x, Tensor y, Func<Tensor, Tensor, int, double> score)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var wide = PolynomialRegression.CheckExamples(x);
        var features = new PolynomialFeatures(x.shape[1], MaxDegree, MaxInteraction);
        using var generator = new Generator(_seed);
        var n = x.shape[0];
        var order = randperm(n, generator: generator).to(x.device);
        var train = (int)Math.Round(TrainingShare * n);
        var (monomials, targets) = (features.Transform(wide)[order], y[order]);
        var (fit, held) = (monomials[..train], monomials[train..]);

        var chosen = new List<int>();
        var candidates = Enumerable.Range(0, (int)features.Count).ToList();
        var (best, fails) = (double.NegativeInfinity, 0);
        while (candidates.Count > 0 && fails < MaxFails)
        {
            var (gain, term) = candidates.Select(c => (Value: Worth([.. chosen, c]), Term: c)).MaxBy(c => c.Value);
            candidates.Remove(term);
            // The first is taken whatever it is worth.
            if (chosen.Count > 0 && gain - best < Include)
            {
                fails++;
                continue;
            }
            chosen.Add(term);
            (best, fails) = (gain, 0);
        }

        int[] terms = [.. chosen];
        // Once the terms are found nothing needs to be held out.
        var coefficients = RidgeRegression.Solve(Columns(monomials, terms), targets, 0);
        (_features, _terms, Score) = (features, terms, best);
        _coefficients = (double[,])coefficients.cpu().data<double>().ToNDArray();
        return this;

        double Worth(int[] some)
        {
            using var inner = NewDisposeScope();
            return score(Apply(held, some, RidgeRegression.Solve(Columns(fit, some), targets[..train], 0)), targets[train..], some.Length);
        }
    }

    private static Tensor Columns(Tensor monomials, int[] terms) =>
        monomials.index_select(1, tensor(terms.Select(t => (long)t).ToArray(), device: monomials.device));

    private static Tensor Apply(Tensor monomials, int[] terms, Tensor coefficients)
    {
        var all = coefficients.to(monomials.device);
        return Columns(monomials, terms).matmul(all[1..]) + all[0];
    }

    private static void Check(Tensor x, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        if (x.dim() != 2 || x.shape[0] < 5)
            throw new ArgumentException($"Expected (n ≥ 5, columns), got ({string.Join(", ", x.shape)})", nameof(x));
        Kernels.Expect.Shape(y, nameof(y), x.shape[0]);
    }
}
