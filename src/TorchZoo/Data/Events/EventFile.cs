using TorchZoo.Data.Formats;
using static TorchSharp.torch;

namespace TorchZoo.Data.Events;

/// <summary>
/// Files of events: NumPy archives of the arrays <c>t</c>, <c>x</c>, <c>y</c>, <c>p</c>, as SpikingJelly writes them, arrays of records
/// with these columns, and <see cref="AedatFile"/>s.
/// </summary>
public static class EventFile
{
    /// <summary>The extensions that are read.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".npz", ".npy", ".aedat"];

    /// <summary>Reads events, by the file's extension.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Columns of the sensor.</param>
    /// <param name="height">Rows of the sensor.</param>
    /// <exception cref="ArgumentException">Another extension.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is damaged, lacks an array, or has events beside the sensor.</exception>
    public static EventStream Load(string path, int width = 128, int height = 128)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        EventStream.CheckSensor(width, height);
        var extension = Path.GetExtension(path).ToLowerInvariant();
        if (extension == ".aedat") return AedatFile.Load(path, width, height);
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> columns;
        switch (extension)
        {
            case ".npy":
                columns = NpyFile.LoadColumns(path);
                break;
            case ".npz":
                using (var file = NpzFile.Open(path))
                    columns = file.Names.Where(n => n is "t" or "x" or "y" or "p").ToDictionary(n => n, file.Read);
                break;
            default:
                throw new ArgumentException($"Expected a file of events ({string.Join(", ", Extensions)}), got '{path}'", nameof(path));
        }
        var (t, x, y, p) = (Values("t"), Values("x"), Values("y"), Values("p"));
        if (t.Length > 0 && new[] { x, y, p }.Any(v => v.Length != t.Length) || t.Length == 0 && x.Length + y.Length + p.Length > 0)
            throw new InvalidDataException($"{path}: t, x, y and p have {t.Length}, {x.Length}, {y.Length} and {p.Length} numbers");
        var events = new EventBuffer(width, height, t.Length);
        for (var i = 0; i < t.Length; i++)
            if (!events.Add(t[i], x[i], y[i], p[i] > 0))
                throw new InvalidDataException($"{path}: event {i} is at column {x[i]}, row {y[i]}, beside the sensor of {width}×{height}");
        return events.Stream();

        long[] Values(string name)
        {
            if (!columns.TryGetValue(name, out var values))
                throw new InvalidDataException($"{path}: expected t, x, y and p, there is no {name}");
            if (values.dim() != 1 || !values.is_integral() && values.dtype != ScalarType.Bool)
                throw new InvalidDataException(
                    $"{path}: expected {name} as a row of whole numbers, got {values.dtype} ({string.Join(", ", values.shape)})");
            return values.to(ScalarType.Int64).data<long>().ToArray();
        }
    }

    /// <summary>Writes events as a NumPy archive, whole or not at all.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="events">The events: <c>t</c> int64 in µs, <c>x</c> and <c>y</c> int32, <c>p</c> truth values.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(string path, EventStream events)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(events);
        using var scope = NewDisposeScope();
        NpzFile.Save(path, new Dictionary<string, Tensor>
        {
            ["t"] = tensor(events.Times.ToArray(), ScalarType.Int64),
            ["x"] = tensor(Array.ConvertAll(events.X.ToArray(), v => (int)v), ScalarType.Int32),
            ["y"] = tensor(Array.ConvertAll(events.Y.ToArray(), v => (int)v), ScalarType.Int32),
            ["p"] = tensor(events.IsOn.ToArray(), ScalarType.Bool),
        }, compress: true);
    }
}
