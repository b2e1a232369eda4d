using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Batch normalisation as the theory has it: vectors along an axis get one length, x ← √n · x / ‖x‖, without mean reduction by default,
/// without ε, parameters or running averages. A vector of zeros stays one. The same in training and in evaluation.
/// </summary>
/// <remarks>Source: Meterez et al. 2023, section 2.</remarks>
public sealed class RowNormalization : Module<Tensor, Tensor>
{
    /// <summary>Normalisation along an axis.</summary>
    /// <param name="dim">The axis; 0: batch normalisation of (n, features), −1: layer normalisation.</param>
    /// <param name="meanReduction">Whether the mean along the axis is subtracted before.</param>
    /// <param name="factor">The length; null: √n, with which the mean square is 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The factor isn't a positive number.</exception>
    public RowNormalization(int dim = 0, bool meanReduction = false, double? factor = null) : base(nameof(RowNormalization))
    {
        CheckFactor(factor);
        (Dim, MeanReduction, Factor) = (dim, meanReduction, factor);
    }

    /// <summary>The axis.</summary>
    public int Dim { get; }

    /// <summary>Whether the mean is subtracted.</summary>
    public bool MeanReduction { get; }

    /// <summary>The length; null: √n.</summary>
    public double? Factor { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x has no such axis, or a single number along it.</exception>
    public override Tensor forward(Tensor x) => Normalize(x, Dim, MeanReduction, Factor);

    /// <summary>Normalises vectors.</summary>
    /// <param name="x">Of any shape.</param>
    /// <param name="dim">The vectors' axis.</param>
    /// <param name="meanReduction">Whether their mean is subtracted before.</param>
    /// <param name="factor">Their length afterwards; null: √n.</param>
    /// <returns>Of x's shape.</returns>
    /// <exception cref="ArgumentException">x has no such axis or a single number along it, or the factor isn't positive.</exception>
    public static Tensor Normalize(Tensor x, int dim = 0, bool meanReduction = false, double? factor = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        CheckFactor(factor);
        if (dim < -x.dim() || dim >= x.dim())
            throw new ArgumentException($"Expected an axis {dim}, got ({string.Join(", ", x.shape)})", nameof(x));
        var n = x.shape[dim < 0 ? dim + x.dim() : dim];
        if (n < 2) throw new ArgumentException($"Expected two numbers at least along axis {dim}, got ({string.Join(", ", x.shape)})",
            nameof(x));
        using var scope = NewDisposeScope();
        if (meanReduction) x = x - x.mean([dim], keepdim: true);
        var length = linalg.vector_norm(x, 2, [dim], keepdim: true);
        return (x * ((factor ?? Math.Sqrt(n)) / length.masked_fill(length == 0, 1))).MoveToOuterDisposeScope();
    }

    private static void CheckFactor(double? factor)
    {
        if (factor is not (null or (> 0 and < double.PositiveInfinity)))
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "must be > 0");
    }
}
