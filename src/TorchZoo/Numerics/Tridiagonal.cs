using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>
/// Tridiagonal systems by elimination without pivoting (Thomas' algorithm): stable where the matrix is diagonally dominant or symmetric
/// positive definite, as those of splines and of implicit time steps are.
/// </summary>
public static unsafe class Tridiagonal
{
    /// <summary>
    /// Solves lower[i − 1] x[i − 1] + diagonal[i] x[i] + upper[i] x[i + 1] = right[i] for many systems at once. Matrices and right-hand sides
    /// broadcast over the leading axes; a single matrix is factored once.
    /// </summary>
    /// <param name="lower">Below the diagonal, (…, n − 1)</param>
    /// <param name="diagonal">(…, n)</param>
    /// <param name="upper">Above the diagonal, (…, n − 1)</param>
    /// <param name="right">Right-hand sides (…, n)</param>
    /// <returns>x (…, n), float64, on right's device; computed on the CPU. Not differentiable.</returns>
    /// <exception cref="ArgumentException">The shapes don't fit, or the numbers aren't real.</exception>
    /// <exception cref="ArithmeticException">A pivot is zero: the matrix is singular or needs pivoting.</exception>
    public static Tensor Solve(Tensor lower, Tensor diagonal, Tensor upper, Tensor right)
    {
        var n = Check(right, nameof(right), null);
        Check(diagonal, nameof(diagonal), n);
        Check(lower, nameof(lower), Math.Max(0, n - 1));
        Check(upper, nameof(upper), Math.Max(0, n - 1));
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var batch = BatchShape(lower, diagonal, upper, right);
        var x = Plain(right, [.. batch, n]);
        if (TensorMemory.Address(x) == TensorMemory.Address(right)) x = x.clone(); // it is solved in place
        if (x.numel() == 0) return x.to(right.device).MoveToOuterDisposeScope();

        var shared = lower.dim() == 1 && diagonal.dim() == 1 && upper.dim() == 1;
        long[] matrices = shared ? [] : batch;
        var (l, d, u) = (Plain(lower, [.. matrices, n - 1]), Plain(diagonal, [.. matrices, n]), Plain(upper, [.. matrices, n - 1]));
        var (ratio, inverse) = (empty(n, dtype: ScalarType.Float64), empty(n, dtype: ScalarType.Float64));
        double* below = Doubles(l), on = Doubles(d), above = Doubles(u), unknowns = Doubles(x);
        double* ratios = Doubles(ratio), inverses = Doubles(inverse);
        var systems = x.numel() / n;
        for (long i = 0; i < systems; i++)
        {
            if (i == 0 || !shared) Factor(below, on, above, ratios, inverses, n);
            Substitute(below, ratios, inverses, unknowns, n);
            unknowns += n;
            if (shared) continue;
            below += n - 1;
            on += n;
            above += n - 1;
        }
        return x.to(right.device).MoveToOuterDisposeScope();
    }

    // The pivots' inverses, and the eliminated matrix's entries above its unit diagonal.
    private static void Factor(double* lower, double* diagonal, double* upper, double* ratio, double* inverse, long n)
    {
        var above = 0.0;
        for (long i = 0; i < n; i++)
        {
            var pivot = i == 0 ? diagonal[0] : diagonal[i] - lower[i - 1] * above;
            if (pivot == 0) throw new ArithmeticException($"Tridiagonal system: the pivot of row {i} is zero.");
            inverse[i] = 1 / pivot;
            if (i < n - 1) ratio[i] = above = upper[i] * inverse[i];
        }
    }

    private static void Substitute(double* lower, double* ratio, double* inverse, double* x, long n)
    {
        var last = x[0] *= inverse[0];
        for (long i = 1; i < n; i++) last = x[i] = (x[i] - lower[i - 1] * last) * inverse[i];
        for (var i = n - 2; i >= 0; i--) last = x[i] -= ratio[i] * last;
    }

    private static long[] BatchShape(Tensor lower, Tensor diagonal, Tensor upper, Tensor right)
    {
        var shape = new List<long>(); // from the last axis to the first
        foreach (var (tensor, name) in new[] { (right, nameof(right)), (diagonal, nameof(diagonal)), (lower, nameof(lower)), (upper, nameof(upper)) })
        {
            for (var axis = 0; axis < tensor.dim() - 1; axis++)
            {
                var size = tensor.shape[tensor.dim() - 2 - axis];
                if (axis == shape.Count) shape.Add(size);
                else if (shape[axis] == 1) shape[axis] = size;
                else if (size != 1 && size != shape[axis])
                    throw new ArgumentException($"Expected leading axes that broadcast to ({string.Join(", ", shape.AsEnumerable().Reverse())}), "
                        + $"got ({string.Join(", ", tensor.shape)}).", name);
            }
        }
        shape.Reverse();
        return [.. shape];
    }

    private static long Check(Tensor tensor, string name, long? length)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (!tensor.is_floating_point()) throw new ArgumentException($"Expected real floating-point numbers, got {tensor.dtype}.", name);
        if (tensor.dim() == 0 || (length is { } expected && tensor.shape[^1] != expected))
            throw new ArgumentException($"Expected (…, {(length is { } n ? n : "n")}), got ({string.Join(", ", tensor.shape)}).", name);
        return tensor.shape[^1];
    }

    private static Tensor Plain(Tensor tensor, long[] shape) => TensorMemory.Plain(tensor.to(ScalarType.Float64).expand(shape));

    private static double* Doubles(Tensor tensor) => (double*)TensorMemory.Pointer(tensor);
}
