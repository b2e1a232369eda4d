using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>
/// Where a wave problem is trained: in each step fresh points (t, x, y), uniform in [0, T·share] × [−1, 1]², where the share grows with the
/// run; some of them at t = 0, half of these near the bump. They follow from the seed and the step's number alone, so that a run which
/// stopped and goes on sees those that it would have seen.
/// </summary>
/// <remarks>Early times are learned before late ones, which follow from them. Source: Sitzmann et al. 2020, supplement 5, with the numbers
/// of the reference implementation.</remarks>
public sealed record WavePoints
{
    /// <summary>Points in a step.</summary>
    public long Count { get; init; } = 340 * 340;

    /// <summary>How many of them are at t = 0 anywhere, and how many more at t = 0 within five standard deviations of the
    /// bump.</summary>
    public long AtStart { get; init; } = 100;

    /// <summary>T, the latest time.</summary>
    public double Duration { get; init; } = 0.4;

    /// <summary>Centre of the bump.</summary>
    public (double X, double Y) Source { get; init; }

    /// <summary>Variance of the bump.</summary>
    public double Variance { get; init; } = 5e-4;

    /// <summary>Seed of the points.</summary>
    public ulong Seed { get; init; }

    /// <summary>The points of a step.</summary>
    /// <param name="step">Its number, ≥ 0.</param>
    /// <param name="share">How much of the duration they cover, in [0, 1].</param>
    /// <returns>(count, 3): t, x, y; and (count, 1): true where t = 0 is meant, which are the last 2 <see cref="AtStart"/>. On the CPU. The
    /// caller disposes of them.</returns>
    /// <exception cref="ArgumentException">A number is out of range, or there are more points at the start than in all.</exception>
    public (Tensor Coords, Tensor AtStart) Draw(long step, double share)
    {
        Require.NotNegative(step, nameof(step));
        if (!(share is >= 0 and <= 1)) throw new ArgumentException($"Expected a share in [0, 1], got {share}", nameof(share));
        Require.Positive(Count, nameof(Count));
        Require.NotNegative(AtStart, nameof(AtStart));
        Require.Positive(Duration, nameof(Duration));
        Require.Positive(Variance, nameof(Variance));
        var later = Count - 2 * AtStart;
        if (later < 0) throw new ArgumentException($"Expected at most {Count / 2} points at the start, got {AtStart}", nameof(AtStart));
        using var scope = NewDisposeScope();
        using var generator = StepSeed.Generator(Seed, step);
        var times = cat([rand([later, 1], generator: generator) * (Duration * share), zeros(2 * AtStart, 1)]);
        var places = cat([
            FieldCoordinates.Uniform(Count - AtStart, 2, generator),
            FieldCoordinates.Disc(AtStart, Source.X, Source.Y, 5 * Math.Sqrt(Variance), generator),
        ]);
        return (cat([times, places], 1).MoveToOuterDisposeScope(),
            (arange(Count).unsqueeze(1) >= later).MoveToOuterDisposeScope());
    }
}
