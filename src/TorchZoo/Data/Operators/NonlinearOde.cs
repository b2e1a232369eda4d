using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>The Riccati equation ds/dx = −s² + u(x), s(0) = 0. A solution for a very negative u reaches −∞ before the end. Lu et al., "DeepONet"
/// (2019), section 4.1.2.</summary>
public sealed record NonlinearOde : OdeProblem
{
    /// <inheritdoc/>
    public override string Name => "nonlinear-ode";

    /// <inheritdoc/>
    protected override Tensor Integrate(Tensor u) => RungeKutta(u, 1, (s, force) => force - s.square());
}
