namespace TorchZoo.Training;

/// <summary>Training stopped because a step failed; the message names step, epoch and the last good checkpoint.</summary>
public class TrainingException : Exception
{
    internal TrainingException(string what, long step, int epoch, string? checkpoint, Exception? inner)
        : base($"{what} at step {step} (epoch {epoch + 1}). {(checkpoint is null ? "No checkpoint was written." : $"Last good checkpoint: {checkpoint}")}", inner)
    {
        (Step, Epoch, LastCheckpoint) = (step, epoch, checkpoint);
    }

    /// <summary>Number of the failed step, counted from 0.</summary>
    public long Step { get; }

    /// <summary>Number of the epoch, counted from 0.</summary>
    public int Epoch { get; }

    /// <summary>The last checkpoint of this run that was written, if any.</summary>
    public string? LastCheckpoint { get; }
}

/// <summary>A loss was NaN or infinite.</summary>
/// <param name="value">The loss.</param>
public sealed class NonFiniteLossException(double value) : ArithmeticException($"The loss is {value}")
{
    /// <summary>The loss.</summary>
    public double Value => value;
}
