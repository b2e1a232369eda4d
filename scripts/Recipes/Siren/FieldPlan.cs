using TorchZoo.Training;

namespace TorchZoo.Scripts.Recipes;

/// <summary>How a field is trained.</summary>
/// <param name="Epochs">Passes over the points; with full batches, the steps.</param>
/// <param name="BatchSize">Points in a step.</param>
/// <param name="Monitor">The metric that the step evaluates and that says which network is best.</param>
/// <param name="MonitorMaximum">Whether more of it is better.</param>
internal sealed record FieldPlan(int Epochs, int BatchSize, string Monitor, bool MonitorMaximum)
{
    /// <summary>Largest norm of the gradients; null: not clipped.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>Points of an evaluation at a time; 0: as many as in a step.</summary>
    public int EvaluationBatchSize { get; init; }

    /// <summary>The learning rate's course.</summary>
    public Schedule Schedule { get; init; } = Schedules.Constant();
}
