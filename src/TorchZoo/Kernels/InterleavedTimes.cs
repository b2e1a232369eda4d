using System.Diagnostics;
using TorchSharp;

namespace TorchZoo.Kernels;

/// <summary>Times of actions that take their turns: what slows the machine down for a while slows all of them. For choosing between forms of
/// a computation.</summary>
public static class InterleavedTimes
{
    /// <summary>Milliseconds of one call of each, the median of some rounds after a warm-up.</summary>
    /// <param name="rounds">Rounds, in each of which all take their turn; at least 1.</param>
    /// <param name="actions">What is timed.</param>
    /// <param name="cancellation">Ends the work early.</param>
    public static double[] Measure(int rounds, IReadOnlyList<Action> actions, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rounds);
        ArgumentNullException.ThrowIfNull(actions);
        foreach (var action in actions) action();
        var times = actions.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round < rounds; round++)
            foreach (var (i, action) in actions.Index())
            {
                cancellation.ThrowIfCancellationRequested();
                var clock = Stopwatch.StartNew();
                action();
                times[i].Add(clock.Elapsed.TotalMilliseconds);
            }
        return [.. times.Select(t => t.Order().ElementAt(rounds / 2))];
    }

    /// <summary>The same with one thread.</summary>
    /// <inheritdoc cref="Measure"/>
    public static double[] OnOneThread(int rounds, IReadOnlyList<Action> actions, CancellationToken cancellation = default)
    {
        var threads = torch.get_num_threads();
        try
        {
            torch.set_num_threads(1);
            return Measure(rounds, actions, cancellation);
        }
        finally { torch.set_num_threads(threads); }
    }
}
