using TorchZoo.Data;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>The training step of networks with NAUs and NMUs: a loss, the sparsity term, the update, and the weights put back within their
/// bounds.</summary>
/// <param name="regularizer">The sparsity term.</param>
/// <param name="loss">(prediction, target) → scalar; null: the mean squared error.</param>
public sealed class ArithmeticTraining(ArithmeticSparsityRegularizer regularizer, Func<Tensor, Tensor, Tensor>? loss = null)
    : TrainingStep<Pairs>
{
    private readonly ArithmeticSparsityRegularizer _regularizer = regularizer ?? throw new ArgumentNullException(nameof(regularizer));
    private readonly Func<Tensor, Tensor, Tensor> _loss = loss ?? ((p, t) => nn.functional.mse_loss(p, t));

    /// <inheritdoc/>
    protected override void Run(Pairs batch, StepContext context)
    {
        var error = _loss(context.Predict(batch.Input), batch.Target);
        var term = _regularizer.Loss(context.Model, context.Step);
        context.Backward(term is null ? error : error + term);
        context.Update();
        ArithmeticSparsityRegularizer.ClampParameters(context.Model);
        context.Log("loss", error);
        if (term is not null) context.Log("sparsity", term);
    }

    /// <inheritdoc/>
    protected override void Evaluate(Pairs batch, StepContext context) =>
        context.Log("loss", _loss(context.Predict(batch.Input), batch.Target));
}
