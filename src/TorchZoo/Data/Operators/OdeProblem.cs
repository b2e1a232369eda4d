using TorchZoo.Data.FunctionSpaces;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>An initial value problem driven by u: u ↦ s on [0, T], T the length of the space. Random locations are uniform in [0, T].</summary>
public abstract record OdeProblem : OperatorProblem
{
    /// <summary>Points of the output grid, both ends included, ≥ 2.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long GridPoints
    {
        get;
        init => field = Settings.AtLeast(2, value, nameof(GridPoints));
    } = 100;

    /// <summary>Equal steps of the solver, ≥ 1; a cubic spline goes through what they give.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long Steps
    {
        get;
        init => field = Settings.AtLeast(1, value, nameof(Steps));
    } = 1000;

    /// <inheritdoc/>
    protected override long NumbersPerFunction => 2 * Steps + 1;

    /// <summary>Length of a step.</summary>
    protected double StepSize => Space.Length / Steps;

    /// <inheritdoc/>
    public sealed override Tensor Locations() => linspace(0, Space.Length, GridPoints, dtype: ScalarType.Float64).unsqueeze_(1);

    /// <inheritdoc/>
    public sealed override Tensor Solve(Func<Tensor, Tensor> u)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        return Trajectories(u).Evaluate(Locations().squeeze(1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected sealed override (Tensor Y, Tensor S) SolveAtRandom(Func<Tensor, Tensor> u, long points, Generator generator)
    {
        using var scope = NewDisposeScope();
        var trajectories = Trajectories(u);
        var times = RandomRows.Uniform(trajectories.Functions, points, 0, Space.Length, generator);
        return (times.unsqueeze(2).MoveToOuterDisposeScope(), trajectories.Evaluate(times).MoveToOuterDisposeScope());
    }

    /// <summary>Solves for s.</summary>
    /// <param name="u">u at the ends and the middle of every step, (n, 2 Steps + 1)</param>
    /// <returns>s at the ends of the steps, (n, Steps + 1)</returns>
    protected abstract Tensor Integrate(Tensor u);

    /// <summary>Solves s' = f(s, u), s(0) = 0, for a scalar or several components by Runge–Kutta 4.</summary>
    /// <param name="u">(n, 2 Steps + 1)</param>
    /// <param name="components">Components of s.</param>
    /// <param name="derivative">f: states (components, n) and u (n) ↦ (components, n)</param>
    /// <returns>The first component, (n, Steps + 1)</returns>
    protected Tensor RungeKutta(Tensor u, long components, Func<Tensor, Tensor, Tensor> derivative)
    {
        using var scope = NewDisposeScope();
        var inTime = u.t().contiguous();
        var states = RungeKutta4.Solve((t, s) => derivative(s, inTime.select(0, (long)Math.Round(2 * t / StepSize))),
            zeros([components, u.shape[0]], dtype: ScalarType.Float64), 0, Space.Length, Steps);
        return states.select(1, 0).t().MoveToOuterDisposeScope();
    }

    private EquispacedInterpolant Trajectories(Func<Tensor, Tensor> u) =>
        new(Integrate(Values(u, linspace(0, Space.Length, 2 * Steps + 1, dtype: ScalarType.Float64))), 0, Space.Length);
}
