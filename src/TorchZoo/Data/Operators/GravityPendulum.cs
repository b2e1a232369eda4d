using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>Pendulum with an external force: s₁' = s₂, s₂' = −k sin s₁ + u(t), at rest at first; the output is the angle s₁. Lu et al.,
/// "DeepONet" (2019), section 4.2.</summary>
public sealed record GravityPendulum : OdeProblem
{
    /// <inheritdoc/>
    public override string Name => "gravity-pendulum";

    /// <summary>k = gravity / length.</summary>
    /// <exception cref="ArgumentException">Set to a number that is not finite.</exception>
    public double Gravity
    {
        get;
        init => field = Settings.Finite(value, nameof(Gravity));
    } = 1;

    /// <inheritdoc/>
    protected override Tensor Integrate(Tensor u) =>
        RungeKutta(u, 2, (s, force) => stack([s.select(0, 1), force - s.select(0, 0).sin() * Gravity]));
}
