using TorchZoo.Training;

namespace TorchZoo.Reports;

/// <summary>
/// Writes what a <see cref="Trainer"/> logs into the run's folder: <c>metrics.jsonl</c>, an object a line, TensorBoard's event files, and
/// <c>run.json</c> (<see cref="RunRecord"/>). Training values are named as the step logs them, means of an epoch <c>training/…</c> and <c>validation/…</c>.
/// </summary>
/// <param name="directory">The run's folder.</param>
/// <param name="everySteps">Training steps between lines.</param>
public sealed class RunLog(string directory, int everySteps = 10) : TrainerCallback, IDisposable
{
    /// <summary>Name of the file of JSON lines.</summary>
    public const string MetricsFile = "metrics.jsonl";

    private MetricsLog? _metrics;
    private TensorBoardLog? _events;

    /// <inheritdoc/>
    public override bool IsObserver => true;

    /// <inheritdoc/>
    public override void OnStart(Trainer trainer, long firstStep)
    {
        Dispose();
        Directory.CreateDirectory(directory);
        long? last = firstStep > 0 ? firstStep - 1 : null;
        // TensorBoard would draw the events of an earlier run in this folder into this one's curves.
        if (last is null)
            foreach (var old in Directory.EnumerateFiles(directory, "events.out.tfevents.*").ToList()) File.Delete(old);
        RunRecord.Of(trainer, firstStep).Write(directory);
        _metrics = new MetricsLog(Path.Combine(directory, MetricsFile), last);
        _events = new TensorBoardLog(directory, last);
    }

    /// <inheritdoc/>
    public override void OnStep(Trainer trainer, StepReport report)
    {
        if (report.Step % everySteps != 0) return;
        Write(report.Step, report.Epoch, [.. report.Values, KeyValuePair.Create("learning_rate", report.LearningRate)]);
    }

    /// <inheritdoc/>
    public override void OnEpoch(Trainer trainer, EpochReport report) => Write(report.Step - 1, report.Epoch,
    [
        .. report.Training.Select(m => KeyValuePair.Create($"training/{m.Key}", m.Value)),
        .. report.Validation.Select(m => KeyValuePair.Create($"validation/{m.Key}", m.Value)),
        KeyValuePair.Create("epoch_seconds", report.Seconds),
    ]);

    /// <inheritdoc/>
    public override void OnSaving(Trainer trainer)
    {
        _metrics?.Flush();
        _events?.Flush();
    }

    /// <inheritdoc/>
    public override void OnEnd(Trainer trainer) => Dispose();

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _metrics?.Dispose();
        _events?.Dispose();
        (_metrics, _events) = (null, null);
    }

    private void Write(long step, int epoch, KeyValuePair<string, double>[] values)
    {
        _metrics?.Write(step, epoch, values);
        _events?.Scalars(step, values);
    }
}
