using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Losses;

/// <summary>
/// H¹ distance between functions on regular grids: the L² norm with the first derivatives in it, ‖·‖² + Σ_j ‖∂_j·‖², over the last d axes;
/// every sample and channel has a norm of its own. Derivatives are central differences; at the ends of an axis that is not periodic they
/// are one-sided differences of order 3. Defaults of neuraloperator's <c>H1Loss</c>. Differentiable; real numbers.
/// </summary>
public sealed class H1Loss
{
    private readonly bool[] _periodic;
    private readonly double[] _measure;

    /// <summary>Describes the norm.</summary>
    /// <param name="d">Space dimensions, ≥ 1.</param>
    /// <param name="periodic">Which axes are periodic; null for all.</param>
    /// <param name="reduction">Over samples and channels.</param>
    /// <param name="eps">Added to the denominator of the relative distance.</param>
    /// <param name="measure">Side lengths of the box, one number for all axes or one an axis; null for 1. The grid spacing is
    /// measure/points.</param>
    /// <exception cref="ArgumentException">A number is out of range, or a list has the wrong length.</exception>
    public H1Loss(int d = 1, bool[]? periodic = null, Reduction reduction = Reduction.Sum, double eps = 1e-8, double[]? measure = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(d);
        LossShapes.CheckSettings(reduction, eps);
        if (periodic is not null && periodic.Length != d)
            throw new ArgumentException($"Expected {d} entries, one an axis, got {periodic.Length}.", nameof(periodic));
        (D, Reduction, Eps) = (d, reduction, eps);
        _periodic = periodic ?? Enumerable.Repeat(true, d).ToArray();
        _measure = LossShapes.Measure(d, measure);
    }

    /// <summary>Space dimensions.</summary>
    public int D { get; }

    /// <summary>Reduction over samples and channels.</summary>
    public Reduction Reduction { get; }

    /// <summary>Added to the denominator of the relative distance.</summary>
    public double Eps { get; }

    /// <summary>‖ŷ − y‖_H¹/(‖y‖_H¹ + eps)</summary>
    /// <param name="yHat">Prediction (…, s₁, …, s_d); at least 3 points along a periodic axis, 4 along another.</param>
    /// <param name="y">Truth, of the same shape.</param>
    /// <exception cref="ArgumentException">The shapes differ, have too few axes or points, or the numbers are not real.</exception>
    public Tensor Rel(Tensor yHat, Tensor y)
    {
        Check(yHat, y);
        using var scope = NewDisposeScope();
        return LossShapes.Reduce(Norm(yHat - y) / (Norm(y) + Eps), Reduction).MoveToOuterDisposeScope();
    }

    /// <summary>‖ŷ − y‖_H¹ with the grid's cell as the weight of each point.</summary>
    /// <inheritdoc cref="Rel"/>
    public Tensor Abs(Tensor yHat, Tensor y)
    {
        Check(yHat, y);
        using var scope = NewDisposeScope();
        var cell = LossShapes.Spacing(y, _measure).Aggregate(1.0, (product, h) => product * h);
        return LossShapes.Reduce(Norm(yHat - y) * Math.Sqrt(cell), Reduction).MoveToOuterDisposeScope();
    }

    private void Check(Tensor yHat, Tensor y)
    {
        LossShapes.Check(yHat, y, D);
        if (y.is_complex()) throw new ArgumentException($"Expected real numbers, got {y.dtype}.", nameof(y));
        for (var j = 0; j < D; j++)
        {
            var (points, least) = (y.shape[y.dim() - D + j], _periodic[j] ? 3 : 4);
            if (points < least)
                throw new ArgumentException($"Expected at least {least} points along axis {j - D}, got {points}.", nameof(y));
        }
    }

    private Tensor Norm(Tensor x)
    {
        var spacing = LossShapes.Spacing(x, _measure);
        var parts = new Tensor[D + 1];
        parts[0] = Flat(x);
        for (var j = 0; j < D; j++) parts[j + 1] = Flat(Difference(x, j - D, spacing[j], _periodic[j]));
        return linalg.vector_norm(stack(parts), 2, dims: [0]);
    }

    private Tensor Flat(Tensor x) => linalg.vector_norm(x.flatten(x.dim() - D), 2, dims: [-1]);

    private static Tensor Difference(Tensor x, int axis, double h, bool periodic)
    {
        var n = x.shape[x.dim() + axis];
        if (periodic) return (x.roll(-1, axis) - x.roll(1, axis)) / (2 * h);
        var inner = (x.narrow(axis, 2, n - 2) - x.narrow(axis, 0, n - 2)) / (2 * h);
        Tensor At(long i) => x.narrow(axis, i, 1);
        var left = (-11 * At(0) + 18 * At(1) - 9 * At(2) + 2 * At(3)) / (6 * h);
        var right = (11 * At(n - 1) - 18 * At(n - 2) + 9 * At(n - 3) - 2 * At(n - 4)) / (6 * h);
        return cat([left, inner, right], axis);
    }
}
