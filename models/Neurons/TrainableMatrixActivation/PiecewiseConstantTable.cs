using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Piecewise constant functions: with break points s_1 &lt; … &lt; s_m and values t_0 … t_m, α(s) = t_j where j is the number of break
/// points strictly below s. A break point belongs to the bin at its left.
/// </summary>
/// <remarks>Source: Liu et al. 2021, section 2.</remarks>
public static class PiecewiseConstantTable
{
    /// <summary>α_i(s_i) of each feature i. Differentiable by the values; by s its derivative is 0.</summary>
    /// <param name="values">(features, m + 1), or (1, m + 1) for all of them.</param>
    /// <param name="breaks">(m), or (features, m): increasing.</param>
    /// <param name="s">(…, features, …), of any floating-point type.</param>
    /// <param name="featureDim">The features' axis in s.</param>
    /// <returns>As s, of the values' type.</returns>
    /// <exception cref="ArgumentException">Shapes don't fit each other.</exception>
    public static Tensor Lookup(Tensor values, Tensor breaks, Tensor s, int featureDim = -1)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(breaks);
        ArgumentNullException.ThrowIfNull(s);
        var axis = featureDim < 0 ? featureDim + (int)s.dim() : featureDim;
        if (axis < 0 || axis >= s.dim()) throw new ArgumentException($"Expected an axis {featureDim}, got ({Shape(s)})", nameof(s));
        var features = s.shape[axis];
        if (breaks.dim() is not (1 or 2) || breaks.shape[^1] == 0 || (breaks.dim() == 2 && breaks.shape[0] != features))
            throw new ArgumentException($"Expected (m) or ({features}, m), got ({Shape(breaks)})", nameof(breaks));
        var bins = breaks.shape[^1] + 1;
        if (values.dim() != 2 || values.shape[1] != bins || (values.shape[0] != 1 && values.shape[0] != features))
            throw new ArgumentException($"Expected ({features}, {bins}) or (1, {bins}), got ({Shape(values)})", nameof(values));
        using var scope = NewDisposeScope();
        return At(values, Bins(breaks, s, axis), axis).MoveToOuterDisposeScope();
    }

    /// <summary>The number of break points strictly below each number: int64, as s.</summary>
    internal static Tensor Bins(Tensor breaks, Tensor s, int axis)
    {
        using var scope = NewDisposeScope();
        var data = s.detach();
        breaks = breaks.detach().to(data.dtype);
        if (breaks.dim() == 1) return data.contiguous().bucketize(breaks).MoveToOuterDisposeScope();
        var byFeature = data.movedim([axis], [0]);
        var bins = searchsorted(breaks.contiguous(), byFeature.reshape(breaks.shape[0], -1).contiguous());
        return bins.reshape(byFeature.shape).movedim([0], [axis]).MoveToOuterDisposeScope();
    }

    // One gather from the flat table: a chain of comparisons would pass over all numbers for each break point.
    internal static Tensor At(Tensor values, Tensor bins, int axis)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = (values.shape[0], values.shape[1]);
        if (rows > 1)
        {
            long[] alongAxis = [rows, .. Enumerable.Repeat(1L, (int)bins.dim() - 1 - axis)];
            bins += (arange(rows, device: bins.device) * columns).reshape(alongAxis);
        }
        return values.reshape(-1).index_select(0, bins.reshape(-1)).reshape(bins.shape).MoveToOuterDisposeScope();
    }

    private static string Shape(Tensor tensor) => string.Join(", ", tensor.shape);
}
