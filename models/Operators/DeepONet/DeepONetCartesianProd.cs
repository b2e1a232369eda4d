using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The deep operator network for functions that share their query points: every function at every point.
/// u (functions, m), y (points, d) → (functions, points), with several outputs (functions, points, outputs). It has the weights of a
/// <see cref="DeepONet"/>, and either loads the other's.
/// </summary>
/// <remarks>Source: Lu et al. 2019, section 2; the form is DeepXDE's.</remarks>
[Model("deeponet-cartesian")]
public sealed class DeepONetCartesianProd : BranchTrunkNet
{
    /// <inheritdoc cref="DeepONet(DeepONetConfig)"/>
    public DeepONetCartesianProd(DeepONetConfig config) : base(nameof(DeepONetCartesianProd), config, null) { }

    /// <inheritdoc cref="DeepONet(DeepONetConfig, Module{Tensor, Tensor}[])"/>
    public DeepONetCartesianProd(DeepONetConfig config, params Module<Tensor, Tensor>[] branches)
        : base(nameof(DeepONetCartesianProd), config, branches) { }

    /// <inheritdoc/>
    public override Tensor Combine(Tensor coefficients, Tensor basis)
    {
        using var scope = NewDisposeScope();
        return AddBias(Product(coefficients, basis, Config.NumOutputs)).MoveToOuterDisposeScope();
    }

    private protected override void CheckPairing(Tensor u, Tensor y)
    {
        if (y.dim() == 3)
            throw new ArgumentException(
                $"Trunk: expected (points, coordinates) that all functions share, got {Shape(y)}. For a point of each function's own use "
                + nameof(DeepONet), nameof(y));
    }
}
