using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// Shifts and scales data to mean 0 and standard deviation 1. A module with the buffers <c>mean</c> and <c>std</c>, so that checkpoints
/// hold them and devices and types follow the model.
/// </summary>
public sealed class UnitGaussianNormalizer : nn.Module<Tensor, Tensor>
{
    private readonly double _eps;

    /// <summary>An identity, to be filled from a checkpoint.</summary>
    /// <param name="shape">Shape of the buffers, as that of the normalizer that was saved: () for Scalar, (1, channels, 1, …) for
    /// PerChannel, (1, channels, points, …) for PointWise.</param>
    /// <param name="eps">Added to the standard deviation.</param>
    public UnitGaussianNormalizer(ReadOnlySpan<long> shape, double eps = 1e-7) : this(zeros(shape), ones(shape), eps) { }

    private UnitGaussianNormalizer(Tensor mean, Tensor std, double eps) : base(nameof(UnitGaussianNormalizer))
    {
        if (!(eps >= 0) || !double.IsFinite(eps)) throw new ArgumentOutOfRangeException(nameof(eps), eps, "Expected a number ≥ 0.");
        _eps = eps;
        register_buffer("mean", mean);
        register_buffer("std", std);
    }

    /// <summary>Means, of a shape that broadcasts to the data's.</summary>
    public Tensor Mean => get_buffer("mean")!;

    /// <summary>Standard deviations (unbiased), of the same shape.</summary>
    public Tensor Std => get_buffer("std")!;

    /// <summary>Measures the data.</summary>
    /// <param name="data">(samples, channels, points, …); for <see cref="NormalizerAxes.Scalar"/> and
    /// <see cref="NormalizerAxes.PointWise"/> any shape with samples first.</param>
    /// <param name="axes">Which entries share a mean and a deviation.</param>
    /// <param name="eps">Added to the standard deviation.</param>
    /// <exception cref="ArgumentException">The data have the wrong axes or type, or fewer than two entries share a mean.</exception>
    public static UnitGaussianNormalizer Fit(Tensor data, NormalizerAxes axes = NormalizerAxes.Scalar, double eps = 1e-7)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!data.is_floating_point())
            throw new ArgumentException($"Expected real floating-point numbers, got {data.dtype}.", nameof(data));
        var least = axes == NormalizerAxes.PerChannel ? 2 : 1;
        if (data.dim() < least)
            throw new ArgumentException($"Expected at least {least} axes, got ({string.Join(", ", data.shape)}).", nameof(data));
        long[] reduced = axes switch
        {
            NormalizerAxes.Scalar => Enumerable.Range(0, (int)data.dim()).Select(i => (long)i).ToArray(),
            NormalizerAxes.PerChannel => [0, .. Enumerable.Range(2, (int)data.dim() - 2).Select(i => (long)i)],
            NormalizerAxes.PointWise => [0],
            _ => throw new ArgumentOutOfRangeException(nameof(axes), axes, "Expected a named choice."),
        };
        if (data.numel() == 0 || reduced.Aggregate(1L, (count, axis) => count * data.shape[axis]) < 2)
            throw new ArgumentException($"Expected at least two entries for each mean, got ({string.Join(", ", data.shape)}).",
                nameof(data));

        using var off = no_grad();
        using var scope = NewDisposeScope();
        var keep = axes != NormalizerAxes.Scalar;
        // float64: a float32 sum over a large data set loses digits that the deviation needs.
        var wide = data.to(ScalarType.Float64);
        var mean = wide.mean(reduced, keepdim: keep).to(data.dtype);
        var std = wide.std(reduced, unbiased: true, keepdim: keep).to(data.dtype);
        return new UnitGaussianNormalizer(mean.DetachFromDisposeScope(), std.DetachFromDisposeScope(), eps);
    }

    /// <summary>(x − mean)/(std + eps)</summary>
    public Tensor Encode(Tensor x)
    {
        using var scope = NewDisposeScope();
        return ((x - Mean) / (Std + _eps)).MoveToOuterDisposeScope();
    }

    /// <summary>The inverse of <see cref="Encode"/>: x · (std + eps) + mean</summary>
    public Tensor Decode(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (x * (Std + _eps) + Mean).MoveToOuterDisposeScope();
    }

    /// <summary><see cref="Encode"/></summary>
    public override Tensor forward(Tensor x) => Encode(x);
}
