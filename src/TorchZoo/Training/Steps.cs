using TorchZoo.Data;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>The training steps that most papers need.</summary>
public static class Steps
{
    /// <summary>Input, model, loss against the target.</summary>
    /// <param name="loss">(prediction, target) → scalar to minimise.</param>
    /// <param name="metrics">Further measures of (prediction, target), means over examples, taken in evaluation.</param>
    public static TrainingStep Supervised(Func<Tensor, Tensor, Tensor> loss, params (string Name, Func<Tensor, Tensor, Tensor> Measure)[] metrics) =>
        new SupervisedStep(loss, metrics);

    private sealed class SupervisedStep(Func<Tensor, Tensor, Tensor> loss, (string Name, Func<Tensor, Tensor, Tensor> Measure)[] metrics) : TrainingStep<Pairs>
    {
        protected override void Run(Pairs batch, StepContext context)
        {
            var value = loss(context.Predict(batch.Input), batch.Target);
            context.Backward(value);
            context.Update();
            context.Log("loss", value);
        }

        protected override void Evaluate(Pairs batch, StepContext context)
        {
            var prediction = context.Predict(batch.Input);
            context.Log("loss", loss(prediction, batch.Target));
            foreach (var (name, measure) in metrics) context.Log(name, measure(prediction, batch.Target));
        }
    }
}
