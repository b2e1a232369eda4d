using TorchZoo.Data.FunctionSpaces;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>
/// Legendre transform: u on [−1, 1] ↦ J_n = ∫ P_n(x) u(x) dx, n = 0, 1, …, by Gauss–Legendre quadrature; the location is n. Lu et al., "DeepONet"
/// (2019), supplement.
/// </summary>
public sealed record LegendreTransform : OperatorProblem
{
    /// <summary>A problem with the default space, of length 2.</summary>
    public LegendreTransform() => Space = new GaussianProcessSpace { Length = 2 };

    /// <inheritdoc/>
    public override string Name => "legendre-transform";

    /// <summary>Number of polynomials, of degrees 0 to this − 1.</summary>
    /// <exception cref="ArgumentException">Set to a number below 1.</exception>
    public long Terms
    {
        get;
        init => field = Settings.AtLeast(1, value, nameof(Terms));
    } = 20;

    /// <summary>Nodes of the quadrature, ≥ 1.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long QuadratureNodes
    {
        get;
        init => field = Settings.AtLeast(1, value, nameof(QuadratureNodes));
    } = 200;

    /// <inheritdoc/>
    protected override double Start => -1;

    /// <inheritdoc/>
    protected override long NumbersPerFunction => QuadratureNodes;

    /// <inheritdoc/>
    public override Tensor Locations() => arange(0, Terms, dtype: ScalarType.Float64).unsqueeze_(1);

    /// <inheritdoc/>
    public override Tensor Solve(Func<Tensor, Tensor> u)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var (nodes, weights) = GaussLegendre.Rule(QuadratureNodes);
        return (Values(u, nodes) * weights).matmul(GaussLegendre.Polynomials(Terms, nodes).t()).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void CheckSpace(FunctionSpace space)
    {
        if (space.Length != 2) throw new ArgumentException($"Expected functions on an interval of length 2, [−1, 1], got {space.Length}.", nameof(Space));
    }
}
