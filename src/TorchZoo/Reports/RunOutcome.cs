namespace TorchZoo.Reports;

/// <summary>How a run ended.</summary>
public enum RunOutcome
{
    /// <summary>It did all that it was to do.</summary>
    Finished,

    /// <summary>It was stopped from outside, e.g. by Ctrl+C.</summary>
    Stopped,

    /// <summary>It ended in an error.</summary>
    Failed,
}
