using TorchZoo.Data;
using TorchZoo.Data.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>The training steps that most papers need.</summary>
public static class Steps
{
    /// <summary>Input, model, loss against the target.</summary>
    /// <param name="loss">(prediction, target) → scalar to minimise.</param>
    /// <param name="metrics">Further measures of (prediction, target), means over examples, taken in evaluation.</param>
    public static TrainingStep Supervised(Func<Tensor, Tensor, Tensor> loss, params (string Name, Func<Tensor, Tensor, Tensor> Measure)[] metrics) =>
        new SupervisedStep<Pairs>(Predict, loss, metrics);

    /// <summary>As <see cref="Supervised"/>, for an optimizer that evaluates the loss as often as it needs (<see cref="Optimizers.Lbfgs"/>): let
    /// a batch be the whole data set.</summary>
    /// <inheritdoc cref="Supervised"/>
    public static TrainingStep SupervisedClosure(Func<Tensor, Tensor, Tensor> loss,
        params (string Name, Func<Tensor, Tensor, Tensor> Measure)[] metrics) => new ClosureStep(loss, metrics);

    /// <summary>Input functions and locations, model of both, loss against the operator's values.</summary>
    /// <inheritdoc cref="Supervised"/>
    /// <exception cref="ArgumentException">In a step: the prediction has another shape than the target.</exception>
    public static TrainingStep SupervisedOperator(Func<Tensor, Tensor, Tensor> loss,
        params (string Name, Func<Tensor, Tensor, Tensor> Measure)[] metrics) => new SupervisedStep<OperatorBatch>((batch, context) =>
        {
            var prediction = context.Predict(batch.U, batch.Y);
            // Broadcasting would hide a model of the wrong form: (batch, 1) against (batch, locations) fits.
            if (!prediction.shape.AsSpan().SequenceEqual(batch.Target.shape))
                throw new ArgumentException($"Expected a prediction of the target's shape ({string.Join(", ", batch.Target.shape)}), got "
                    + $"({string.Join(", ", prediction.shape)}).", nameof(batch));
            return (prediction, batch.Target);
        }, loss, metrics);

    private static (Tensor, Tensor) Predict(Pairs batch, StepContext context) => (context.Predict(batch.Input), batch.Target);

    private class SupervisedStep<TBatch>(Func<TBatch, StepContext, (Tensor Prediction, Tensor Target)> predict,
        Func<Tensor, Tensor, Tensor> loss, (string Name, Func<Tensor, Tensor, Tensor> Measure)[] metrics) : TrainingStep<TBatch> where TBatch : Batch
    {
        protected override void Run(TBatch batch, StepContext context)
        {
            var value = Loss(batch, context);
            context.Backward(value);
            context.Update();
            context.Log("loss", value);
        }

        protected Tensor Loss(TBatch batch, StepContext context)
        {
            var (prediction, target) = predict(batch, context);
            return loss(prediction, target);
        }

        protected override void Evaluate(TBatch batch, StepContext context)
        {
            var (prediction, target) = predict(batch, context);
            context.Log("loss", loss(prediction, target));
            foreach (var (name, measure) in metrics) context.Log(name, measure(prediction, target));
        }
    }

    private sealed class ClosureStep(Func<Tensor, Tensor, Tensor> loss, (string Name, Func<Tensor, Tensor, Tensor> Measure)[] metrics)
        : SupervisedStep<Pairs>(Predict, loss, metrics)
    {
        protected override void Run(Pairs batch, StepContext context)
        {
            foreach (var optimizer in context.Optimizers) context.Log("loss", context.Update(optimizer, () => Loss(batch, context)));
        }
    }
}
