namespace TorchZoo.Data.Events;

/// <summary>
/// What an event camera saw: at a time, in µs, the intensity of a pixel rose (ON) or fell (OFF) by some ratio. Rows are counted from the
/// top.
/// </summary>
public sealed class EventStream
{
    private readonly long[] _times;
    private readonly ushort[] _x, _y;
    private readonly bool[] _isOn;

    /// <summary>A stream of arrays, which it keeps.</summary>
    /// <param name="times">In µs, usually in order.</param>
    /// <param name="x">Columns.</param>
    /// <param name="y">Rows.</param>
    /// <param name="isOn">Whether intensity rose.</param>
    /// <param name="width">Columns of the sensor, at most 65536.</param>
    /// <param name="height">Rows of the sensor, at most 65536.</param>
    /// <exception cref="ArgumentException">Lengths differ, or an event lies beside the sensor.</exception>
    public EventStream(long[] times, ushort[] x, ushort[] y, bool[] isOn, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(times);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(isOn);
        CheckSensor(width, height);
        if (x.Length != times.Length || y.Length != times.Length || isOn.Length != times.Length)
            throw new ArgumentException(
                $"Expected arrays of one length, got {times.Length}, {x.Length}, {y.Length} and {isOn.Length}", nameof(times));
        for (var i = 0; i < times.Length; i++)
            if (x[i] >= width || y[i] >= height)
                throw new ArgumentException($"Event {i} is at column {x[i]}, row {y[i]}, beside the sensor of {width}×{height}", nameof(x));
        (_times, _x, _y, _isOn, Width, Height) = (times, x, y, isOn, width, height);
    }

    /// <summary>Number of events.</summary>
    public int Count => _times.Length;

    /// <summary>Columns of the sensor.</summary>
    public int Width { get; }

    /// <summary>Rows of the sensor.</summary>
    public int Height { get; }

    /// <summary>When, in µs.</summary>
    public ReadOnlySpan<long> Times => _times;

    /// <summary>In which column.</summary>
    public ReadOnlySpan<ushort> X => _x;

    /// <summary>In which row.</summary>
    public ReadOnlySpan<ushort> Y => _y;

    /// <summary>Whether intensity rose.</summary>
    public ReadOnlySpan<bool> IsOn => _isOn;

    /// <summary>The events of a time, in their order.</summary>
    /// <param name="start">From this µs on.</param>
    /// <param name="end">Before this µs.</param>
    public EventStream Between(long start, long end)
    {
        var chosen = new List<int>();
        for (var i = 0; i < _times.Length; i++)
            if (_times[i] >= start && _times[i] < end)
                chosen.Add(i);
        var count = chosen.Count;
        var (times, x, y, isOn) = (new long[count], new ushort[count], new ushort[count], new bool[count]);
        for (var i = 0; i < count; i++)
            (times[i], x[i], y[i], isOn[i]) = (_times[chosen[i]], _x[chosen[i]], _y[chosen[i]], _isOn[chosen[i]]);
        return new EventStream(times, x, y, isOn, Width, Height);
    }

    /// <summary>What a camera would see if time went backwards: the events in the opposite order, with the other sign.</summary>
    public EventStream Reversed()
    {
        var (times, x, y, isOn) = ((long[])_times.Clone(), (ushort[])_x.Clone(), (ushort[])_y.Clone(), (bool[])_isOn.Clone());
        Array.Reverse(times);
        Array.Reverse(x);
        Array.Reverse(y);
        Array.Reverse(isOn);
        var both = Count == 0 ? 0 : times[0] + times[^1];
        for (var i = 0; i < times.Length; i++) (times[i], isOn[i]) = (both - times[i], !isOn[i]);
        return new EventStream(times, x, y, isOn, Width, Height);
    }

    internal static void CheckSensor(int width, int height)
    {
        if (width is < 1 or > 1 << 16) throw new ArgumentOutOfRangeException(nameof(width), width, "Expected 1 to 65536 columns");
        if (height is < 1 or > 1 << 16) throw new ArgumentOutOfRangeException(nameof(height), height, "Expected 1 to 65536 rows");
    }
}
