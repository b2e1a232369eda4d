using TorchZoo.Data;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// The paper's recurrent training on trajectories: predictions are fed back, the loss is the sum over time of each frame's relative error,
/// and its gradient goes through the whole roll-out. Evaluation is the relative error of all frames together.
/// </summary>
/// <param name="decode">From the network's numbers to the field's.</param>
internal sealed class RolloutStep(Func<Tensor, Tensor> decode) : TrainingStep<Pairs>
{
    protected override void Run(Pairs batch, StepContext context)
    {
        var prediction = Predict(batch, context);
        var steps = batch.Target.shape[1];
        var loss = zeros([], device: batch.Target.device);
        for (var t = 0L; t < steps; t++) loss += RelativeL2.Loss(prediction.select(1, t), batch.Target.select(1, t));
        context.Backward(loss);
        context.Update();
        context.Log("loss", loss / steps);
    }

    protected override void Evaluate(Pairs batch, StepContext context) => context.Log("loss", RelativeL2.Loss(Predict(batch, context), batch.Target));

    private Tensor Predict(Pairs batch, StepContext context) =>
        decode(FnoRollout.Run((nn.Module<Tensor, Tensor>)context.Model, batch.Input, (int)batch.Target.shape[1]));
}
