using TorchZoo.Training;

namespace TorchZoo.Models.Compression;

/// <summary>Prunes by magnitude while training goes on.</summary>
/// <param name="schedule">How sparse when.</param>
/// <param name="isGlobal">One threshold for all layers rather than the same sparsity for each.</param>
/// <param name="skip">Names of layers to leave alone; null: none.</param>
/// <exception cref="ArgumentException">The schedule's numbers are out of range.</exception>
public sealed class GradualPruning(PruningSchedule schedule, bool isGlobal = false, IReadOnlySet<string>? skip = null) : SparseTraining
{
    private readonly PruningSchedule _schedule = schedule.Checked();

    /// <inheritdoc/>
    public override void OnStep(Trainer trainer, StepReport report)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        if (!_schedule.IsDue(report.Step)) return;
        using var scope = TorchSharp.torch.NewDisposeScope();
        _ = isGlobal ? MagnitudePruner.Global(trainer.Model, _schedule.At(report.Step), Optimizer, skip)
            : MagnitudePruner.Uniform(trainer.Model, _schedule.At(report.Step), Optimizer, skip);
    }
}
