using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Regression by a polynomial, in closed form.</summary>
/// <remarks>Source: Cheng et al. 2018, section 4.</remarks>
public sealed class PolynomialRegressor : PolynomialEstimator
{
    /// <summary>A regression with the most used options.</summary>
    /// <param name="degree">The highest total degree, ≥ 1.</param>
    /// <param name="ridge">λ ≥ 0; 0: least squares, of least norm where it isn't unique.</param>
    /// <param name="standardize">Whether columns are standardised first.</param>
    /// <param name="pca">Principal components to take the monomials of; null: of the columns.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public PolynomialRegressor(int degree = 2, double ridge = 0, bool standardize = true, PcaOption? pca = null)
        : this(new PolynomialOptions { Degree = degree, Ridge = ridge, Standardize = standardize, Pca = pca })
    {
    }

    /// <summary>A regression.</summary>
    /// <param name="options">How it fits.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public PolynomialRegressor(PolynomialOptions options) : base(options)
    {
    }

    /// <summary>Fits the polynomial.</summary>
    /// <param name="x">(n, columns)</param>
    /// <param name="y">(n, outputs), or (n) of a single one.</param>
    /// <returns>The regression.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, there are no examples, or a number isn't finite.</exception>
    public PolynomialRegressor Fit(Tensor x, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(y);
        if (y.dim() is not (1 or 2)) throw new ArgumentException($"Expected (n) or (n, outputs), got ({string.Join(", ", y.shape)})",
            nameof(y));
        var model = Options.Create(x, y.dim() == 1 ? 1 : y.shape[1]);
        Use(model.Fit(x, y, Options.Ridge, Options.Standardize));
        return this;
    }

    /// <summary>Predictions.</summary>
    /// <param name="x">(…, columns)</param>
    /// <returns>(…, outputs), float64.</returns>
    /// <exception cref="InvalidOperationException">Nothing was fitted yet.</exception>
    /// <exception cref="ArgumentException">There aren't as many columns.</exception>
    public Tensor Predict(Tensor x) => Outputs(x);
}
