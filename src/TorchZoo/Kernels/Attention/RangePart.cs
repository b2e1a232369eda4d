using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Attention;

/// <summary>Groups of which no two have a query or a key in common: they are computed side by side.</summary>
public sealed class RangePart
{
    // Once a device: plans are used again and again.
    private readonly ConcurrentDictionary<int, CudaRangeAttention.Lists> _onDevices = new();

    /// <summary>A part.</summary>
    /// <param name="groups">The groups.</param>
    /// <exception cref="ArgumentException">A position is a query, or a key, twice, or is negative.</exception>
    public RangePart(IReadOnlyList<RangeGroup> groups)
    {
        ArgumentNullException.ThrowIfNull(groups);
        Groups = groups.Count;
        Queries = [.. groups.SelectMany(g => g.Queries)];
        Keys = [.. groups.SelectMany(g => g.Keys)];
        Low = [.. groups.SelectMany(g => g.Low)];
        High = [.. groups.SelectMany(g => g.High)];
        QueryStarts = Starts(groups.Select(g => g.Queries.Length));
        KeyStarts = Starts(groups.Select(g => g.Keys.Length));
        Length = Math.Max(Check(Queries, "a query"), Check(Keys, "a key"));
        for (var t = 0; t < Queries.Length; t++) PairCount += High[t] - Low[t];

        static int[] Starts(IEnumerable<int> counts)
        {
            var sum = 0;
            return [0, .. counts.Select(count => sum += count)];
        }

        int Check(int[] positions, string what)
        {
            var seen = new HashSet<int>();
            foreach (var position in positions)
                if (position < 0 || !seen.Add(position))
                    throw new ArgumentException($"expected positions from 0, each {what} once, got {position}", nameof(groups));
            return positions.Length == 0 ? 0 : positions.Max() + 1;
        }
    }

    /// <summary>Pairs of a query and a key.</summary>
    public long PairCount { get; }

    internal int Groups { get; }

    // The groups' lists one behind the other. Ends of ranges count from the group's first key.
    internal int[] Queries { get; }

    internal int[] Keys { get; }

    internal int[] Low { get; }

    internal int[] High { get; }

    // Where each group's lists begin, and behind the last.
    internal int[] QueryStarts { get; }

    internal int[] KeyStarts { get; }

    internal int Length { get; }

    /// <summary>The lists on a GPU, which stay there as long as this.</summary>
    internal CudaRangeAttention.Lists On(Device device) => _onDevices.GetOrAdd(device.index,
        _ => CudaRangeAttention.Lists.Of(this, list => tensor(list, device: device).DetachFromDisposeScope()));
}
