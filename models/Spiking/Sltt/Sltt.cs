using static TorchSharp.torch;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// Spatial learning through time: gradients go from layer to layer, and not back in time, where with a short memory they hardly count. So each
/// time step has its own backward pass, right after it, and its activations are freed: memory doesn't grow with the number of steps (SLTT,
/// algorithm 1).
/// </summary>
/// <remarks>It can't learn what is no longer in the potentials of the moment: with τ of 5 steps and more, or where the order of far events
/// matters, use <see cref="Bptt"/>.</remarks>
[Paper("sltt", "Towards Memory- and Time-Efficient Backpropagation for Training Spiking Neural Networks", "2302.14311", 2023)]
public sealed class Sltt : SpikingTraining
{
    /// <inheritdoc/>
    protected override TemporalGradient Temporal => TemporalGradient.Detached;

    private protected override (Tensor Total, Tensor Loss) Run(nn.Module network, Frames frames, Tensor labels, Action<Tensor> backward) =>
        StepByStep(network, frames, labels, _ => true, 1.0 / frames.Count, backward);
}
