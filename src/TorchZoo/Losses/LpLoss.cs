using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Losses;

/// <summary>
/// L^p distance between functions on regular grids, taken over the last d axes; every sample and channel has a norm of its own.
/// Defaults of neuraloperator's <c>LpLoss</c>. Differentiable, with gradient 0 where the two are equal; real or complex.
/// </summary>
public sealed class LpLoss
{
    private readonly double[] _measure;

    /// <summary>Describes the norm.</summary>
    /// <param name="d">Space dimensions, ≥ 1.</param>
    /// <param name="p">Exponent ≥ 1.</param>
    /// <param name="reduction">Over samples and channels.</param>
    /// <param name="eps">Added to the denominator of the relative distance.</param>
    /// <param name="measure">Side lengths of the box, one number for all axes or one an axis; null for 1. Only <see cref="Abs"/> uses
    /// them.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public LpLoss(int d = 1, int p = 2, Reduction reduction = Reduction.Sum, double eps = 1e-8, double[]? measure = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(d);
        ArgumentOutOfRangeException.ThrowIfLessThan(p, 1);
        LossShapes.CheckSettings(reduction, eps);
        (D, P, Reduction, Eps) = (d, p, reduction, eps);
        _measure = LossShapes.Measure(d, measure);
    }

    /// <summary>Space dimensions.</summary>
    public int D { get; }

    /// <summary>Exponent.</summary>
    public int P { get; }

    /// <summary>Reduction over samples and channels.</summary>
    public Reduction Reduction { get; }

    /// <summary>Added to the denominator of the relative distance.</summary>
    public double Eps { get; }

    /// <summary>‖ŷ − y‖_p/(‖y‖_p + eps)</summary>
    /// <param name="yHat">Prediction (…, s₁, …, s_d).</param>
    /// <param name="y">Truth, of the same shape.</param>
    /// <exception cref="ArgumentException">The shapes differ, have fewer than d axes, or the numbers are integers.</exception>
    public Tensor Rel(Tensor yHat, Tensor y)
    {
        LossShapes.Check(yHat, y, D);
        using var scope = NewDisposeScope();
        return LossShapes.Reduce(Norm(yHat - y) / (Norm(y) + Eps), Reduction).MoveToOuterDisposeScope();
    }

    /// <summary>(Π_j measure_j/s_j · Σ |ŷ − y|^p)^{1/p}, which tends to the integral's norm as the grid is refined.</summary>
    /// <inheritdoc cref="Rel"/>
    public Tensor Abs(Tensor yHat, Tensor y)
    {
        LossShapes.Check(yHat, y, D);
        using var scope = NewDisposeScope();
        var cell = LossShapes.Spacing(y, _measure).Aggregate(1.0, (product, h) => product * h);
        return LossShapes.Reduce(Norm(yHat - y) * Math.Pow(cell, 1.0 / P), Reduction).MoveToOuterDisposeScope();
    }

    // vector_norm has gradient 0 at 0, where the root of a sum has NaN.
    private Tensor Norm(Tensor x) => linalg.vector_norm(x.flatten(x.dim() - D), P, dims: [-1]);
}
