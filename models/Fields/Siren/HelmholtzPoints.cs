using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>
/// Where a Helmholtz problem is trained: in each step fresh points, uniform in [−1, 1]², the last of them near the source. They follow from
/// the seed and the step's number alone, so that a run which stopped and goes on sees those that it would have seen.
/// </summary>
/// <remarks>Source: Sitzmann et al. 2020, supplement 4, with the numbers of the reference implementation.</remarks>
public sealed record HelmholtzPoints
{
    /// <summary>Points in a step.</summary>
    public long Count { get; init; } = 230 * 230;

    /// <summary>How many of them lie near each source, within five standard deviations.</summary>
    public long NearSource { get; init; } = 100;

    /// <summary>Centres of the sources.</summary>
    public IReadOnlyList<(double X, double Y)> Sources { get; init; } = [(0, 0)];

    /// <summary>Variance of the sources.</summary>
    public double Variance { get; init; } = 1e-4;

    /// <summary>Seed of the points.</summary>
    public ulong Seed { get; init; }

    /// <summary>The points of a step.</summary>
    /// <param name="step">Its number, ≥ 0.</param>
    /// <returns>(count, 2), float32, on the CPU</returns>
    /// <exception cref="ArgumentException">A number is out of range, or there are more points near the sources than in all.</exception>
    public Tensor Draw(long step)
    {
        Require.NotNegative(step, nameof(step));
        Require.Positive(Count, nameof(Count));
        Require.NotNegative(NearSource, nameof(NearSource));
        Require.Positive(Variance, nameof(Variance));
        var uniform = Count - NearSource * Sources.Count;
        if (uniform < 1)
            throw new ArgumentException($"Expected fewer than {Count} points near the sources, got {Count - uniform}", nameof(NearSource));
        using var scope = NewDisposeScope();
        using var generator = StepSeed.Generator(Seed, step);
        var radius = 5 * Math.Sqrt(Variance);
        return cat([
            FieldCoordinates.Uniform(uniform, 2, generator),
            .. Sources.Select(s => FieldCoordinates.Disc(NearSource, s.X, s.Y, radius, generator)),
        ]).MoveToOuterDisposeScope();
    }
}
