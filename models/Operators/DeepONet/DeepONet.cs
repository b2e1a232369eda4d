using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The deep operator network, for triples: each row pairs an input function with one query point of its own.
/// u (batch, m), y (batch, d) → (batch, outputs), G(u)(y) = Σ_k b_k(u)·t_k(y) + b_0.
/// </summary>
/// <remarks>Source: Lu et al. 2019, section 2. When all functions share their query points, <see cref="DeepONetCartesianProd"/> computes the
/// same without evaluating the trunk once per function.</remarks>
[Paper("deeponet", "DeepONet: Learning nonlinear operators for identifying differential equations based on the universal approximation theorem "
    + "of operators", "1910.03193", 2019)]
[Model("deeponet")]
public sealed class DeepONet : BranchTrunkNet
{
    /// <summary>A network with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public DeepONet(DeepONetConfig config) : base(nameof(DeepONet), config, null) { }

    /// <summary>A network whose branch is a module of your own, from input functions (batch, …) to (batch, features).</summary>
    /// <param name="config">The rest; its branch options are null.</param>
    /// <param name="branches">One branch net; for independent outputs one each.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid, or asks for another number of branch nets.</exception>
    public DeepONet(DeepONetConfig config, params Module<Tensor, Tensor>[] branches) : base(nameof(DeepONet), config, branches) { }

    /// <inheritdoc/>
    public override Tensor Combine(Tensor coefficients, Tensor basis)
    {
        using var scope = NewDisposeScope();
        return AddBias((coefficients * basis).sum(-1)).MoveToOuterDisposeScope();
    }

    private protected override void CheckPairing(Tensor u, Tensor y)
    {
        if (u.dim() == 0 || y.dim() == 0 || u.shape[0] != y.shape[0])
            throw new ArgumentException(
                $"Trunk: expected one query point for each row of the branch's input {Shape(u)}, got {Shape(y)}. For all functions at all points "
                + $"use {nameof(DeepONetCartesianProd)}", nameof(y));
    }
}
