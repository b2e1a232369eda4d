using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>Antiderivative: ds/dx = u(x), s(0) = 0, by Simpson's rule. Lu et al., "DeepONet" (2019), section 4.1.1.</summary>
public sealed record Antiderivative : OdeProblem
{
    /// <inheritdoc/>
    public override string Name => "antiderivative";

    /// <inheritdoc/>
    protected override Tensor Integrate(Tensor u) => Quadrature.CumulativeSimpson(u, StepSize / 2);
}
