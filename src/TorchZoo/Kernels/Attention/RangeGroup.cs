namespace TorchZoo.Kernels.Attention;

/// <summary>
/// Queries that share a list of keys, of which each sees a contiguous range: query t sees the keys numbered
/// <c>low[t]</c> ≤ u &lt; <c>high[t]</c>. Along the queries neither end of the range moves back.
/// </summary>
/// <remarks>That is a band, a triangle, a rectangle or a staircase, and with the right lists much else: the positions of one residue class
/// are a triangle, as are those of one chunk.</remarks>
public sealed class RangeGroup
{
    /// <summary>A group.</summary>
    /// <param name="queries">Positions of the queries in the sequence, each once.</param>
    /// <param name="keys">Positions of the keys in the sequence, each once.</param>
    /// <param name="low">Number of each query's first key; never decreases.</param>
    /// <param name="high">Behind its last one; never decreases, and is no less than <paramref name="low"/>.</param>
    /// <exception cref="ArgumentException">Something isn't as described.</exception>
    public RangeGroup(IReadOnlyList<int> queries, IReadOnlyList<int> keys, IReadOnlyList<int> low, IReadOnlyList<int> high)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(low);
        ArgumentNullException.ThrowIfNull(high);
        if (low.Count != queries.Count)
            throw new ArgumentException($"expected an end for each of {queries.Count} queries, got {low.Count}", nameof(low));
        if (high.Count != queries.Count)
            throw new ArgumentException($"expected an end for each of {queries.Count} queries, got {high.Count}", nameof(high));
        for (var t = 0; t < queries.Count; t++)
        {
            if (low[t] < (t > 0 ? low[t - 1] : 0))
                throw new ArgumentException($"expected no end below 0 or below the one before, got {low[t]} for query {t}", nameof(low));
            if (high[t] < low[t] || high[t] > keys.Count || t > 0 && high[t] < high[t - 1])
                throw new ArgumentException($"expected an end from {Math.Max(low[t], t > 0 ? high[t - 1] : 0)} to {keys.Count}, got "
                    + $"{high[t]} for query {t}", nameof(high));
        }
        (Queries, Keys, Low, High) = ([.. queries], [.. keys], [.. low], [.. high]);
    }

    internal int[] Queries { get; }

    internal int[] Keys { get; }

    internal int[] Low { get; }

    internal int[] High { get; }

    /// <summary>Each query sees the keys up to its own number: the lower triangle, with or without the diagonal.</summary>
    /// <param name="positions">Positions of the queries, which are the keys as well.</param>
    /// <param name="diagonal">Whether a query sees itself.</param>
    public static RangeGroup Triangle(IReadOnlyList<int> positions, bool diagonal = true)
    {
        ArgumentNullException.ThrowIfNull(positions);
        return new(positions, positions, new int[positions.Count], [.. Enumerable.Range(diagonal ? 1 : 0, positions.Count)]);
    }

    /// <summary>Each query sees itself and those before it, as many as fit a window.</summary>
    /// <param name="positions">Positions of the queries, which are the keys as well.</param>
    /// <param name="window">Keys that a query sees at most, itself counted.</param>
    public static RangeGroup Band(IReadOnlyList<int> positions, int window)
    {
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(window);
        return new(positions, positions, [.. Enumerable.Range(0, positions.Count).Select(t => Math.Max(0, t - window + 1))],
            [.. Enumerable.Range(1, positions.Count)]);
    }
}
