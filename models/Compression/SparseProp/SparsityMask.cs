using static TorchSharp.torch;

namespace TorchZoo.Models.Compression;

/// <summary>Masks of exactly so many entries: true is kept.</summary>
public static class SparsityMask
{
    /// <summary>How many of a number of weights are kept: ⌈(1 − s) n⌉.</summary>
    /// <param name="count">n</param>
    /// <param name="sparsity">s, in [0, 1].</param>
    public static long Kept(long count, double sparsity)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (!(sparsity is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(sparsity), sparsity, "must be in [0, 1]");
        // 0.1 · 10 is more than 1 in binary.
        return (long)Math.Ceiling((1 - sparsity) * count * (1 - 1e-12));
    }

    /// <summary>Entries chosen at random.</summary>
    /// <param name="shape">Shape of the weight.</param>
    /// <param name="sparsity">Share of zeros, in [0, 1].</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    public static Tensor Random(long[] shape, double sparsity, Generator? generator = null)
    {
        ArgumentNullException.ThrowIfNull(shape);
        using var scope = NewDisposeScope();
        var count = shape.Aggregate(1L, (a, b) => a * b);
        var chosen = randperm(count, generator: generator).narrow(0, 0, Kept(count, sparsity));
        return zeros(count, ScalarType.Bool).index_fill_(0, chosen, true).reshape(shape).MoveToOuterDisposeScope();
    }

    /// <summary>The entries of largest magnitude. Of equal ones, those that come first.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="sparsity">Share of zeros, in [0, 1].</param>
    public static Tensor Magnitude(Tensor weight, double sparsity)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return Largest(weight, Kept(weight.numel(), sparsity));
    }

    /// <summary>The entries of largest magnitude, so many of them.</summary>
    internal static Tensor Largest(Tensor values, long count)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        if (count == 0) return zeros_like(values, ScalarType.Bool).MoveToOuterDisposeScope();
        var magnitudes = values.detach().abs().reshape(-1).nan_to_num(double.PositiveInfinity);
        var least = magnitudes.topk((int)count, 0).values.min();
        var mask = magnitudes.gt(least);
        var equal = magnitudes.eq(least).nonzero().squeeze(1).narrow(0, 0, count - mask.sum().item<long>());
        return mask.index_fill_(0, equal, true).reshape(values.shape).MoveToOuterDisposeScope();
    }
}
