using static TorchSharp.torch;

namespace TorchZoo.Data.Events;

/// <summary>How recordings become equally many frames of one size.</summary>
public sealed record EventFraming
{
    private readonly int _frames = 10;
    private readonly long _duration = 100_000;
    private readonly long? _size;

    /// <summary>T.</summary>
    /// <exception cref="ArgumentException">Below 1.</exception>
    public int Frames
    {
        get => _frames;
        init => _frames = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(Frames), value, "Expected at least one frame");
    }

    /// <summary>What they have in common.</summary>
    public EventSplit Split { get; init; } = EventSplit.Number;

    /// <summary>Of a frame of <see cref="EventSplit.Duration"/>, in µs: what comes after the last frame is left out, and frames after the
    /// last event are empty.</summary>
    /// <exception cref="ArgumentException">Below 1.</exception>
    public long Duration
    {
        get => _duration;
        init => _duration = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(Duration), value, "Expected at least 1 µs");
    }

    /// <summary>Rows and columns; null: the sensor's.</summary>
    /// <exception cref="ArgumentException">Below 1.</exception>
    public long? Size
    {
        get => _size;
        init => _size = value is null or >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(Size), value, "Expected at least one pixel");
    }

    /// <summary>The frames of a recording.</summary>
    /// <param name="events">The recording.</param>
    /// <returns>(T, 2, height, width), see <see cref="EventFrames"/>.</returns>
    public Tensor Of(EventStream events)
    {
        ArgumentNullException.ThrowIfNull(events);
        using var scope = NewDisposeScope();
        var frames = Split switch
        {
            EventSplit.Number => EventFrames.ByNumber(events, Frames),
            EventSplit.Time => EventFrames.ByTime(events, Frames),
            EventSplit.Duration => EventFrames.ByDuration(events, Duration, Frames),
            _ => throw new ArgumentException($"Expected a named split, got {Split}", nameof(Split)),
        };
        return (Size is { } size ? EventFrames.Resize(frames, size, size) : frames).MoveToOuterDisposeScope();
    }
}
