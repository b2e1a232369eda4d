using static TorchSharp.torch;

namespace TorchZoo.Numerics;

/// <summary>The classical Runge–Kutta method of fourth order with equal steps.</summary>
public static class RungeKutta4
{
    /// <summary>Solves y' = f(t, y).</summary>
    /// <param name="derivative">f; it is asked at the ends and the middle of each step.</param>
    /// <param name="initial">y(start), of any shape: a batch of problems is solved at once.</param>
    /// <param name="start">First time.</param>
    /// <param name="end">Last time; it may be before the first.</param>
    /// <param name="steps">Equal steps, ≥ 1.</param>
    /// <returns>y at the ends of all steps, (steps + 1, …), float64. Not differentiable.</returns>
    /// <exception cref="ArgumentException">A time is not finite, or there is no step.</exception>
    public static Tensor Solve(Func<double, Tensor, Tensor> derivative, Tensor initial, double start, double end, long steps)
    {
        ArgumentNullException.ThrowIfNull(derivative);
        ArgumentNullException.ThrowIfNull(initial);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        if (!double.IsFinite(start)) throw new ArgumentOutOfRangeException(nameof(start), start, "Expected a finite number.");
        if (!double.IsFinite(end)) throw new ArgumentOutOfRangeException(nameof(end), end, "Expected a finite number.");

        using var off = no_grad();
        using var scope = NewDisposeScope();
        var h = (end - start) / steps;
        var states = empty([steps + 1, .. initial.shape], dtype: ScalarType.Float64, device: initial.device);
        states.select(0, 0).copy_(initial);
        for (long i = 0; i < steps; i++)
        {
            using var step = NewDisposeScope();
            var (t, y) = (start + i * h, states.select(0, i));
            var k1 = derivative(t, y);
            var k2 = derivative(t + h / 2, y.add(k1, h / 2));
            var k3 = derivative(t + h / 2, y.add(k2, h / 2));
            var k4 = derivative(t + h, y.add(k3, h));
            states.select(0, i + 1).copy_(y).add_(k1, h / 6).add_(k2, h / 3).add_(k3, h / 3).add_(k4, h / 6);
        }
        return states.MoveToOuterDisposeScope();
    }
}
