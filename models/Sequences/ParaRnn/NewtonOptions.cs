using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>How <see cref="ParallelRecurrenceSolver"/> iterates, and when it has enough.</summary>
public sealed record NewtonOptions
{
    /// <summary>Iterations before the first test, at least 1; with <see cref="NonConvergence.Ignore"/> that many are done.</summary>
    public int Iterations { get; init; } = 3;

    /// <summary>Iterations after which it gives up.</summary>
    public int MaxIterations { get; init; } = 8;

    /// <summary>Largest |f(h_{t−1}, x_t) − h_t| of a series that is solved; null: 10⁻⁴ in float32, 10⁻⁹ in float64. What the test's own
    /// Newton step changes is added, so that errors are far smaller than this.</summary>
    public double? Tolerance { get; init; }

    /// <summary>ω: how much of a step is taken, in (0, 2). Below 1 convergence is linear, and doesn't get safer.</summary>
    public double Omega { get; init; } = 1;

    /// <summary>What is done about series that aren't solved.</summary>
    public NonConvergence OnNonConvergence { get; init; }

    internal double ToleranceOf(ScalarType type) => Tolerance ?? (type == ScalarType.Float64 ? 1e-9 : 1e-4);

    internal NewtonOptions Checked()
    {
        if (Iterations < 1) throw new ArgumentException($"expected at least 1 iteration, got {Iterations}", nameof(Iterations));
        if (MaxIterations < Iterations && OnNonConvergence != NonConvergence.Ignore)
            throw new ArgumentException($"expected at least the {Iterations} before the first test, got {MaxIterations}",
                nameof(MaxIterations));
        if (Tolerance is { } tolerance && !(tolerance >= 0)) throw new ArgumentException($"expected a tolerance ≥ 0, got {tolerance}",
            nameof(Tolerance));
        if (!(Omega > 0 && Omega < 2)) throw new ArgumentException($"expected ω in (0, 2), got {Omega}", nameof(Omega));
        if (!Enum.IsDefined(OnNonConvergence)) throw new ArgumentException($"unknown choice {OnNonConvergence}", nameof(OnNonConvergence));
        return this;
    }
}
