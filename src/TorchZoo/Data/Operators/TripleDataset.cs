using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>
/// Triples (u, y, G(u)(y)) of an operator, scattered as they come. A function is kept once, however many triples it is part of; batches
/// gather its row.
/// </summary>
public sealed class TripleDataset : IDataset
{
    /// <summary>Makes the dataset; it keeps the tensors, which stay the caller's to dispose of.</summary>
    /// <param name="u">Functions at the sensors (functions, sensors).</param>
    /// <param name="function">Which function each triple is of, int64 (triples) on u's device.</param>
    /// <param name="y">Locations (triples, d).</param>
    /// <param name="target">G(u)(y) (triples, outputs).</param>
    /// <exception cref="ArgumentException">The shapes don't fit, or a number is none of a function.</exception>
    public TripleDataset(Tensor u, Tensor function, Tensor y, Tensor target)
    {
        foreach (var (tensor, name) in new[] { (u, nameof(u)), (function, nameof(function)), (y, nameof(y)), (target, nameof(target)) })
            ArgumentNullException.ThrowIfNull(tensor, name);
        if (u.dim() < 2) throw Unexpected(u, "(functions, sensors)", nameof(u));
        if (function.dtype != ScalarType.Int64 || function.dim() != 1) throw Unexpected(function, "int64 (triples)", nameof(function));
        var triples = function.shape[0];
        if (y.dim() != 2 || y.shape[0] != triples) throw Unexpected(y, $"({triples}, d)", nameof(y));
        if (target.dim() != 2 || target.shape[0] != triples) throw Unexpected(target, $"({triples}, outputs)", nameof(target));
        using (NewDisposeScope())
            if (triples > 0 && (function.min().item<long>() < 0 || function.max().item<long>() >= u.shape[0]))
                throw new ArgumentException($"Expected numbers of functions from 0 to {u.shape[0] - 1}, got {function.min().item<long>()} to "
                    + $"{function.max().item<long>()}.", nameof(function));
        (U, Function, Y, Target) = (u, function, y, target);
    }

    /// <summary>Functions at the sensors (functions, sensors).</summary>
    public Tensor U { get; }

    /// <summary>Which function each triple is of (triples).</summary>
    public Tensor Function { get; }

    /// <summary>Locations (triples, d).</summary>
    public Tensor Y { get; }

    /// <summary>G(u)(y) (triples, outputs).</summary>
    public Tensor Target { get; }

    /// <summary>Number of functions.</summary>
    public long Functions => U.shape[0];

    /// <summary>Number of triples.</summary>
    public long Count => Y.shape[0];

    /// <summary>The same number of triples from each function, function by function.</summary>
    /// <param name="u">Functions at the sensors (functions, sensors).</param>
    /// <param name="y">Each function's locations (functions, points, d).</param>
    /// <param name="target">G(u)(y) (functions, points[, outputs]).</param>
    /// <returns>A dataset of functions × points triples. Its tensors belong to the caller, or to the dispose scope that is open.</returns>
    /// <exception cref="ArgumentException">The shapes don't fit.</exception>
    public static TripleDataset FromFunctions(Tensor u, Tensor y, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(u);
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(target);
        if (u.dim() < 2) throw Unexpected(u, "(functions, sensors)", nameof(u));
        if (y.dim() != 3 || y.shape[0] != u.shape[0]) throw Unexpected(y, $"({u.shape[0]}, points, d)", nameof(y));
        if (target.dim() is < 2 or > 3 || target.shape[0] != y.shape[0] || target.shape[1] != y.shape[1])
            throw Unexpected(target, $"({y.shape[0]}, {y.shape[1]}[, outputs])", nameof(target));
        var function = arange(y.shape[0], dtype: ScalarType.Int64, device: u.device).repeat_interleave(y.shape[1]);
        return new(u, function, y.flatten(0, 1), target.dim() == 2 ? target.reshape(-1, 1) : target.flatten(0, 1));
    }

    /// <summary>The dataset that an <see cref="OperatorProblem"/> with points of each function's own has made.</summary>
    /// <param name="tensors"><c>u</c>, <c>y</c> and <c>s</c></param>
    /// <inheritdoc cref="FromFunctions"/>
    public static TripleDataset FromGenerated(IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return FromFunctions(tensors["u"], tensors["y"], tensors["s"]);
    }

    /// <inheritdoc/>
    public Batch Take(Tensor indices)
    {
        ArgumentNullException.ThrowIfNull(indices);
        using var there = indices.to(Y.device);
        using var rows = Function.index_select(0, there);
        return new OperatorBatch(U.index_select(0, rows), Y.index_select(0, there), Target.index_select(0, there));
    }

    /// <summary>
    /// Splits by function: triples of one function tell about each other and must not be on both sides.
    /// </summary>
    /// <param name="functions">Functions of the first part; the others are the second's.</param>
    /// <returns>Two datasets; the functions' values are shared with this one. Their tensors belong to the caller, or to the dispose scope
    /// that is open.</returns>
    /// <exception cref="ArgumentException">There are fewer functions.</exception>
    public (TripleDataset First, TripleDataset Second) Split(long functions)
    {
        if (functions < 0 || functions > Functions)
            throw new ArgumentOutOfRangeException(nameof(functions), functions, $"Expected 0 to {Functions}.");
        TripleDataset Part(Tensor belongs, long first, long count)
        {
            using var mine = belongs;
            using var triples = mine.nonzero().select(1, 0);
            return new(U.narrow(0, first, count), Function.index_select(0, triples) - first, Y.index_select(0, triples), Target.index_select(0, triples));
        }
        return (Part(Function < functions, 0, functions), Part(Function >= functions, functions, Functions - functions));
    }

    private static ArgumentException Unexpected(Tensor tensor, string expected, string name) =>
        new($"Expected {expected}, got {tensor.dtype} ({string.Join(", ", tensor.shape)}).", name);
}
