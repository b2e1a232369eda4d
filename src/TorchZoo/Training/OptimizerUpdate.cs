using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>One update by an optimizer: unscaling, the search for overflows and clipping share one pass over the gradients.</summary>
internal static class OptimizerUpdate
{
    /// <summary>Updates, unless gradients overflowed.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="scaler">Whose scale the gradients have; null: none.</param>
    /// <param name="maxNorm">Largest norm; null: not clipped.</param>
    /// <param name="measure">Whether the norm is wanted in any case.</param>
    /// <param name="norm">Norm of the gradients without scale, before clipping, in the caller's dispose scope; null where nobody needed
    /// it.</param>
    /// <param name="updating">Is called when all that is to be known of all gradients is known.</param>
    /// <returns>Whether it updated.</returns>
    public static bool Run(optim.Optimizer optimizer, GradScaler? scaler, double? maxNorm, bool measure, out Tensor? norm,
        Action? updating = null)
    {
        norm = null;
        if (scaler is null && maxNorm is null && !measure)
        {
            updating?.Invoke();
            optimizer.step();
            return true;
        }
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var gradients = Gradients.Of(optimizer.parameters());
        norm = Gradients.NormOf(gradients);
        if (scaler is not null) norm /= scaler.Factor;
        norm = norm.MoveToOuterDisposeScope();
        // The norm of finite gradients is finite, so this also finds overflows.
        var finite = scaler is null || double.IsFinite(Meters.Read(norm));
        scaler?.Note(finite);
        if (!finite) return false;

        if (scaler is null && maxNorm is null)
        {
            updating?.Invoke();
            optimizer.step();
            return true;
        }
        var factor = maxNorm is { } maximum ? Gradients.Clipping(norm, maximum) : ones_like(norm);
        if (scaler is not null) factor /= scaler.Factor;
        if (optimizer is FusedOptimizer fused)
        {
            updating?.Invoke();
            fused.Step(GradientScale.By(factor));
            return true;
        }
        if (gradients.Length > 0) Gradients.Scale(gradients, factor);
        optimizer.step();
        return true;
    }
}
