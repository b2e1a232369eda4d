using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Pde;

/// <summary>
/// Solver of u_t = (k(x) u_x)_x − v(x) u_x + g(u) + f(x, t) on an interval, u = 0 at both ends. Crank–Nicolson in time with one Newton
/// step for g, central differences in space with the mean of k on each cell: errors are O(h² + dt²) where all is smooth.
/// </summary>
public static class AdvectionDiffusionReaction
{
    /// <summary>Solves a batch of problems; every argument may be common to all or differ from function to function.</summary>
    /// <param name="initial">u(·, 0) at the nodes of an equispaced grid with both ends, (nodes) or (n, nodes). Its values at the ends
    /// are taken for 0.</param>
    /// <param name="diffusivity">k ≥ 0 at the nodes; anything that broadcasts to (n, nodes).</param>
    /// <param name="velocity">v at the nodes; anything that broadcasts to (n, nodes).</param>
    /// <param name="length">Length of the interval.</param>
    /// <param name="duration">Last time.</param>
    /// <param name="steps">Equal time steps, ≥ 1.</param>
    /// <param name="reaction">g; null: none.</param>
    /// <param name="source">t ↦ f(·, t) at the nodes, which broadcasts to (n, nodes); null: none.</param>
    /// <returns>u at all times (n, steps + 1, nodes), float64, on the CPU</returns>
    /// <exception cref="ArgumentException">An argument is out of range or has another shape.</exception>
    public static Tensor Solve(Tensor initial, Tensor diffusivity, Tensor velocity, double length, double duration, long steps,
        Reaction? reaction = null, Func<double, Tensor>? source = null)
    {
        BatchedSolver.CheckField(initial, dim: 1, least: 3, nameof(initial));
        if (initial.dim() > 2) throw new ArgumentException($"Expected (nodes) or (n, nodes), got ({string.Join(", ", initial.shape)}).", nameof(initial));
        BatchedSolver.CheckNumber(length, nameof(length));
        BatchedSolver.CheckNumber(duration, nameof(duration));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        initial = (initial.dim() == 1 ? initial.unsqueeze(0) : initial).cpu();
        var (h, dt, nodes, n) = (length / (initial.shape[1] - 1), duration / steps, initial.shape[1], initial.shape[0]);
        Tensor Nodal(Tensor given, string name)
        {
            ArgumentNullException.ThrowIfNull(given, name);
            var (values, last) = (given.cpu().to(ScalarType.Float64), given.dim() == 0 ? 1 : given.shape[^1]);
            if (given.dim() > 2 || (last != 1 && last != nodes) || (given.dim() == 2 && given.shape[0] != 1 && given.shape[0] != n))
                throw new ArgumentException($"Expected a shape that broadcasts to ({n}, {nodes}), got ({string.Join(", ", given.shape)}).", name);
            return values.dim() < 2 ? values.reshape(1, -1).expand(1, nodes) : values.expand(-1, nodes);
        }

        // (J u)[i] = below[i] u[i − 1] − (k[i − ½] + k[i + ½])/h² u[i] + above[i] u[i + 1] at the interior nodes.
        var inside = nodes - 2;
        Tensor Inner(Tensor t) => t.narrow(1, 1, inside);
        var k = Nodal(diffusivity, nameof(diffusivity));
        var faces = (k.narrow(1, 0, nodes - 1) + k.narrow(1, 1, nodes - 1)).mul_(0.5 / (h * h));
        var (left, right) = (faces.narrow(1, 0, inside), faces.narrow(1, 1, inside));
        var drift = Inner(Nodal(velocity, nameof(velocity))) * (0.5 / h);
        var (below, above, centre) = (left + drift, right - drift, -(left + right));
        var implicitBelow = below.narrow(1, 1, inside - 1) * -0.5;
        var implicitAbove = above.narrow(1, 0, inside - 1) * -0.5;

        var states = zeros([n, steps + 1, nodes], dtype: ScalarType.Float64);
        Inner(states.select(1, 0)).copy_(Inner(initial));
        Tensor? Source(double t) => source is null ? null : Inner(Nodal(source(t), nameof(source)));
        for (long i = 0; i < steps; i++)
        {
            using var step = NewDisposeScope();
            var u = states.select(1, i);
            var inner = Inner(u);
            // (1/dt − ½ (J + g')) δ = J u + g + f for the increment δ, with f's mean over the step.
            var diagonal = centre * -0.5 + 1 / dt;
            var change = (below * u.narrow(1, 0, inside)).add_(centre * inner).add_(above * u.narrow(1, 2, inside));
            if (reaction is not null)
            {
                change.add_(reaction.Value(inner));
                diagonal = diagonal - reaction.Derivative(inner) * 0.5;
            }
            if (Source(i * dt) is { } now) change.add_(now, 0.5).add_(Source((i + 1) * dt)!, 0.5);
            Inner(states.select(1, i + 1)).copy_(Tridiagonal.Solve(implicitBelow, diagonal, implicitAbove, change)).add_(inner);
        }
        return states.MoveToOuterDisposeScope();
    }
}
