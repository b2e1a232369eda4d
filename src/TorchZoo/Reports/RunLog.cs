using System.Diagnostics;
using TorchZoo.Training;

namespace TorchZoo.Reports;

/// <summary>
/// Writes what a <see cref="Trainer"/> logs into the run's folder: <c>metrics.jsonl</c>, an object a line, TensorBoard's event files, and
/// <c>run.json</c> (<see cref="RunRecord"/>). Training values are named as the step logs them, means of an epoch <c>training/…</c> and <c>validation/…</c>.
/// <c>samples_per_second</c> is the speed of the steps since the line before, without what is between them (evaluation, checkpoints),
/// <c>memory_bytes</c> what the process holds and <c>gpu_memory_bytes</c> what is taken of the GPU, both at most ten times a second and at the end
/// of an epoch.
/// </summary>
/// <param name="directory">The run's folder.</param>
/// <param name="everySteps">Training steps between lines.</param>
public sealed class RunLog(string directory, int everySteps = 10) : TrainerCallback, IDisposable
{
    /// <summary>Name of the file of JSON lines.</summary>
    public const string MetricsFile = "metrics.jsonl";

    private static readonly TimeSpan MemoryInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Names of what every run measures.</summary>
    internal const string LearningRate = "learning_rate", Speed = "samples_per_second", Memory = "memory_bytes",
        GpuMemory = "gpu_memory_bytes", EpochSeconds = "epoch_seconds", Training = "training/", Validation = "validation/";

    private MetricsLog? _metrics;
    private TensorBoardLog? _events;
    private RunRecord? _record;
    private long _examples; // since the last line
    private double _seconds;
    private long _measured; // timestamp

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
        (_examples, _seconds) = (0, 0);
        _record = RunRecord.Of(trainer, firstStep);
        _record.Write(directory);
        _metrics = new MetricsLog(Path.Combine(directory, MetricsFile), last);
        _events = new TensorBoardLog(directory, last);
    }

    /// <inheritdoc/>
    public override void OnStep(Trainer trainer, StepReport report)
    {
        _examples += report.Examples;
        _seconds += report.Times.Total - report.Times.Overhead;
        if (report.Step % everySteps != 0) return;
        Write(report.Step, report.Epoch,
            [.. report.Values, KeyValuePair.Create(LearningRate, report.LearningRate), .. Resources(trainer, isEpoch: false)]);
    }

    /// <inheritdoc/>
    public override void OnEpoch(Trainer trainer, EpochReport report) => Write(report.Step - 1, report.Epoch,
    [
        .. report.Training.Select(m => KeyValuePair.Create($"{Training}{m.Key}", m.Value)),
        .. report.Validation.Select(m => KeyValuePair.Create($"{Validation}{m.Key}", m.Value)),
        KeyValuePair.Create(EpochSeconds, report.Seconds),
        .. Resources(trainer, isEpoch: true),
    ]);

    /// <inheritdoc/>
    public override void OnSaving(Trainer trainer)
    {
        _metrics?.Flush();
        _events?.Flush();
    }

    /// <inheritdoc/>
    public override void OnException(Trainer trainer, Exception exception) =>
        _record = _record! with { Outcome = RunOutcome.Failed, Error = exception.Message };

    /// <inheritdoc/>
    public override void OnStopped(Trainer trainer) => _record = _record! with { Outcome = RunOutcome.Stopped };

    /// <inheritdoc/>
    public override void OnEnd(Trainer trainer)
    {
        Dispose();
        (_record! with { Ended = DateTimeOffset.Now, Outcome = _record.Outcome ?? RunOutcome.Finished }).Write(directory);
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _metrics?.Dispose();
        _events?.Dispose();
        (_metrics, _events) = (null, null);
    }

    private IEnumerable<KeyValuePair<string, double>> Resources(Trainer trainer, bool isEpoch)
    {
        if (_examples > 0 && _seconds > 0) yield return KeyValuePair.Create(Speed, _examples / _seconds);
        (_examples, _seconds) = (0, 0);
        // The system takes as long to tell as a small network for a step.
        if (!isEpoch && Stopwatch.GetElapsedTime(_measured) < MemoryInterval) yield break;
        _measured = Stopwatch.GetTimestamp();
        yield return KeyValuePair.Create(Memory, (double)MemoryUse.OfProcess);
        if (MemoryUse.Of(trainer.Options.Device) is { } taken) yield return KeyValuePair.Create(GpuMemory, (double)taken);
    }

    private void Write(long step, int epoch, KeyValuePair<string, double>[] values)
    {
        _metrics?.Write(step, epoch, values);
        _events?.Scalars(step, values);
    }
}
