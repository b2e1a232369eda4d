using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>A cell's states and gradients by <see cref="CudaParaRnn"/>, which has its own layout: states of all kinds side by
/// side.</summary>
internal static class FusedOnGpu
{
    /// <summary>States, (batch, time, channels) each, from inputs (batch, time, 3, channels) with biases.</summary>
    public static Tensor[] Forward(Tensor u, Tensor[] weights, Tensor? initial)
    {
        var states = empty([u.shape[0], u.shape[1], weights.Length * u.shape[3]], u.dtype, u.device);
        CudaParaRnn.Forward(u.contiguous(), weights[0].contiguous(), Peepholes(weights), initial?.contiguous(), states);
        return weights.Length == 1 ? [states] : [.. states.chunk(2, 2).Select(s => s.contiguous())];
    }

    /// <summary>Gradients by inputs, recurrent weights and the initial state.</summary>
    /// <param name="cell">Their formulas.</param>
    /// <param name="u">As above.</param>
    /// <param name="weights">As above.</param>
    /// <param name="initial">As above.</param>
    /// <param name="states">What came of them.</param>
    /// <param name="byStates">The loss's gradient by each of them; null if it doesn't depend on that.</param>
    public static (Tensor ByU, Tensor[] ByWeights, Tensor? ByInitial) Backward(ParaRnnCell cell, Tensor u, Tensor[] weights,
        Tensor? initial,
        Tensor[] states, Tensor?[] byStates)
    {
        Tensor all = cat([.. states], 2), a = weights[0].contiguous();
        var (peepholes, start) = (Peepholes(weights), initial?.contiguous());
        u = u.contiguous();
        // The kernel takes gradients by outputs alone.
        if (byStates.Length == 2 && byStates[0] is not null) return ByAllStates();
        var byU = empty(u.shape, u.dtype, u.device);
        var byWeights = empty([weights.Sum(w => w.shape[0]), u.shape[3]], u.dtype, u.device);
        var byInitial = start is null ? null : empty(start.shape, start.dtype, start.device);
        CudaParaRnn.Backward(u, a, peepholes, start, all, byStates[^1]!.contiguous(), null, byU, byWeights, byInitial);
        return (byU, [.. byWeights.split([.. weights.Select(w => w.shape[0])], 0)], byInitial);

        (Tensor, Tensor[], Tensor?) ByAllStates()
        {
            long[] shape = [u.shape[0], u.shape[1], 2, 2, u.shape[3]];
            Tensor jacobian = empty(shape, u.dtype, u.device), residual = empty_like(all);
            CudaParaRnn.Assemble(u, a, peepholes, start, all, residual, jacobian.flatten(2));
            var g = stack([byStates[0]!, byStates[1] ?? zeros_like(states[1])], 2);
            return LocalGradients(cell, u, weights, initial, all, LinearRecurrence.Adjoint(jacobian, g).flatten(2));
        }
    }

    /// <summary>Gradients of one step at all times side by side, in torch operations, where λ is what comes back to the states.</summary>
    /// <param name="cell">Its formulas.</param>
    /// <param name="u">(batch, time, 3, channels)</param>
    /// <param name="weights">Recurrent weights.</param>
    /// <param name="initial">The state before the first step; null: zero.</param>
    /// <param name="states">(batch, time, states)</param>
    /// <param name="lambda">(batch, time, states)</param>
    public static (Tensor ByU, Tensor[] ByWeights, Tensor? ByInitial) LocalGradients(ParaRnnCell cell, Tensor u, Tensor[] weights,
        Tensor? initial, Tensor states, Tensor lambda)
    {
        using var on = enable_grad();
        Tensor inputs = u.detach().requires_grad_(),
            start = (initial?.detach() ?? zeros([u.shape[0], states.shape[2]], u.dtype, u.device)).requires_grad_();
        Tensor[] own = [.. weights.Select(w => w.detach().requires_grad_())];
        var previous = cat([start.unsqueeze(1), states.detach().narrow(1, 0, states.shape[1] - 1)], 1);
        var next = cell.Advance(inputs.unbind(-2), [.. own.SelectMany(w => w.unbind(0))], previous.chunk(weights.Length, -1));
        var found = autograd.grad(next, [inputs, start, .. own], [.. lambda.chunk(weights.Length, -1)]);
        return (found[0], [.. found.Skip(2)], initial is null ? null : found[1]);
    }

    private static Tensor? Peepholes(Tensor[] weights) => weights.Length == 1 ? null : weights[1].contiguous();
}
