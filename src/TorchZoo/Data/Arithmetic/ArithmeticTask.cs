using static TorchSharp.torch;

namespace TorchZoo.Data.Arithmetic;

/// <summary>
/// The static arithmetic task, by which units that calculate are compared: of the numbers x₀ … x_{n−1} some sum up to a, some to b, and the
/// target is an operation of both. A model learns it on one range of numbers and is tested on another, where a fit that isn't the
/// operation itself fails.
/// </summary>
/// <remarks>Source: Trask et al. 2018 (arXiv 1808.00508), section 4.1; blocks as in Madsen and Johansen 2020 (arXiv 2001.05016),
/// section 4.1.</remarks>
public sealed class ArithmeticTask
{
    private readonly Tensor _selection;

    /// <summary>A task with given addends.</summary>
    /// <param name="operation">What is done with both sums.</param>
    /// <param name="inputs">n, the numbers in an example.</param>
    /// <param name="first">Which of them sum up to a.</param>
    /// <param name="second">Which of them sum up to b; may overlap with the others. Operations of a alone ignore it.</param>
    /// <exception cref="ArgumentException">No numbers, no addends, one twice, or one that isn't in 0 … n − 1.</exception>
    public ArithmeticTask(ArithmeticOperation operation, long inputs, IReadOnlyList<long> first, IReadOnlyList<long> second)
    {
        if (!Enum.IsDefined(operation)) throw new ArgumentOutOfRangeException(nameof(operation), operation, "is no operation");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        Check(first, inputs, nameof(first));
        Check(second, inputs, nameof(second));
        (Operation, Inputs, First, Second) = (operation, inputs, [.. first], [.. second]);
        using var scope = NewDisposeScope();
        var selection = zeros([inputs, 2], ScalarType.Float64);
        foreach (var i in First) selection[i, 0] = 1;
        foreach (var i in Second) selection[i, 1] = 1;
        _selection = selection.DetachFromDisposeScope();
    }

    /// <summary>A task whose addends are two blocks of neighbours at a random place.</summary>
    /// <param name="operation">What is done with both sums.</param>
    /// <param name="inputs">n, the numbers in an example.</param>
    /// <param name="subsetRatio">Share of them in a block.</param>
    /// <param name="overlapRatio">Share of a block that is in the other, too.</param>
    /// <param name="seed">Seed of the place.</param>
    /// <exception cref="ArgumentException">A share isn't in [0, 1], a block would be empty, or both don't fit.</exception>
    public static ArithmeticTask Create(ArithmeticOperation operation, long inputs = 100, double subsetRatio = 0.25,
        double overlapRatio = 0.5, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        if (overlapRatio is not (>= 0 and <= 1))
            throw new ArgumentException($"Expected a share in [0, 1], got {overlapRatio}", nameof(overlapRatio));
        var block = subsetRatio is >= 0 and <= 1 ? (long)(subsetRatio * inputs) : 0;
        if (block == 0) throw new ArgumentException($"Expected a share in (0, 1] that is a number at least, got {subsetRatio}",
            nameof(subsetRatio));
        var overlap = (long)(overlapRatio * block);
        var places = inputs - (2 * block - overlap) + 1;
        if (places < 1)
            throw new ArgumentException($"Two blocks of {block} that share {overlap} don't fit into {inputs} numbers", nameof(subsetRatio));
        var start = new Random(unchecked((int)Seed.Derive(seed, 0))).NextInt64(places);
        return new(operation, inputs, Block(start), Block(start + block - overlap));

        long[] Block(long from) => [.. Enumerable.Range(0, (int)block).Select(i => from + i)];
    }

    /// <summary>What is done with both sums.</summary>
    public ArithmeticOperation Operation { get; }

    /// <summary>n, the numbers in an example.</summary>
    public long Inputs { get; }

    /// <summary>Which of the numbers sum up to a.</summary>
    public IReadOnlyList<long> First { get; }

    /// <summary>Which of the numbers sum up to b.</summary>
    public IReadOnlyList<long> Second { get; }

    /// <summary>What a model should make of examples.</summary>
    /// <param name="x">(…, n)</param>
    /// <returns>(…, 1), of the same type.</returns>
    /// <exception cref="ArgumentException">The last axis isn't n.</exception>
    public Tensor Target(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Inputs)
            throw new ArgumentException($"Expected (…, {Inputs}), got ({string.Join(", ", x.shape)})", nameof(x));
        using var scope = NewDisposeScope();
        return Apply(x.matmul(_selection.to(x.dtype, x.device))).MoveToOuterDisposeScope();
    }

    /// <summary>The operation itself.</summary>
    /// <param name="sums">(…, 2): a and b.</param>
    /// <returns>(…, 1)</returns>
    /// <exception cref="ArgumentException">The last axis isn't 2.</exception>
    public Tensor Apply(Tensor sums)
    {
        ArgumentNullException.ThrowIfNull(sums);
        if (sums.dim() == 0 || sums.shape[^1] != 2)
            throw new ArgumentException($"Expected (…, 2), got ({string.Join(", ", sums.shape)})", nameof(sums));
        using var scope = NewDisposeScope();
        var (a, b) = (sums.narrow(-1, 0, 1), sums.narrow(-1, 1, 1));
        return (Operation switch
        {
            ArithmeticOperation.Add => a + b,
            ArithmeticOperation.Subtract => a - b,
            ArithmeticOperation.Multiply => a * b,
            ArithmeticOperation.Divide => a / b,
            ArithmeticOperation.Square => a.square(),
            _ => a.sqrt(),
        }).MoveToOuterDisposeScope();
    }

    /// <summary>Random examples and their targets.</summary>
    /// <param name="range">Where the numbers are drawn from.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <param name="shape">How many: (size), or (members, size) for an ensemble.</param>
    /// <returns>float32: (…, n) and (…, 1).</returns>
    /// <exception cref="ArgumentException">The range is empty.</exception>
    public Pairs Sample(SampleRange range, Generator? generator, params ReadOnlySpan<long> shape)
    {
        range.Validate(nameof(range));
        using var scope = NewDisposeScope();
        var x = empty([.. shape, Inputs]).uniform_(range.Low, range.High, generator);
        if (range.BothSigns) x *= 2 * randint(2, [.. shape, Inputs], generator: generator) - 1;
        return new(x.MoveToOuterDisposeScope(), Target(x).MoveToOuterDisposeScope());
    }

    private static void Check(IReadOnlyList<long> addends, long inputs, string parameter)
    {
        ArgumentNullException.ThrowIfNull(addends, parameter);
        if (addends.Count == 0 || addends.Distinct().Count() != addends.Count || addends.Any(i => i < 0 || i >= inputs))
            throw new ArgumentException(
                $"Expected different numbers in 0 … {inputs - 1}, one at least, got {string.Join(", ", addends)}", parameter);
    }
}
