using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>A function f as a mean of waves, f(z) = Σ_k P_k r_k e^(2πiξ_k z): frequencies ξ_k, how often each is drawn and the complex
/// weight r_k it is drawn with, its Fourier coefficient over P_k.</summary>
/// <remarks>Source: Sehanobish, Choromanski et al. 2023, section 3 (FT/P at sampled frequencies).</remarks>
public sealed class UrfSpectrum
{
    private const double Circle = 2 * Math.PI;
    private readonly double[] _frequencies;
    private readonly double[] _probabilities;
    private readonly System.Numerics.Complex[] _ratios;

    private UrfSpectrum(IReadOnlyList<(double Frequency, System.Numerics.Complex Coefficient)> waves)
    {
        // Drawn in proportion to their size, all waves have weights of one size: no other distribution has less variance.
        var total = waves.Sum(w => w.Coefficient.Magnitude);
        _frequencies = [.. waves.Select(w => w.Frequency)];
        _probabilities = [.. waves.Select(w => w.Coefficient.Magnitude / total)];
        _ratios = [.. waves.Select(w => w.Coefficient / (w.Coefficient.Magnitude / total))];
    }

    /// <summary>cos z: ξ = ±1/2π, of weight 1.</summary>
    public static UrfSpectrum Cosine { get; } = new([(1 / Circle, 0.5), (-1 / Circle, 0.5)]);

    /// <summary>sin z: ξ = ±1/2π, of weights ∓i.</summary>
    public static UrfSpectrum Sine { get; } = new([(1 / Circle, new(0, -0.5)), (-1 / Circle, new(0, 0.5))]);

    /// <summary>The frequencies.</summary>
    public IReadOnlyList<double> Frequencies => _frequencies;

    /// <summary>How often each is drawn; their sum is 1.</summary>
    public IReadOnlyList<double> Probabilities => _probabilities;

    /// <summary>The weight each is drawn with.</summary>
    public IReadOnlyList<System.Numerics.Complex> Ratios => _ratios;

    /// <summary>Any function, by the Fourier series of its part for |z| ≤ n / (2 <paramref name="xiMax"/>), which it goes on with
    /// periodically. A jump there, as functions have that don't fall to the same value on both sides, blurs both ends.</summary>
    /// <param name="f">The function.</param>
    /// <param name="xiMax">The highest frequency, in periods per unit, &gt; 0.</param>
    /// <param name="n">Frequencies besides 0 on either side, ≥ 1, at equal distances.</param>
    /// <exception cref="ArgumentException">A number is out of its range, or the function isn't finite or is 0 everywhere.</exception>
    public static UrfSpectrum FromFunction(Func<double, double> f, double xiMax, int n)
    {
        ArgumentNullException.ThrowIfNull(f);
        if (!(xiMax > 0) || !double.IsFinite(xiMax)) throw new ArgumentOutOfRangeException(nameof(xiMax), xiMax, "must be > 0");
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        var period = n / xiMax;
        var points = 16 * n;
        double[] at = [.. Enumerable.Range(0, points).Select(j => ((j + 0.5) / points - 0.5) * period)];
        double[] values = [.. at.Select(f)];
        if (values.FirstOrDefault(v => !double.IsFinite(v), 0) is var bad && !double.IsFinite(bad))
            throw new ArgumentException(FormattableString.Invariant($"Expected finite values for |z| ≤ {period / 2}, got {bad}"),
                nameof(f));
        var waves = Enumerable.Range(-n, 2 * n + 1).Select(k =>
        {
            var coefficient = System.Numerics.Complex.Zero;
            for (var j = 0; j < points; j++)
                coefficient += values[j] * System.Numerics.Complex.FromPolarCoordinates(1, -Circle * k * at[j] / period);
            return (k / period, coefficient / points);
        }).ToList();
        var largest = waves.Max(w => w.Item2.Magnitude);
        if (largest == 0) throw new ArgumentException("Expected a function that isn't 0 everywhere", nameof(f));
        // What is rounding isn't worth a feature.
        return new([.. waves.Where(w => w.Item2.Magnitude > 1e-14 * largest)]);
    }

    /// <summary>The sum over all waves: what estimates have as their mean.</summary>
    /// <param name="z">Where.</param>
    public double Value(double z) => _frequencies.Select((xi, k) =>
        (_probabilities[k] * _ratios[k] * System.Numerics.Complex.FromPolarCoordinates(1, Circle * xi * z)).Real).Sum();

    /// <summary>Draws frequencies.</summary>
    /// <param name="count">How many.</param>
    /// <param name="generator">Source of the random numbers; null: torch's default.</param>
    /// <returns>(count) each, float64: the frequencies, and their weights' real and imaginary parts.</returns>
    internal (Tensor Xi, Tensor Real, Tensor Imaginary) Draw(long count, Generator? generator)
    {
        using var scope = NewDisposeScope();
        var drawn = multinomial(tensor(_probabilities), count, replacement: true, generator: generator);
        var (real, imaginary) = (tensor(_ratios.Select(r => r.Real).ToArray()), tensor(_ratios.Select(r => r.Imaginary).ToArray()));
        return scope.MoveToOuter(tensor(_frequencies)[drawn], real[drawn], imaginary[drawn]);
    }
}
