namespace TorchZoo.Training;

/// <summary>What came of a training.</summary>
/// <param name="History">The epochs, those before a resume included.</param>
/// <param name="BestEpoch">Number of the best epoch, counted from 0.</param>
/// <param name="BestValue">Its value of the monitored metric.</param>
/// <param name="StoppedEarly">Whether patience ran out.</param>
/// <param name="Steps">Steps made in all.</param>
/// <param name="BestCheckpoint">File of the best epoch; null without a folder.</param>
/// <param name="LastCheckpoint">File of the last epoch; null without a folder.</param>
/// <param name="SkippedUpdates">Updates left out because gradients overflowed in float16.</param>
public sealed record TrainingResult(
    IReadOnlyList<EpochReport> History, int BestEpoch, double BestValue, bool StoppedEarly, long Steps, string? BestCheckpoint, string? LastCheckpoint,
    long SkippedUpdates = 0);
