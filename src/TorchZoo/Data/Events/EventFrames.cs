using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Events;

/// <summary>
/// Events counted in frames (frames, 2, height, width), float32: how many times the intensity of a pixel fell (channel 0) and rose
/// (channel 1). Splits are those of SpikingJelly's data sets; of times that aren't in order the first and last events' count.
/// </summary>
public static class EventFrames
{
    private const long MaximumElements = 1L << 34;

    /// <summary>Frames of equally many events: ⌊events / frames⌋ each, and the rest in the last one.</summary>
    /// <param name="events">The events.</param>
    /// <param name="frames">T, at least 1.</param>
    /// <exception cref="ArgumentException">No frames, or more than memory holds.</exception>
    public static Tensor ByNumber(EventStream events, int frames)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentOutOfRangeException.ThrowIfLessThan(frames, 1);
        var each = events.Count / frames;
        return Count(events, frames, i => each == 0 ? frames - 1 : i / each);
    }

    /// <summary>Frames of equal durations from the first event to the last one: ⌊duration / frames⌋ µs each, and the rest in the last
    /// one.</summary>
    /// <inheritdoc cref="ByNumber"/>
    public static Tensor ByTime(EventStream events, int frames)
    {
        ArgumentNullException.ThrowIfNull(events);
        return ByTime(events, frames, events.Count == 0 ? 0 : events.Times[0], events.Count == 0 ? 0 : events.Times[^1]);
    }

    /// <summary>Frames of equal durations.</summary>
    /// <param name="events">The events.</param>
    /// <param name="frames">T, at least 1.</param>
    /// <param name="start">When the first frame begins, in µs; it also has what is earlier.</param>
    /// <param name="end">When the last frame ends, in µs; it also has what is later.</param>
    /// <exception cref="ArgumentException">No frames, more than memory holds, or they end before they begin.</exception>
    public static Tensor ByTime(EventStream events, int frames, long start, long end)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentOutOfRangeException.ThrowIfLessThan(frames, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start);
        var each = Math.Max(1, (end - start) / frames);
        return Count(events, frames, i => (events.Times[i] - start) / each);
    }

    /// <summary>Frames of a given duration, as many as the events last, at least one.</summary>
    /// <param name="events">The events.</param>
    /// <param name="duration">Of a frame, in µs.</param>
    /// <param name="frames">Keeps the first so many, or adds empty ones; null: as many as there are.</param>
    /// <exception cref="ArgumentException">No duration, or more frames than memory holds.</exception>
    public static Tensor ByDuration(EventStream events, long duration, int? frames = null)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, 1);
        if (frames < 1) throw new ArgumentOutOfRangeException(nameof(frames), frames, "Expected at least one frame");
        if (events.Count == 0) return Count(events, frames ?? 1, _ => 0);
        var start = events.Times[0];
        // The last frame takes an event that comes when it ends.
        var needed = Math.Max(1, (events.Times[^1] - start + duration - 1) / duration);
        return Count(events, frames ?? needed, i => Math.Min(needed - 1, (events.Times[i] - start) / duration),
            dropsLater: frames is not null);
    }

    /// <summary>Frames of another size: linear interpolation between pixels' centres.</summary>
    /// <param name="frames">(…, channels, rows, columns) of 3 to 5 axes.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <exception cref="ArgumentException">Another number of axes, or no pixels.</exception>
    public static Tensor Resize(Tensor frames, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(frames);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (frames.dim() is < 3 or > 5 || frames.shape[^1] == 0 || frames.shape[^2] == 0)
            throw new ArgumentException($"Expected (…, channels, rows, columns), got ({string.Join(", ", frames.shape)})", nameof(frames));
        if (frames.shape[^2] == height && frames.shape[^1] == width) return frames.alias();
        using var scope = NewDisposeScope();
        var flat = frames.reshape(-1, frames.shape[^3], frames.shape[^2], frames.shape[^1]);
        var resized = flat.shape[0] == 0 ? flat.new_zeros(0, flat.shape[1], height, width)
            : nn.functional.interpolate(flat, [height, width], mode: InterpolationMode.Bilinear, align_corners: false);
        return resized.reshape([.. frames.shape[..^2], height, width]).MoveToOuterDisposeScope();
    }

    private static unsafe Tensor Count(EventStream events, long frames, Func<int, long> frameOf, bool dropsLater = false)
    {
        var plane = (long)events.Height * events.Width;
        if (frames > MaximumElements / (2 * plane))
            throw new ArgumentException($"Expected fewer frames of {events.Width}×{events.Height} pixels, got {frames}", nameof(frames));
        var result = zeros([frames, 2, events.Height, events.Width], ScalarType.Float32);
        var pointer = (float*)TensorMemory.Pointer(result);
        for (var i = 0; i < events.Count; i++)
        {
            var frame = frameOf(i);
            if (frame >= frames)
            {
                if (dropsLater) continue;
                frame = frames - 1;
            }
            if (frame < 0) frame = 0;
            pointer[(2 * frame + (events.IsOn[i] ? 1 : 0)) * plane + (long)events.Y[i] * events.Width + events.X[i]]++;
        }
        GC.KeepAlive(result);
        return result;
    }
}
