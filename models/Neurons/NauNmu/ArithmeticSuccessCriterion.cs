using TorchZoo.Data.Arithmetic;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>When a model counts as having learned an operation itself and not a fit of it, and how sure a rate of successes is.</summary>
/// <remarks>Source: Madsen and Johansen 2020, section 4.1 and appendix.</remarks>
public static class ArithmeticSuccessCriterion
{
    private const int Chunk = 50_000;

    /// <summary>
    /// The mean squared error of a solution whose sums are almost perfect: each weight of the addends is ε less than 1, each other
    /// weight ε off 0,
    /// to the side that is worse, and the operation itself is exact. A model that errs less outside of its training range has succeeded.
    /// </summary>
    /// <param name="task">The task.</param>
    /// <param name="eps">ε &gt; 0.</param>
    /// <param name="range">Where it is tested.</param>
    /// <param name="samples">Examples of the simulation.</param>
    /// <param name="seed">Seed of the simulation.</param>
    /// <exception cref="ArgumentException">A number isn't positive, or the range is empty.</exception>
    public static double Threshold(ArithmeticTask task, double eps, SampleRange range, int samples = 1_000_000, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(eps);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(seed);
        // Sides on which the other weights of both sums may be.
        (int First, int Second)[] sides = [(1, 1), (1, -1), (-1, 1), (-1, -1)];
        var weights = sides.Select(s => stack([Almost(task.First, s.First), Almost(task.Second, s.Second)], 1)).ToArray();
        var totals = new double[sides.Length];
        for (var done = 0; done < samples; done += Chunk)
        {
            using var inner = NewDisposeScope();
            var input = task.Sample(range, generator, Math.Min(Chunk, samples - done)).Input.to(ScalarType.Float64);
            var target = task.Target(input);
            foreach (var (i, w) in weights.Index()) totals[i] += (task.Apply(input.matmul(w)) - target).square().sum().item<double>();
        }
        return totals.Max() / samples;

        Tensor Almost(IReadOnlyList<long> addends, int side)
        {
            var weight = full([task.Inputs], side * eps, ScalarType.Float64);
            foreach (var i in addends) weight[i] = 1 - eps;
            return weight;
        }
    }

    /// <summary>Wilson's interval of 95 % for the rate of successes.</summary>
    /// <param name="successes">How often it succeeded.</param>
    /// <param name="trials">Of how often.</param>
    /// <exception cref="ArgumentException">No trials, or more successes than trials.</exception>
    public static (double Low, double High) Interval(int successes, int trials)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trials);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        const double z = 1.959963984540054;
        var (n, rate) = ((double)trials, successes / (double)trials);
        var middle = (rate + z * z / (2 * n)) / (1 + z * z / n);
        var half = z / (1 + z * z / n) * Math.Sqrt(rate * (1 - rate) / n + z * z / (4 * n * n));
        return (successes == 0 ? 0 : middle - half, successes == trials ? 1 : middle + half);
    }
}
