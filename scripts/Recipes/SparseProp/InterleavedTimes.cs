using System.Diagnostics;
using TorchSharp;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Times of actions that take their turns: what slows the machine down for a while slows all of them.</summary>
internal static class InterleavedTimes
{
    /// <summary>Milliseconds of one call of each, the median of some rounds after a warm-up.</summary>
    public static double[] Measure(int rounds, IReadOnlyList<Action> actions, CancellationToken cancellation)
    {
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
    public static double[] OnOneThread(int rounds, IReadOnlyList<Action> actions, CancellationToken cancellation)
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
