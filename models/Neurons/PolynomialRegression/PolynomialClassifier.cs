using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Classification by polynomials: least squares in closed form, or logistic regressions by L-BFGS.</summary>
/// <remarks>Source: Cheng et al. 2018, section 4 (package polyreg: <c>polyFit</c>).</remarks>
public sealed class PolynomialClassifier : PolynomialEstimator
{
    private const int Iterations = 200;

    /// <summary>A classifier with the most used options.</summary>
    /// <param name="degree">The highest total degree, ≥ 1.</param>
    /// <param name="method">How the coefficients are found.</param>
    /// <param name="ridge">λ ≥ 0. Logistic regressions of separable classes have no minimum without.</param>
    /// <param name="standardize">Whether columns are standardised first.</param>
    /// <param name="pca">Principal components to take the monomials of; null: of the columns.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public PolynomialClassifier(int degree = 2, PolynomialClassifierMethod method = PolynomialClassifierMethod.LeastSquares,
        double ridge = 0, bool standardize = true, PcaOption? pca = null)
        : this(new PolynomialOptions { Degree = degree, Ridge = ridge, Standardize = standardize, Pca = pca }, method)
    {
    }

    /// <summary>A classifier.</summary>
    /// <param name="options">How it fits.</param>
    /// <param name="method">How the coefficients are found.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public PolynomialClassifier(PolynomialOptions options, PolynomialClassifierMethod method) : base(options)
    {
        if (!Enum.IsDefined(method)) throw new ArgumentOutOfRangeException(nameof(method), method, "is no method");
        Method = method;
    }

    /// <summary>How the coefficients are found.</summary>
    public PolynomialClassifierMethod Method { get; }

    /// <summary>Classes; 0 before anything was fitted.</summary>
    public int Classes { get; private set; }

    /// <summary>Fits the polynomials.</summary>
    /// <param name="x">(n, columns)</param>
    /// <param name="labels">(n) of class numbers, int64.</param>
    /// <param name="classes">How many classes there are; null: one more than the highest number.</param>
    /// <returns>The classifier.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, there are no examples or fewer than two classes, a number isn't finite or
    /// is no class.</exception>
    public PolynomialClassifier Fit(Tensor x, Tensor labels, int? classes = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(labels);
        Kernels.Expect.Type(labels, nameof(labels), ScalarType.Int64);
        Kernels.Expect.Shape(labels, nameof(labels), x.dim() == 0 ? 0 : x.shape[0]);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var wide = PolynomialRegression.CheckExamples(x);
        var count = classes ?? (int)labels.max().item<long>() + 1;
        if (count < 2 || labels.min().item<long>() < 0 || labels.max().item<long>() >= count)
            throw new ArgumentException($"Expected class numbers 0 to {Math.Max(count, 2) - 1}, got {labels.min().item<long>()} to "
                + $"{labels.max().item<long>()}", nameof(labels));
        var pairs = Pairs(count);
        var model = Options.Create(x, Method == PolynomialClassifierMethod.AllVersusAll ? pairs.Count : count);
        var features = model.Transform(wide);
        var oneHot = nn.functional.one_hot(labels, count).to(ScalarType.Float64);
        var coefficients = Method switch
        {
            PolynomialClassifierMethod.LeastSquares => RidgeRegression.Solve(features, oneHot, Options.Ridge),
            PolynomialClassifierMethod.OneVersusAll => Logistic(features, count, z =>
                nn.functional.binary_cross_entropy_with_logits(z, oneHot, reduction: nn.Reduction.Sum)),
            PolynomialClassifierMethod.Multinomial => Logistic(features, count, z =>
                nn.functional.cross_entropy(z, labels, reduction: nn.Reduction.Sum)),
            _ => Logistic(features, pairs.Count, PairLoss()),
        };
        model.Set(coefficients, x.shape[0]);
        Classes = count;
        Use(model);
        return this;

        // A pair's first class is its target 1, and an example counts where it is of one of the two.
        Func<Tensor, Tensor> PairLoss()
        {
            var first = stack([.. pairs.Select(p => oneHot.select(1, p.First))], 1);
            var second = stack([.. pairs.Select(p => oneHot.select(1, p.Second))], 1);
            return z => nn.functional.binary_cross_entropy_with_logits(z, first, first + second, reduction: nn.Reduction.Sum);
        }
    }

    /// <summary>Each class's score: least squares' output, a probability, or of all pairs the sum of the probabilities it won
    /// with.</summary>
    /// <param name="x">(…, columns)</param>
    /// <returns>(…, classes), float64.</returns>
    /// <exception cref="InvalidOperationException">Nothing was fitted yet.</exception>
    /// <exception cref="ArgumentException">There aren't as many columns.</exception>
    public Tensor Scores(Tensor x)
    {
        using var scope = NewDisposeScope();
        var outputs = Outputs(x);
        return (Method switch
        {
            PolynomialClassifierMethod.LeastSquares => outputs,
            PolynomialClassifierMethod.OneVersusAll => outputs.sigmoid(),
            PolynomialClassifierMethod.Multinomial => outputs.softmax(-1),
            _ => Votes(outputs.sigmoid()),
        }).MoveToOuterDisposeScope();
    }

    /// <summary>The class with the highest score.</summary>
    /// <param name="x">(…, columns)</param>
    /// <returns>(…), int64.</returns>
    /// <exception cref="InvalidOperationException">Nothing was fitted yet.</exception>
    /// <exception cref="ArgumentException">There aren't as many columns.</exception>
    public Tensor Predict(Tensor x)
    {
        using var scores = Scores(x);
        return scores.argmax(-1);
    }

    private Tensor Votes(Tensor probabilities)
    {
        var votes = zeros([.. probabilities.shape[..^1], Classes], ScalarType.Float64, probabilities.device);
        foreach (var (pair, i) in Pairs(Classes).Select((p, i) => (p, i)))
        {
            var won = probabilities.select(-1, i);
            votes.select(-1, pair.First).add_(won);
            votes.select(-1, pair.Second).add_(1 - won);
        }
        return votes;
    }

    private static List<(int First, int Second)> Pairs(int classes) =>
        [.. Enumerable.Range(0, classes).SelectMany(a => Enumerable.Range(a + 1, classes - a - 1).Select(b => (a, b)))];

    // All regressions at once: their losses add up, and none knows of the others' coefficients.
    private Tensor Logistic(Tensor features, long outputs, Func<Tensor, Tensor> loss)
    {
        using var on = enable_grad();
        var n = features.shape[0];
        using var coefficients = new Parameter(zeros(features.shape[1] + 1, outputs, ScalarType.Float64, features.device));
        using var optimizer = new Lbfgs([coefficients], maxIter: Iterations, toleranceGrad: 1e-8, toleranceChange: 1e-12);
        optimizer.step(() =>
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            var beta = coefficients[1..];
            var value = (loss(features.matmul(beta) + coefficients[0]) + Options.Ridge * beta.square().sum()) / n;
            value.backward();
            return value.detach().MoveToOuterDisposeScope();
        });
        return coefficients.detach().clone();
    }
}
