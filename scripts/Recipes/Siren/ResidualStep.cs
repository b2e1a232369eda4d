using TorchZoo.Data;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>So many points, which the step draws itself.</summary>
internal sealed record FreshPoints(long Points) : Batch
{
    public override IReadOnlyList<Tensor> Tensors => [];

    public override long Count => Points;

    public override Batch With(IReadOnlyList<Tensor> tensors) => this;
}

/// <summary>What a run is trained on whose points are drawn in each step: their number.</summary>
internal sealed class FreshPointsDataset(long count) : IDataset
{
    public long Count => count;

    public Batch Take(Tensor indices) => new FreshPoints(indices.shape[0]);
}

/// <summary>Training on the residual of a differential equation.</summary>
/// <param name="loss">The loss of a network in a step; the batch has no part in it.</param>
/// <param name="error">How wrong a network is.</param>
internal sealed class ResidualStep(Func<nn.Module<Tensor, Tensor>, StepContext, Tensor> loss,
    Func<nn.Module<Tensor, Tensor>, double> error) : TrainingStep
{
    /// <summary>What the error is called in the log.</summary>
    public const string ErrorName = "relative L2 error";

    public override void Run(Batch batch, StepContext context)
    {
        var value = loss((nn.Module<Tensor, Tensor>)context.Model, context) / batch.Count;
        context.Backward(value);
        context.Update();
        context.Log("loss", value);
    }

    public override void Evaluate(Batch batch, StepContext context) =>
        context.Log(ErrorName, error((nn.Module<Tensor, Tensor>)context.Model));
}
