using TorchZoo.Data;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>So many points, which the step draws itself.</summary>
internal sealed record FreshPoints(long Points) : Batch
{
    public override long Count => Points;

    public override Batch To(Device device) => this;

    public override void Dispose()
    {
    }
}

/// <summary>What a run is trained on whose points are drawn in each step: their number.</summary>
internal sealed class FreshPointsDataset(long count) : IDataset
{
    public long Count => count;

    public Batch Take(Tensor indices) => new FreshPoints(indices.shape[0]);
}

/// <summary>Training on the residual of a differential equation.</summary>
/// <param name="loss">The loss of a network in a step; the batch has no part in it.</param>
/// <param name="errors">How wrong a network is, by name.</param>
internal sealed class ResidualStep(Func<nn.Module<Tensor, Tensor>, StepContext, Tensor> loss,
    Func<nn.Module<Tensor, Tensor>, IEnumerable<(string Name, double Value)>> errors) : TrainingStep
{
    public override void Run(Batch batch, StepContext context)
    {
        var value = loss((nn.Module<Tensor, Tensor>)context.Model, context) / batch.Count;
        context.Backward(value);
        context.Update();
        context.Log("loss", value);
    }

    public override void Evaluate(Batch batch, StepContext context)
    {
        foreach (var (name, value) in errors((nn.Module<Tensor, Tensor>)context.Model)) context.Log(name, value);
    }
}
