using TorchZoo.Data.Pde;
using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>
/// Diffusion and reaction with a source that does not depend on time: s_t = D s_xx + k s² + u(x), s = 0 at first and at both ends. Lu et
/// al., "DeepONet" (2019), section 4.3.
/// </summary>
public sealed record DiffusionReaction : SpaceTimeProblem
{
    /// <inheritdoc/>
    public override string Name => "diffusion-reaction";

    /// <summary>Diffusivity D ≥ 0.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public double Diffusivity
    {
        get;
        init => field = Settings.NotNegative(value, nameof(Diffusivity));
    } = 0.01;

    /// <summary>Reaction rate k.</summary>
    /// <exception cref="ArgumentException">Set to a number that is not finite.</exception>
    public double Rate
    {
        get;
        init => field = Settings.Finite(value, nameof(Rate));
    } = 0.01;

    /// <inheritdoc/>
    protected override Tensor SolveOnGrid(Func<Tensor, Tensor> u)
    {
        var source = Values(u, Xs());
        var reaction = Rate == 0 ? null : new Reaction(s => s.square().mul_(Rate), s => s * (2 * Rate));
        return AdvectionDiffusionReaction.Solve(zeros_like(source), tensor(Diffusivity), tensor(0.0), Space.Length, Duration, Times - 1, reaction,
            _ => source);
    }
}
