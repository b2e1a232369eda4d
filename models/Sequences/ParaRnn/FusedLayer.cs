using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>
/// A cell's states on a CPU with the projection of its inputs: x (batch, time, inputs), B, recurrent weights, b, initial state or null →
/// states, (batch, time, channels) each. It goes through some samples at a time, so that what the projection makes for a recurrence is in a
/// cache when that reads it, and the same backward; the gradient by the projection's result, three times as large as the states, never is
/// there as a whole.
/// </summary>
/// <param name="cell">The cell.</param>
/// <param name="recurrence">Its recurrence.</param>
/// <param name="partNumbers">Numbers that the projection of a part has at most, if it has more than one sample. The cut doesn't depend on
/// the threads, so neither do sums over parts.</param>
internal sealed class FusedLayer(ParaRnnCell cell, FusedFunction recurrence, long partNumbers = FusedLayer.UsualPart) : KernelFunction
{
    // Some megabytes: fresh memory of more is asked of the system each time.
    private const long UsualPart = 1 << 21;

    private int Weights => cell.StatesPerChannel;

    protected override Tensor[] Forward(KernelCall call)
    {
        Tensor x = call[0].contiguous(), weight = call[1].contiguous();
        var states = recurrence.Empty(x.shape[0], x.shape[1], cell.StateDim, x);
        var kept = new List<Tensor>();
        foreach (var (start, count) in Parts(x))
        {
            using var scope = NewDisposeScope();
            // Ours alone: the gates, which the backward pass needs, take its place.
            var inputs = ParaRnnCell.Project(x.narrow(0, start, count), weight);
            recurrence.Run(inputs, RecurrentWeights(call), call[2 + Weights], Part(Initial(call), start, count), Of(states, start, count),
                call.IsRecorded ? inputs : null);
            if (call.IsRecorded) kept.Add(inputs.MoveToOuterDisposeScope());
        }
        call.Save([.. states, .. kept]);
        return states;
    }

    protected override Tensor?[] Backward(KernelCall call, Tensor?[] byOutputs)
    {
        var (x, weight, b, initial) = (call[0].contiguous(), call[1].contiguous(), call[2 + Weights], Initial(call));
        Tensor[] states = [.. Enumerable.Range(0, Weights).Select(call.Saved)];
        Tensor?[] byStates = [.. byOutputs.Select(g => g?.contiguous())];
        var byX = call.Needs(0) ? empty_like(x) : null;
        var byInitial = initial is null ? null : empty_like(initial);
        Tensor byWeight = zeros_like(weight), byBias = zeros_like(b);
        Tensor[] byRecurrent = [.. RecurrentWeights(call).Select(w => zeros_like(w))];
        foreach (var ((start, count), i) in Parts(x).Select((part, i) => (part, i)))
        {
            using var scope = NewDisposeScope();
            var by = recurrence.Gradients(call.Saved(Weights + i), RecurrentWeights(call), Part(initial, start, count),
                Of(states, start, count), [.. byStates.Select(g => Part(g, start, count))]);
            foreach (var (sum, one) in byRecurrent.Zip(by.Weights)) sum.add_(one);
            byBias.add_(by.Bias);
            if (byInitial is not null) byInitial.narrow(0, start, count).copy_(by.Initial!);
            var (heads, share, outputs, rows) = (weight.shape[0], weight.shape[1], 3 * weight.shape[3], count * x.shape[1]);
            Tensor own = weight.view(heads, share, outputs), byProjected = by.Inputs.view(heads, rows, outputs);
            if (call.Needs(1))
            {
                var given = ParaRnnCell.Heads(x.narrow(0, start, count), heads).transpose(1, 2);
                byWeight.view(heads, share, outputs).add_(given.bmm(byProjected));
            }
            byX?.narrow(0, start, count).view(rows, heads, share).transpose(0, 1).copy_(byProjected.bmm(own.transpose(1, 2)));
        }
        return [byX, byWeight, .. byRecurrent, byBias, byInitial];
    }

    protected override Tensor[] Eager(KernelCall call) => cell.StepThrough(
        ParaRnnCell.ByTime(ParaRnnCell.Project(call[0], call[1])) + call[2 + Weights], RecurrentWeights(call), Initial(call));

    private IEnumerable<(long Start, long Count)> Parts(Tensor x)
    {
        var batch = x.shape[0];
        var parts = Math.Clamp((batch * x.shape[1] * 3 * cell.StateDim + partNumbers - 1) / partNumbers, 1, Math.Max(batch, 1));
        for (var i = 0L; i < parts; i++) yield return (batch * i / parts, batch * (i + 1) / parts - batch * i / parts);
    }

    private Tensor[] RecurrentWeights(KernelCall call) => [.. Enumerable.Range(2, Weights).Select(i => call[i])];

    private Tensor? Initial(KernelCall call) => call.Optional(3 + Weights);

    private static Tensor? Part(Tensor? x, long start, long count) => x?.narrow(0, start, count);

    private static Tensor[] Of(Tensor[] tensors, long start, long count) => [.. tensors.Select(t => t.narrow(0, start, count))];
}
