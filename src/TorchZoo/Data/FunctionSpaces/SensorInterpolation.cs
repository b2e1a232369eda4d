using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.FunctionSpaces;

/// <summary>
/// How much of a function its values at the sensors leave open: a diagnostic of how many sensors an operator network needs. If κ bounds the
/// error of linear interpolation between the sensors, an ODE's solution is known up to a multiple of κ; for smooth Gaussian processes of
/// length scale l, κ ~ 1/(m l)². Lu et al., "DeepONet" (2019), theorem 2 and section 2.
/// </summary>
public static class SensorInterpolation
{
    /// <summary>The root mean square, over functions, of max_x |u(x) − u_m(x)|, where u_m joins the values at m equispaced sensors by
    /// straight lines.</summary>
    /// <param name="space">Functions of one variable.</param>
    /// <param name="sensors">m ≥ 2, both ends included.</param>
    /// <param name="functions">Functions to draw, ≥ 1.</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <param name="points">Points at which the maximum is taken.</param>
    /// <exception cref="ArgumentException">A number is out of range, or the space has more than one dimension.</exception>
    public static double Error(FunctionSpace space, long sensors, long functions = 1000, long seed = 0, long points = 1001)
    {
        ArgumentNullException.ThrowIfNull(space);
        if (space.Dim != 1) throw new ArgumentException($"Expected functions of one variable, got {space.Dim}.", nameof(space));
        ArgumentOutOfRangeException.ThrowIfLessThan(sensors, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(functions);
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 2);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var features = space.Sample(functions, generator);
        var xs = linspace(0, space.Length, points, dtype: ScalarType.Float64);
        var atSensors = space.Evaluate(features, linspace(0, space.Length, sensors, dtype: ScalarType.Float64));
        using var lines = new EquispacedInterpolant(atSensors, 0, space.Length, Interpolation.Linear);
        var worst = (space.Evaluate(features, xs) - lines.Evaluate(xs)).abs().amax([1]);
        return worst.square().mean().sqrt().item<double>();
    }
}
