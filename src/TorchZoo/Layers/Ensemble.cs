using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Layers;

/// <summary>
/// Many models of one shape in one tensor program, for experiments over many seeds and for ensembles: weights have a member axis in
/// front, and
/// so have inputs. Small models take hardly longer by the dozen than alone.
/// </summary>
public static class Ensemble
{
    /// <summary>The shape of one member's weight with the member axis in front, if there is one.</summary>
    public static long[] Shape(long? members, params ReadOnlySpan<long> shape) => members is { } m ? [m, .. shape] : shape.ToArray();

    /// <summary>Checks an input: (…, features) for a single model, (members, …, features) for an ensemble, of the weights' type.</summary>
    /// <param name="x">The input.</param>
    /// <param name="weight">(out, features), or (members, out, features). 16-bit numbers and float32 count as one type.</param>
    /// <param name="parameter">The input's name.</param>
    /// <exception cref="ArgumentException">The last axis, the first or the type doesn't fit.</exception>
    public static void Check(Tensor x, Tensor weight, string parameter)
    {
        ArgumentNullException.ThrowIfNull(x, parameter);
        var (got, expected) = (x.shape, weight.shape);
        var hasMembers = expected.Length > 2;
        if (got.Length < (hasMembers ? 2 : 1) || got[^1] != expected[^1] || (hasMembers && got[0] != expected[0]))
            throw new ArgumentException(
                $"Expected ({(hasMembers ? $"{expected[0]} members, " : "")}…, {expected[^1]}), got ({string.Join(", ", got)})", parameter);
        if ((x.dtype == ScalarType.Float64) != (weight.dtype == ScalarType.Float64) || !x.is_floating_point())
            throw new ArgumentException($"Expected {weight.dtype}, as the weights are, got {x.dtype}", parameter);
    }

    /// <summary>x Wᵀ.</summary>
    /// <param name="x">(…, in), or (members, …, in).</param>
    /// <param name="weight">(out, in), or (members, out, in).</param>
    /// <returns>(…, out), or (members, …, out).</returns>
    /// <exception cref="ArgumentException">See <see cref="Check"/>.</exception>
    public static Tensor Linear(Tensor x, Tensor weight)
    {
        Check(x, weight, nameof(x));
        if (weight.dim() == 2) return nn.functional.linear(x, weight);
        if (x.dim() == 3) return x.matmul(weight.mT);
        using var scope = NewDisposeScope();
        var (members, outputs, inputs) = (weight.shape[0], weight.shape[1], weight.shape[2]);
        var rows = x.shape[1..^1].Aggregate(1L, (a, b) => a * b);
        return x.reshape(members, rows, inputs).matmul(weight.mT).reshape([.. x.shape[..^1], outputs]).MoveToOuterDisposeScope();
    }

    /// <summary>A weight with axes of size 1 where an input has more axes than it: (members, out, in) → (members, 1, …, out, in), to
    /// be multiplied with an input (members, …, 1, in). The weight of a single model stays as it is.</summary>
    public static Tensor Spread(Tensor weight, Tensor x)
    {
        if (weight.dim() == 2) return weight;
        long[] ones = [.. Enumerable.Repeat(1L, (int)x.dim() - 2)];
        return weight.reshape([weight.shape[0], .. ones, weight.shape[1], weight.shape[2]]);
    }

    /// <summary>Evaluates a layer that loses too much in 16 bits in float32 at least, also where a training casts by itself; the result
    /// is of
    /// the input's type.</summary>
    /// <param name="x">The input.</param>
    /// <param name="layer">From the input in float32 or float64; weights it has to bring to <see cref="Autocast.ToFullPrecision"/>
    /// itself.</param>
    public static Tensor InFullPrecision(Tensor x, Func<Tensor, Tensor> layer)
    {
        using var scope = NewDisposeScope();
        using var off = Autocast.Disable(x.device);
        var wide = Autocast.ToFullPrecision(x);
        var y = layer(wide);
        return (y.dtype == x.dtype ? y : y.to(x.dtype)).MoveToOuterDisposeScope();
    }
}
