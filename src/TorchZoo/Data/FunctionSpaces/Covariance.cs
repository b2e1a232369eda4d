using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>Covariance matrices of Gaussian processes and their factors.</summary>
internal static class Covariance
{
    // What a smooth kernel's matrix lacks in positive definiteness through rounding.
    private const double Jitter = 1e-13;

    /// <summary>k between all points, (q, q).</summary>
    public static Tensor Matrix(Kernel kernel, double lengthScale, double period, Tensor xs)
    {
        using var scope = NewDisposeScope();
        var points = xs.to(ScalarType.Float64);
        var distance = (points.unsqueeze(1) - points.unsqueeze(0)).abs_();
        var exponent = kernel switch
        {
            Kernel.Rbf => distance.square().mul_(-0.5 / (lengthScale * lengthScale)),
            Kernel.Exponential => distance.mul_(-1 / lengthScale),
            _ => distance.mul_(Math.PI / period).sin_().square().mul_(-2 / (lengthScale * lengthScale)),
        };
        return exponent.exp_().MoveToOuterDisposeScope();
    }

    /// <summary>A with K = AAᵀ: the Cholesky factor, or the scaled eigenvectors where K is too close to singular for that.</summary>
    public static Tensor Factor(Tensor covariance)
    {
        using var scope = NewDisposeScope();
        var jittered = covariance + eye(covariance.shape[0], dtype: ScalarType.Float64) * Jitter;
        var (factor, info) = linalg.cholesky_ex(jittered);
        if (info.to(ScalarType.Int64).item<long>() == 0) return factor.MoveToOuterDisposeScope();
        var (values, vectors) = linalg.eigh(covariance);
        return (vectors * values.clamp_min(0).sqrt()).MoveToOuterDisposeScope();
    }
}
