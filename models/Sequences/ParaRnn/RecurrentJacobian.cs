using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>Jacobians of a cell's step by autograd.</summary>
public static class RecurrentJacobian
{
    /// <summary>∂f/∂h at many inputs and states at once: one backward pass for each row of a block, so 1, 2 or as many as there are
    /// states.</summary>
    /// <param name="transition">f, which treats leading axes independently.</param>
    /// <param name="u">(…, …)</param>
    /// <param name="state">(…, states)</param>
    /// <param name="structure">Which entries differ from zero.</param>
    /// <returns>(…, states), (…, 2, 2, states/2) or (…, states, states).</returns>
    /// <exception cref="ArgumentException">2 × 2 blocks of an odd number of states.</exception>
    public static Tensor ByAutograd(Func<Tensor, Tensor, Tensor> transition, Tensor u, Tensor state, JacobianStructure structure)
    {
        ArgumentNullException.ThrowIfNull(transition);
        ArgumentNullException.ThrowIfNull(u);
        ArgumentNullException.ThrowIfNull(state);
        var size = state.shape[^1];
        if (structure == JacobianStructure.Block2x2 && size % 2 != 0)
            throw new ArgumentException($"expected an even number of states for 2 × 2 blocks, got {size}", nameof(state));
        using var scope = NewDisposeScope();
        using var on = enable_grad();
        var h = state.detach().requires_grad_();
        var next = transition(u.detach(), h);
        // A sum over rows that depend on different states, so that their gradients don't mix.
        Tensor[] rows = structure switch
        {
            JacobianStructure.Diagonal => [next.sum()],
            JacobianStructure.Block2x2 => [next.narrow(-1, 0, size / 2).sum(), next.narrow(-1, size / 2, size / 2).sum()],
            _ => [.. Enumerable.Range(0, (int)size).Select(i => next.select(-1, i).sum())],
        };
        Tensor[] slopes = [.. rows.Select(Slope)];
        var result = structure switch
        {
            JacobianStructure.Diagonal => slopes[0],
            JacobianStructure.Block2x2 => stack(slopes, -2).view([.. state.shape[..^1], 2, 2, size / 2]),
            _ => stack(slopes, -2),
        };
        return result.MoveToOuterDisposeScope();

        Tensor Slope(Tensor row)
        {
            var slope = row.requires_grad ? autograd.grad([row], [h], null, retain_graph: true, allow_unused: true)[0] : null;
            return slope is null || slope.IsInvalid ? zeros_like(state) : slope;
        }
    }
}
