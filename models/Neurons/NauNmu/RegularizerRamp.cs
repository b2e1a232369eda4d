namespace TorchZoo.Models.Neurons;

/// <summary>The sparsity loss's weight by the step: 0 first, so that weights find their side of ½, then rising evenly, then constant:
/// λ(t) = λ clip((t − start)/(end − start), 0, 1).</summary>
/// <remarks>Source: Madsen and Johansen 2020, section 2.2 and appendix.</remarks>
public sealed class RegularizerRamp
{
    /// <summary>A ramp.</summary>
    /// <param name="lambda">λ ≥ 0, the weight in the end.</param>
    /// <param name="start">Step ≥ 0 at which the weight begins to rise.</param>
    /// <param name="end">Step from which on it is λ.</param>
    /// <exception cref="ArgumentException">A number is negative, or end ≤ start.</exception>
    public RegularizerRamp(double lambda, long start, long end)
    {
        if (!(lambda >= 0) || !double.IsFinite(lambda)) throw new ArgumentOutOfRangeException(nameof(lambda), lambda,
            "must not be negative");
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        if (end <= start) throw new ArgumentException($"Expected an end after {start}, got {end}", nameof(end));
        (Lambda, Start, End) = (lambda, start, end);
    }

    /// <summary>The paper's for products of sums: λ = 10, from step 10⁶ to 2·10⁶.</summary>
    public static RegularizerRamp Multiplication { get; } = new(10, 1_000_000, 2_000_000);

    /// <summary>The paper's for sums and differences: λ = 0.01, from step 5000 to 50 000.</summary>
    public static RegularizerRamp Addition { get; } = new(0.01, 5000, 50_000);

    /// <summary>The weight in the end.</summary>
    public double Lambda { get; }

    /// <summary>Step at which the weight begins to rise.</summary>
    public long Start { get; }

    /// <summary>Step from which on it is <see cref="Lambda"/>.</summary>
    public long End { get; }

    /// <summary>λ(t).</summary>
    public double At(long step) => Lambda * Math.Clamp((step - Start) / (double)(End - Start), 0, 1);
}
