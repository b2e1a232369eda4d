using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace TorchZoo.Checkpoints;

/// <summary>
/// Goes through many bytes with a few threads: one copies out of the page cache, and computes checksums, at a fraction of what memory can
/// do.
/// </summary>
internal static class ParallelWork
{
    // Below this, starting threads takes longer than the work.
    private const long WorthThreads = 32L << 20;
    private const int MaxThreads = 4;

    /// <summary>Does something for each item, in order of their beginnings.</summary>
    /// <param name="items">The items.</param>
    /// <param name="bytes">How many they are in all.</param>
    /// <param name="action">What to do; its first exception comes out.</param>
    public static void ForEach<T>(List<T> items, long bytes, Action<T> action)
    {
        if (bytes < WorthThreads)
        {
            items.ForEach(action);
            return;
        }
        var options = new ParallelOptions { MaxDegreeOfParallelism = Math.Min(MaxThreads, Environment.ProcessorCount) };
        try { Parallel.ForEach(Partitioner.Create(items, EnumerablePartitionerOptions.NoBuffering), options, action); }
        catch (AggregateException e) { ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); }
    }
}
