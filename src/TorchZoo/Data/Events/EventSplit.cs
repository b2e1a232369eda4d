namespace TorchZoo.Data.Events;

/// <summary>What the frames of a recording have in common.</summary>
public enum EventSplit
{
    /// <summary>The number of events.</summary>
    Number,

    /// <summary>The duration, which is the recording's by the number of frames.</summary>
    Time,

    /// <summary>A given duration.</summary>
    Duration,
}
