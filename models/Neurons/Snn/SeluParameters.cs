using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The two constants of SELU, and those of its relatives with other fixed points.</summary>
/// <remarks>Source: Klambauer et al. 2017, equation 14 and appendix.</remarks>
public static class SeluParameters
{
    /// <summary>α, with mean 0 and variance 1 as fixed point.</summary>
    public const double Alpha = 1.6732632423543772848170429916717;

    /// <summary>λ, the slope above 0.</summary>
    public const double Lambda = 1.0507009873554804934193349852946;

    /// <summary>−λα, what SELU gives for −∞.</summary>
    public const double Saturation = -Lambda * Alpha;

    private const int MaximumIterations = 100;
    private const double Tolerance = 1e-12;

    /// <summary>α and λ for which a layer whose units' weights have the sum 0 and the sum of squares 1 keeps a mean and a
    /// variance.</summary>
    /// <param name="fixedMean">The mean.</param>
    /// <param name="fixedVariance">The variance, &gt; 0.</param>
    /// <exception cref="ArgumentException">The variance isn't positive, or a number isn't finite.</exception>
    /// <exception cref="NotConvergedException">Newton's method found none from (1.5, 1).</exception>
    public static (double Alpha, double Lambda) Solve(double fixedMean = 0, double fixedVariance = 1)
    {
        if (!double.IsFinite(fixedMean)) throw new ArgumentException($"Expected a finite mean, got {fixedMean}", nameof(fixedMean));
        if (!(fixedVariance > 0) || !double.IsFinite(fixedVariance))
            throw new ArgumentException($"Expected a positive variance, got {fixedVariance}", nameof(fixedVariance));
        var (alpha, lambda) = (1.5, 1.0);
        var residual = double.PositiveInfinity;
        for (var i = 0; i < MaximumIterations; i++)
        {
            using var scope = NewDisposeScope();
            using var on = enable_grad();
            Tensor a = tensor(alpha).requires_grad_(), l = tensor(lambda).requires_grad_();
            var (mean, variance) = SeluMoments.Of(zeros(1, ScalarType.Float64), tensor(new[] { fixedVariance }), a, l);
            var (f, g) = (mean.item<double>() - fixedMean, variance.item<double>() - fixedVariance);
            residual = Math.Max(Math.Abs(f), Math.Abs(g));
            if (residual <= Tolerance) return (alpha, lambda);
            var byMean = autograd.grad([mean.sum()], [a, l], retain_graph: true);
            var byVariance = autograd.grad([variance.sum()], [a, l]);
            double fa = byMean[0].item<double>(), fl = byMean[1].item<double>(), ga = byVariance[0].item<double>(),
                gl = byVariance[1].item<double>();
            var determinant = fa * gl - fl * ga;
            (alpha, lambda) = (alpha - (f * gl - g * fl) / determinant, lambda - (g * fa - f * ga) / determinant);
            if (!double.IsFinite(alpha) || !double.IsFinite(lambda)) break;
        }
        throw new NotConvergedException(
            $"No α and λ were found that keep the mean {fixedMean} and the variance {fixedVariance}.", MaximumIterations, residual);
    }
}
