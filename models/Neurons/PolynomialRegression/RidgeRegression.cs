using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Least squares with an intercept that isn't penalised, in float64.</summary>
internal static class RidgeRegression
{
    /// <summary>The minimum of ‖F β + b − y‖² + λ‖β‖²; for λ = 0 of all minima the one with the smallest β, the limit of the
    /// others.</summary>
    /// <param name="features">F, (n, T) float64.</param>
    /// <param name="y">(n, out) float64.</param>
    /// <param name="ridge">λ ≥ 0.</param>
    /// <returns>(T + 1, out): b, then β.</returns>
    public static Tensor Solve(Tensor features, Tensor y, double ridge)
    {
        using var scope = NewDisposeScope();
        var (mean, target) = (features.mean([0], keepdim: true), y.mean([0], keepdim: true));
        // Without the means, the intercept is a matter of its own.
        var (f, t) = (features - mean, y - target);
        Tensor beta;
        if (ridge == 0) beta = LeastSquares.Solve(f, t);
        else if (f.shape[0] >= f.shape[1]) beta = Positive(f.t().matmul(f), f.t().matmul(t));
        else beta = f.t().matmul(Positive(f.matmul(f.t()), t));
        return cat([target - mean.matmul(beta), beta], 0).MoveToOuterDisposeScope();

        Tensor Positive(Tensor matrix, Tensor right)
        {
            matrix.diagonal().add_(ridge);
            var (lower, failed) = linalg.cholesky_ex(matrix);
            return failed.item<int>() == 0 ? right.cholesky_solve(lower) : LeastSquares.Solve(matrix, right);
        }
    }
}
