using TorchZoo.Data.FunctionSpaces;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>
/// Advection s_t + a(x) s_x = 0 on [0, 1], in four cases. Lu et al., "DeepONet" (2019), supplement; the functions of case I have length scale
/// 0.5 there.
/// </summary>
/// <remarks>Solved along characteristics, without a grid's error: s is constant on dx/dt = a(x). With the travel time X(x) = ∫₀ˣ dξ/a(ξ), what is
/// at (x, t) was at time 0 where X was X(x) − t; if that is negative it has come in through x = 0. There is no solution for velocities that
/// are not positive everywhere.</remarks>
public sealed record Advection : SpaceTimeProblem
{
    /// <inheritdoc/>
    public override string Name => "advection";

    /// <summary>What the input function sets.</summary>
    /// <exception cref="ArgumentException">Set to none of the cases.</exception>
    public AdvectionCase Case
    {
        get;
        init => field = Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(nameof(Case), value, "Expected a named case.");
    }

    /// <summary>Equal steps of quadrature and Runge–Kutta 4 along characteristics, ≥ 3.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long Steps
    {
        get;
        init => field = Settings.AtLeast(3, value, nameof(Steps));
    } = 500;

    /// <inheritdoc/>
    protected override void CheckSpace(FunctionSpace space)
    {
        if (space.Length != 1) throw new ArgumentException($"Expected functions on [0, 1], got [0, {space.Length}].", nameof(Space));
    }

    /// <inheritdoc/>
    protected override Tensor SolveOnGrid(Func<Tensor, Tensor> u)
    {
        switch (Case)
        {
            case AdvectionCase.PeriodicState:
                return Gridded(Values(u, (Feet() * Math.PI).sin().square()));
            case AdvectionCase.InflowState:
                var feet = Feet();
                var starts = feet.clamp_min(0);
                return Gridded(where(feet >= 0, starts * Values(u, starts), zeros_like(feet)));
            case AdvectionCase.InflowVelocity:
                var (age, origin) = Characteristics(x => Values(u, x) * 0.1 + 1, periodic: false);
                return where(age >= 0, origin.square(), (age * -Math.PI).sin());
            default:
                return (Characteristics(x => (Values(u, x) + Values(u, 1 - x)) * 0.05 + 1, periodic: true).Origin * (2 * Math.PI)).sin();
        }
    }

    private Tensor Gridded(Tensor atLocations) => atLocations.reshape(-1, Times, Nodes);

    // x − t at all grid points.
    private Tensor Feet() => (Xs() - Ts().unsqueeze(1)).flatten();

    // X(x) − t, and the point where X has that value (modulo a period, or 0 for what was outside), each (n, Times, Nodes).
    private (Tensor Age, Tensor Origin) Characteristics(Func<Tensor, Tensor> velocity, bool periodic)
    {
        var a = velocity(linspace(0, 1, 2 * Steps + 1, dtype: ScalarType.Float64));
        a = where((a > 0).all(1, keepdim: true), a, full_like(a, double.NaN));
        var elapsed = Quadrature.CumulativeSimpson(1 / a, 0.5 / Steps);
        var whole = elapsed.narrow(1, Steps, 1);
        // The inverse of X, by its own differential equation in X/X(1).
        var speed = new EquispacedInterpolant(a);
        var inverse = RungeKutta4.Solve((_, x) => speed.Evaluate(x.clamp(0, 1)) * whole, zeros_like(whole), 0, 1, Steps).squeeze(2).t();

        var age = new EquispacedInterpolant(elapsed).Evaluate(Xs()).unsqueeze(1) - Ts().unsqueeze(1);
        var relative = age / whole.unsqueeze(2);
        relative = periodic ? relative - relative.floor() : relative.clamp(0, 1);
        return (age, new EquispacedInterpolant(inverse).Evaluate(relative.flatten(1)).reshape(age.shape));
    }
}
