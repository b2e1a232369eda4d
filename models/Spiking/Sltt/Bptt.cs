using static TorchSharp.torch;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// Backpropagation through time with surrogate gradients: the graphs of all time steps, through leaks and resets, and one backward pass.
/// What <see cref="Sltt"/> is measured against; for tasks that need a memory longer than a few steps.
/// </summary>
public sealed class Bptt : SpikingTraining
{
    /// <inheritdoc/>
    protected override TemporalGradient Temporal => TemporalGradient.Full;

    private protected override (Tensor Total, Tensor Loss) Run(nn.Module network, Frames frames, Tensor labels, Action<Tensor> backward)
    {
        Tensor? total = null, loss = null;
        for (var t = 0; t < frames.Count; t++)
        {
            var output = StepOf(network, frames, t);
            Add(ref total, output);
            var term = Loss.Of(output, labels) / frames.Count;
            loss = loss is null ? term : loss + term;
        }
        backward(loss!);
        return (total!, loss!.detach());
    }
}
