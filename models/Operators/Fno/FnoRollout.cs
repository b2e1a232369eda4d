using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>The paper's "FNO-2D with RNN structure": a network that predicts the next frame from the last ones, applied again and
/// again.</summary>
public static class FnoRollout
{
    /// <summary>
    /// Rolls a model out: its prediction is appended to the frames and the oldest one is dropped. Differentiable through all steps.
    /// </summary>
    /// <param name="model">From (batch, T·c, d1, …, dN) to the next frame (batch, c, d1, …, dN).</param>
    /// <param name="firstFrames">The first T frames, (batch, T·c, d1, …, dN), the oldest first.</param>
    /// <param name="steps">Number of frames to predict.</param>
    /// <returns>The predictions, (batch, steps·c, d1, …, dN).</returns>
    /// <exception cref="ArgumentException">Fewer than one step, or a model that predicts more channels than it sees.</exception>
    public static Tensor Run(Module<Tensor, Tensor> model, Tensor firstFrames, int steps) => Run(model.forward, firstFrames, steps);

    /// <summary>Rolls out any map to the next frame, e.g. a network with its normalisation.</summary>
    /// <param name="model">From (batch, T·c, d1, …, dN) to the next frame (batch, c, d1, …, dN).</param>
    /// <param name="firstFrames">The first T frames, (batch, T·c, d1, …, dN), the oldest first.</param>
    /// <param name="steps">Number of frames to predict.</param>
    /// <returns>The predictions, (batch, steps·c, d1, …, dN).</returns>
    /// <exception cref="ArgumentException">Fewer than one step, or a map to more channels than it is given.</exception>
    public static Tensor Run(Func<Tensor, Tensor> model, Tensor firstFrames, int steps)
    {
        FnoConfig.Positive(steps, nameof(steps));
        using var scope = NewDisposeScope();
        var frames = firstFrames;
        var predictions = new List<Tensor>();
        for (var step = 0; step < steps; step++)
        {
            var next = model(frames);
            var dropped = next.shape[1];
            if (dropped > frames.shape[1])
                throw new ArgumentException($"The model predicts {dropped} channels from {frames.shape[1]}", nameof(model));
            predictions.Add(next);
            if (step < steps - 1) frames = cat([frames.narrow(1, dropped, frames.shape[1] - dropped), next], 1);
        }
        return cat(predictions, 1).MoveToOuterDisposeScope();
    }
}
