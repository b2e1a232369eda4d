namespace TorchZoo.Kernels;

/// <summary>Sizes of a <see cref="SplineSum"/>.</summary>
/// <param name="Samples">Rows of x.</param>
/// <param name="Features">Columns of x.</param>
/// <param name="Knots">G + 2k + 1 of each feature.</param>
/// <param name="Outputs">Sums of each sample.</param>
/// <param name="Order">k</param>
internal readonly record struct SplineSizes(long Samples, long Features, long Knots, long Outputs, int Order)
{
    /// <summary>Basis functions of each feature, G + k.</summary>
    public long Bases => Knots - Order - 1;
}
