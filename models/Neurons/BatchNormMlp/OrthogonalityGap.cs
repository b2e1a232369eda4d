using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The distance of the examples' Gram matrix from that of orthogonal ones: ‖X Xᵀ / ‖X‖²_F − I/n‖_F.</summary>
/// <remarks>Source: Daneshmand, Joudaki, Bach 2021; Meterez et al. 2023 compare with it.</remarks>
public static class OrthogonalityGap
{
    /// <summary>The gap of a matrix's rows, in float64 on the CPU.</summary>
    /// <param name="x">(n, d), an example a row.</param>
    /// <returns>In [0, √(1 − 1/n)]: 0 for orthogonal rows of one length, most for rows on one line.</returns>
    /// <exception cref="ArgumentException">x is no matrix with elements, has numbers that aren't finite, or is 0.</exception>
    public static double Of(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var wide = IsometryGap.Matrix(x);
        var length = wide.norm().item<double>();
        if (length == 0) throw new ArgumentException("Expected a matrix that isn't 0", nameof(x));
        wide = wide / length;
        return (wide.matmul(wide.t()) - eye(wide.shape[0], dtype: ScalarType.Float64) / wide.shape[0]).norm().item<double>();
    }
}
