using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>How a step went.</summary>
/// <param name="Step">Number of the step, counted from 0.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Epoch">Number of the epoch, counted from 0.</param>
/// <param name="Values">What was logged last. On a GPU some steps old.</param>
/// <param name="LearningRate">Learning rate of the first optimizer, NaN without one.</param>
/// <param name="Examples">Examples in the batch.</param>
/// <param name="Times">Where its time went.</param>
public readonly record struct StepReport(
    long Step, long TotalSteps, int Epoch, IReadOnlyDictionary<string, double> Values, double LearningRate, long Examples, StepTimes Times);

/// <summary>Where a step's time went, in seconds. On a GPU it is the time to start the work, unless a callback asks for more
/// (<see cref="TrainerCallback.NeedsDeviceTimes"/>).</summary>
/// <param name="Data">Making the batch, or waiting for it, and its way to the device.</param>
/// <param name="Forward">The step without what follows: the model, the loss, metrics.</param>
/// <param name="Backward">Gradients.</param>
/// <param name="Optimizer">Clipping and the update.</param>
/// <param name="Overhead">Since the step before: callbacks, progress, checkpoints, evaluation.</param>
public readonly record struct StepTimes(double Data, double Forward, double Backward, double Optimizer, double Overhead)
{
    /// <summary>All together.</summary>
    public double Total => Data + Forward + Backward + Optimizer + Overhead;
}

/// <summary>How an epoch went.</summary>
/// <param name="Epoch">Number of the epoch, counted from 0.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="Step">Steps made so far.</param>
/// <param name="Training">Means over the epoch.</param>
/// <param name="Validation">Means over the validation set; empty if it was not evaluated.</param>
/// <param name="LearningRate">Learning rate of the first optimizer, NaN without one.</param>
/// <param name="Seconds">Time that the epoch took, evaluation included.</param>
/// <param name="IsBest">Whether it is the best so far.</param>
public sealed record EpochReport(
    int Epoch, int Epochs, long Step, IReadOnlyDictionary<string, double> Training, IReadOnlyDictionary<string, double> Validation,
    double LearningRate, double Seconds, bool IsBest);

/// <summary>Looks on while a <see cref="Trainer"/> runs. Override what is of interest.</summary>
public abstract class TrainerCallback
{
    /// <summary>Whether it only looks on, and prints or writes what it sees: then it is called on rank 0 alone. What changes the training
    /// must be called on all ranks.</summary>
    public virtual bool IsObserver => false;

    /// <summary>Whether <see cref="StepReport.Times"/> must be those of a GPU's own work; the run then waits for it after each part of a
    /// step.</summary>
    public virtual bool NeedsDeviceTimes => false;

    /// <summary>Before the first step; when resuming, <paramref name="firstStep"/> steps have been made.</summary>
    public virtual void OnStart(Trainer trainer, long firstStep) { }

    /// <summary>Before an update, when the gradients of its optimizer are complete (in float16: scaled, and maybe overflowed).</summary>
    public virtual void OnGradients(Trainer trainer, StepContext context, optim.Optimizer optimizer) { }

    /// <summary>After every training step.</summary>
    public virtual void OnStep(Trainer trainer, StepReport report) { }

    /// <summary>After every epoch and its evaluation, before its checkpoint.</summary>
    public virtual void OnEpoch(Trainer trainer, EpochReport report) { }

    /// <summary>Before a checkpoint is written: what a callback keeps outside of it must not be behind it.</summary>
    public virtual void OnSaving(Trainer trainer) { }

    /// <summary>After a checkpoint was written.</summary>
    public virtual void OnCheckpoint(Trainer trainer, string path) { }

    /// <summary>When training failed, before <see cref="OnEnd"/>; the exception then goes on to the caller.</summary>
    public virtual void OnException(Trainer trainer, Exception exception) { }

    /// <summary>When training was stopped from outside, before <see cref="OnEnd"/>.</summary>
    public virtual void OnStopped(Trainer trainer) { }

    /// <summary>After the last step, and also when training was stopped or failed.</summary>
    public virtual void OnEnd(Trainer trainer) { }
}
