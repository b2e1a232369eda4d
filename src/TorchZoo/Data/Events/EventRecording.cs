using static TorchSharp.torch;

namespace TorchZoo.Data.Events;

/// <summary>An example of a data set of events: a file, or a time of it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Label">The class's number.</param>
/// <param name="Time">From when to when, in µs; null: all.</param>
internal sealed record EventRecording(string Path, long Label, (long Start, long End)? Time = null)
{
    /// <summary>Reads recordings; consecutive ones of the same file read it once.</summary>
    public static PairDataset Read(IReadOnlyList<EventRecording> recordings, EventFraming framing, string title, IProgressDisplay? display,
        CancellationToken cancellation)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var line = (display ?? IProgressDisplay.None).Start(title);
        Tensor? inputs = null;
        (string Path, EventStream Events)? last = null;
        foreach (var (i, recording) in recordings.Index())
        {
            cancellation.ThrowIfCancellationRequested();
            if (last?.Path != recording.Path) last = (recording.Path, EventFile.Load(recording.Path));
            var events = last.Value.Events;
            using var frames = framing.Of(recording.Time is { } time ? events.Between(time.Start, time.End) : events);
            inputs ??= empty([recordings.Count, .. frames.shape], ScalarType.Float32);
            inputs[i] = frames;
            line.Report((i + 1.0) / recordings.Count, recording.Path);
        }
        var targets = tensor(recordings.Select(r => r.Label).ToArray(), ScalarType.Int64);
        scope.MoveToOuter(inputs!, targets);
        return new PairDataset(inputs!, targets);
    }

    /// <summary>Of each class's recordings in turn.</summary>
    public static List<EventRecording> InTurns(IEnumerable<EventRecording> recordings)
    {
        var byClass = recordings.GroupBy(r => r.Label).OrderBy(g => g.Key).Select(g => g.ToList()).ToList();
        return [.. Enumerable.Range(0, byClass.Count == 0 ? 0 : byClass.Max(c => c.Count))
            .SelectMany(i => byClass.Where(c => i < c.Count).Select(c => c[i]))];
    }
}
