using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The numbers behind <see cref="NacInit"/>.</summary>
/// <remarks>Source: Madsen and Johansen 2020 (arXiv 2001.05016), appendix on the moments of NAC.</remarks>
public static class NacInitialization
{
    private const double LargestRadius = 10;

    /// <summary>Variance of tanh(Ŵ) σ(M̂) where both are uniform within ± r: E tanh² · E σ², as its mean is 0.</summary>
    /// <param name="radius">r &gt; 0.</param>
    /// <exception cref="ArgumentException">r isn't positive.</exception>
    public static double WeightVariance(double radius)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(radius);
        return (1 - Math.Tanh(radius) / radius) * (radius - Math.Tanh(radius / 2)) / (2 * radius);
    }

    /// <summary>r at which the weights' variance is 2/(in + out), as Glorot's; the sum counts as 5 at least, for no r gives more than
    /// 2/4.</summary>
    /// <param name="inFeatures">Numbers in.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <exception cref="ArgumentException">A number isn't positive.</exception>
    public static double StableRadius(long inFeatures, long outFeatures)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        var wanted = 2.0 / Math.Max(inFeatures + outFeatures, 5);
        // The variance grows with r.
        var (low, high) = (0.0, LargestRadius);
        for (var middle = high / 2; low < middle && middle < high; middle = (low + high) / 2)
            (low, high) = WeightVariance(middle) < wanted ? (middle, high) : (low, middle);
        return high;
    }

    internal static double Radius(NacInit init, long inFeatures, long outFeatures) => init switch
    {
        NacInit.Kaiming => Math.Sqrt(6.0 / inFeatures),
        NacInit.Stable => StableRadius(inFeatures, outFeatures),
        _ => throw new ArgumentOutOfRangeException(nameof(init), init, "is no initialisation"),
    };

    // G stays on the sigmoid's steep part.
    internal static double GateRadius(NacInit init, long inFeatures, long outFeatures) =>
        init == NacInit.Stable ? Math.Sqrt(6.0 / (inFeatures + outFeatures)) : 1 / Math.Sqrt(inFeatures);

    internal static TorchSharp.Modules.Parameter Uniform(double radius, Generator? generator, long[] shape) =>
        new(empty(shape).uniform_(-radius, radius, generator));
}
