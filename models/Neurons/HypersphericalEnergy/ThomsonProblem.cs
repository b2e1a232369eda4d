using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Charges on a sphere that come to rest: the arrangements of least energy, to compare a layer's energy with.</summary>
/// <remarks>Thomson's problem (s = 1 on the sphere in three dimensions), Tammes' and others; Liu et al. 2018, section 3.</remarks>
public static class ThomsonProblem
{
    /// <summary>Looks for the least sum of the energies of all pairs, from several random arrangements, by L-BFGS in float64. No proof
    /// that there is no lower one.</summary>
    /// <param name="n">Points, ≥ 2.</param>
    /// <param name="dim">Dimensions of the space around the sphere, ≥ 2.</param>
    /// <param name="s">How the energy falls with the distance.</param>
    /// <param name="restarts">Random arrangements to begin with, ≥ 1.</param>
    /// <param name="seed">Seed of the random numbers.</param>
    /// <param name="space">Whether points or lines repel each other; of lines the four pairs of ends are all counted.</param>
    /// <returns>The energy, and the points (n, dim) of length 1, which the caller disposes of.</returns>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public static (double Energy, Tensor Points) Minimize(int n, int dim, EnergyPower s, int restarts, int seed,
        EnergySpace space = EnergySpace.Full)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(dim, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(restarts, 1);
        HypersphericalEnergy.Check(s, space, EnergyMetric.Euclidean);
        var pairs = n * (n - 1.0) / 2 * (space == EnergySpace.Half ? 4 : 1);
        using var scope = NewDisposeScope();
        using var generator = new Generator(unchecked((ulong)seed));
        (double Energy, Tensor Points)? best = null;
        for (var i = 0; i < restarts; i++)
        {
            using var points = new Parameter(randn([n, dim], ScalarType.Float64, generator: generator));
            Tensor Energy() => HypersphericalEnergy.Of(points, s, space);
            using var optimizer = new Lbfgs([points], maxIter: 1000, toleranceGrad: 1e-9, toleranceChange: 1e-13, historySize: 20);
            optimizer.step(() =>
            {
                optimizer.zero_grad();
                var energy = Energy();
                energy.backward();
                return energy;
            });
            using var off = no_grad();
            var sum = pairs * Energy().item<double>();
            if (!(sum >= best?.Energy)) best = (sum, points / points.norm(1, keepdim: true));
        }
        return (best!.Value.Energy, best.Value.Points.MoveToOuterDisposeScope());
    }
}
