using System.Diagnostics;

namespace TorchZoo.Benchmarks;

/// <summary>
/// Times actions against each other: interleaved, so that a machine that slows down slows all of them, and the median of several rounds,
/// so that one disturbance counts for nothing.
/// </summary>
/// <param name="Rounds">Rounds after the warm-up.</param>
internal sealed record Stopwatches(int Rounds)
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(0.7);

    private Machine? _oneThread, _machine;

    /// <summary>What one thread can do.</summary>
    public Machine OneThread => _oneThread ??= Machine.Measure(1, Rounds);

    /// <summary>What all threads can do.</summary>
    public Machine AllThreads => _machine ??= Machine.Measure(TorchSharp.torch.get_num_threads(), Rounds);

    /// <summary>Seconds of one call of each action: the median over rounds; in a round each action runs for at least ~50 ms.</summary>
    public double[] Time(params Action[] actions) => [.. Rounded(actions).Select(Median)];

    /// <summary>The same, but the best of the rounds.</summary>
    public double[] Best(params Action[] actions) => [.. Rounded(actions).Select(times => times.Min())];

    private double[][] Rounded(Action[] actions)
    {
        var repeats = actions.Select(Calibrate).ToArray();
        var times = actions.Select(_ => new double[Rounds]).ToArray();
        for (var round = 0; round < Rounds; round++)
            for (var i = 0; i < actions.Length; i++)
                times[i][round] = Once(actions[i], repeats[i]) / repeats[i];
        return times;
    }

    // Long enough for the just-in-time compiler to have replaced its first, slow code by the time that rounds begin.
    private static int Calibrate(Action action)
    {
        action();
        var seconds = 0.0;
        for (var clock = Stopwatch.StartNew(); seconds == 0 || clock.Elapsed < WarmUp;) seconds = Math.Max(1e-7, Once(action, 1));
        return (int)Math.Clamp(0.05 / seconds, 1, 100_000);
    }

    private static double Once(Action action, int repeats)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < repeats; i++) action();
        return clock.Elapsed.TotalSeconds;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        var middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}
