namespace TorchZoo.Data.Events;

/// <summary>Events that are gathered one by one.</summary>
internal sealed class EventBuffer(int width, int height, int capacity = 1024)
{
    private long[] _times = new long[capacity];
    private ushort[] _x = new ushort[capacity], _y = new ushort[capacity];
    private bool[] _isOn = new bool[capacity];

    public int Count { get; private set; }

    /// <summary>Adds an event; false where it lies beside the sensor.</summary>
    public bool Add(long time, long x, long y, bool isOn)
    {
        if ((ulong)x >= (ulong)width || (ulong)y >= (ulong)height) return false;
        if (Count == _times.Length) Resize(Math.Max(16, 2 * Count));
        (_times[Count], _x[Count], _y[Count], _isOn[Count]) = (time, (ushort)x, (ushort)y, isOn);
        Count++;
        return true;
    }

    /// <summary>The stream of what was added; the buffer must not be used any more.</summary>
    public EventStream Stream()
    {
        if (Count < _times.Length) Resize(Count);
        return new EventStream(_times, _x, _y, _isOn, width, height);
    }

    /// <summary>The stream of what was added in the order of time; events of the same µs keep theirs.</summary>
    public EventStream Sorted()
    {
        Resize(Count);
        int[] order = [.. Enumerable.Range(0, Count)];
        Array.Sort(order, (a, b) => _times[a].CompareTo(_times[b]) is var c && c != 0 ? c : a.CompareTo(b));
        return new EventStream(Array.ConvertAll(order, i => _times[i]), Array.ConvertAll(order, i => _x[i]),
            Array.ConvertAll(order, i => _y[i]), Array.ConvertAll(order, i => _isOn[i]), width, height);
    }

    private void Resize(int length)
    {
        Array.Resize(ref _times, length);
        Array.Resize(ref _x, length);
        Array.Resize(ref _y, length);
        Array.Resize(ref _isOn, length);
    }
}
