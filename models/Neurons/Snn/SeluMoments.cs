using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// What a layer with SELU does to mean and variance, in closed form: its inputs have the mean μ and the variance ν, a unit's weights the
/// sum ω and
/// the sum of squares τ, so its sum is about N(μω, ντ).
/// </summary>
/// <remarks>Source: Klambauer et al. 2017, equations 4 and 5. Products of exponentials and erfc are taken as erfcx, so that neither
/// overflows.</remarks>
public static class SeluMoments
{
    /// <summary>Mean and variance of a layer's activations.</summary>
    /// <param name="mu">μ.</param>
    /// <param name="omega">ω.</param>
    /// <param name="nu">ν &gt; 0.</param>
    /// <param name="tau">τ &gt; 0.</param>
    /// <param name="alpha">α.</param>
    /// <param name="lambda">λ.</param>
    /// <exception cref="ArgumentException">A variance isn't positive, or a number isn't finite.</exception>
    public static (double Mean, double Variance) Map(double mu, double omega, double nu, double tau, double alpha = SeluParameters.Alpha,
        double lambda = SeluParameters.Lambda)
    {
        Check(mu, omega, nu, tau);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var (mean, variance) = Of(tensor(mu * omega), tensor(nu * tau), tensor(alpha), tensor(lambda));
        return (mean.item<double>(), variance.item<double>());
    }

    /// <summary>The same for many values at once; differentiable.</summary>
    /// <param name="mu">μ, float64.</param>
    /// <param name="omega">ω, float64; all four are broadcast.</param>
    /// <param name="nu">ν &gt; 0, float64.</param>
    /// <param name="tau">τ &gt; 0, float64.</param>
    /// <exception cref="ArgumentException">One isn't float64.</exception>
    public static (Tensor Mean, Tensor Variance) Map(Tensor mu, Tensor omega, Tensor nu, Tensor tau)
    {
        foreach (var (value, name) in new[] { (mu, nameof(mu)), (omega, nameof(omega)), (nu, nameof(nu)), (tau, nameof(tau)) })
        {
            ArgumentNullException.ThrowIfNull(value, name);
            Kernels.Expect.Type(value, name, ScalarType.Float64);
        }
        using var scope = NewDisposeScope();
        var (mean, variance) = Of(mu * omega, nu * tau, tensor(SeluParameters.Alpha), tensor(SeluParameters.Lambda));
        return (mean.MoveToOuterDisposeScope(), variance.MoveToOuterDisposeScope());
    }

    /// <summary>Mean and variance after each of some layers.</summary>
    /// <param name="mu">μ before the first.</param>
    /// <param name="nu">ν &gt; 0 before the first.</param>
    /// <param name="steps">Layers.</param>
    /// <param name="omega">ω of each.</param>
    /// <param name="tau">τ of each, &gt; 0.</param>
    /// <returns>As many pairs as layers.</returns>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public static IReadOnlyList<(double Mean, double Variance)> Iterate(double mu, double nu, int steps, double omega = 0, double tau = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        var result = new List<(double Mean, double Variance)>(steps);
        for (var i = 0; i < steps; i++)
        {
            (mu, nu) = Map(mu, omega, nu, tau);
            result.Add((mu, nu));
        }
        return result;
    }

    /// <summary>The derivatives of the new mean and variance by the old ones.</summary>
    /// <param name="mu">μ.</param>
    /// <param name="nu">ν &gt; 0.</param>
    /// <param name="omega">ω.</param>
    /// <param name="tau">τ &gt; 0.</param>
    /// <returns>2×2: rows new mean and variance, columns by the old mean and variance. Below 1 in its spectral radius, the fixed point
    /// attracts.</returns>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public static double[,] Jacobian(double mu, double nu, double omega = 1, double tau = 1)
    {
        Check(mu, omega, nu, tau);
        using var scope = NewDisposeScope();
        using var on = enable_grad();
        Tensor m = tensor(mu).requires_grad_(), v = tensor(nu).requires_grad_();
        var (mean, variance) = Of(m * omega, v * tau, tensor(SeluParameters.Alpha), tensor(SeluParameters.Lambda));
        var byMean = autograd.grad([mean], [m, v], retain_graph: true);
        var byVariance = autograd.grad([variance], [m, v]);
        return new[,]
        {
            { byMean[0].item<double>(), byMean[1].item<double>() }, { byVariance[0].item<double>(), byVariance[1].item<double>() },
        };
    }

    /// <summary>Mean and variance of SELU of N(m, v).</summary>
    internal static (Tensor Mean, Tensor Variance) Of(Tensor m, Tensor v, Tensor alpha, Tensor lambda)
    {
        using var scope = NewDisposeScope();
        var s = v.sqrt();
        var u = m / (Math.Sqrt(2) * s);
        var density = (-u.square()).exp();
        var (error, upper) = (special.erf(u), special.erfc(u));
        var first = ExpErfc((m + v) / (Math.Sqrt(2) * s), m + v / 2, density);
        var second = ExpErfc((m + 2 * v) / (Math.Sqrt(2) * s), 2 * (m + v), density);
        var tail = Math.Sqrt(2 / Math.PI) * s * density;
        var mean = lambda / 2 * (m * error + alpha * (first - upper) + tail + m);
        var square = lambda.square() / 2 * ((m.square() + v) * (2 - upper) + alpha.square() * (second - 2 * first + upper) + m * tail);
        return (mean.MoveToOuterDisposeScope(), (square - mean.square()).MoveToOuterDisposeScope());
    }

    // e^exponent erfc(z), where exponent − z² = −m²/2v: by erfcx where z isn't negative. Each branch sees only what it is for, as the
    // gradient of an infinity that isn't taken would be NaN.
    private static Tensor ExpErfc(Tensor z, Tensor exponent, Tensor density)
    {
        var positive = z >= 0;
        var zero = zeros_like(z);
        return where(positive, density * ErrorFunctions.Erfcx(where(positive, z, zero)),
            where(positive, zero, exponent).exp() * special.erfc(where(positive, zero, z)));
    }

    private static void Check(double mu, double omega, double nu, double tau)
    {
        Finite(mu, nameof(mu));
        Finite(omega, nameof(omega));
        Positive(nu, nameof(nu));
        Positive(tau, nameof(tau));

        static void Finite(double value, string name)
        {
            if (!double.IsFinite(value)) throw new ArgumentException($"Expected a finite number, got {value}", name);
        }

        static void Positive(double value, string name)
        {
            if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentException($"Expected a positive number, got {value}", name);
        }
    }
}
