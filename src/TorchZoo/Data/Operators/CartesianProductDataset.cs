using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>Functions whose outputs are all known at the same locations: an example is a function, a batch has all locations.</summary>
public sealed class CartesianProductDataset : IDataset
{
    /// <summary>Makes the dataset; it keeps the tensors, which stay the caller's to dispose of.</summary>
    /// <param name="u">Functions at the sensors (functions, …).</param>
    /// <param name="y">Locations (locations, d).</param>
    /// <param name="target">G(u)(y) (functions, locations[, outputs]).</param>
    /// <exception cref="ArgumentException">The shapes don't fit.</exception>
    public CartesianProductDataset(Tensor u, Tensor y, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(u);
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(target);
        if (u.dim() < 2) throw Unexpected(u, "(functions, sensors)", nameof(u));
        if (y.dim() != 2) throw Unexpected(y, "(locations, d)", nameof(y));
        if (target.dim() is < 2 or > 3 || target.shape[0] != u.shape[0] || target.shape[1] != y.shape[0])
            throw Unexpected(target, $"({u.shape[0]}, {y.shape[0]}[, outputs])", nameof(target));
        (U, Y, Target) = (u, y, target);
    }

    /// <summary>Functions at the sensors (functions, …).</summary>
    public Tensor U { get; }

    /// <summary>Locations (locations, d).</summary>
    public Tensor Y { get; }

    /// <summary>G(u)(y) (functions, locations[, outputs]).</summary>
    public Tensor Target { get; }

    /// <summary>Number of functions.</summary>
    public long Count => U.shape[0];

    /// <summary>The dataset that an <see cref="OperatorProblem"/> on its grid has made.</summary>
    /// <param name="tensors"><c>u</c>, <c>y</c> and <c>s</c></param>
    /// <exception cref="ArgumentException">The shapes don't fit.</exception>
    public static CartesianProductDataset FromGenerated(IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return new(tensors["u"], tensors["y"], tensors["s"]);
    }

    /// <inheritdoc/>
    public Batch Take(Tensor indices)
    {
        ArgumentNullException.ThrowIfNull(indices);
        using var there = indices.to(U.device);
        return new OperatorBatch(U.index_select(0, there), Y.alias(), Target.index_select(0, there));
    }

    /// <summary>Splits by function.</summary>
    /// <param name="functions">Functions of the first part; the others are the second's.</param>
    /// <returns>Two datasets that share this one's values.</returns>
    /// <exception cref="ArgumentException">There are fewer functions.</exception>
    public (CartesianProductDataset First, CartesianProductDataset Second) Split(long functions)
    {
        if (functions < 0 || functions > Count)
            throw new ArgumentOutOfRangeException(nameof(functions), functions, $"Expected 0 to {Count}.");
        CartesianProductDataset Part(long first, long count) => new(U.narrow(0, first, count), Y, Target.narrow(0, first, count));
        return (Part(0, functions), Part(functions, Count - functions));
    }

    /// <summary>The same data as triples, function by function; the locations are written out for each.</summary>
    public TripleDataset ToTriples() => TripleDataset.FromFunctions(U, Y.unsqueeze(0).expand(Count, -1, -1), Target);

    private static ArgumentException Unexpected(Tensor tensor, string expected, string name) =>
        new($"Expected {expected}, got {tensor.dtype} ({string.Join(", ", tensor.shape)}).", name);
}
