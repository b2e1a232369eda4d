using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using TorchZoo.Checkpoints;

namespace TorchZoo.Reports;

/// <summary>
/// A run's numbers as JSON lines: <c>{"step":120,"epoch":2,"loss":0.031,"lr":0.0029}</c>, one object a line. What JSON has no number for is
/// written as <c>"NaN"</c>, <c>"Infinity"</c> or <c>"-Infinity"</c>, so that a diverged run can be read too.
/// </summary>
/// <remarks>
/// Lines reach the file within a second or at <see cref="Flush"/>; call that before a checkpoint is written, so that the log is never
/// behind it.
/// Not thread-safe.
/// </remarks>
public sealed class MetricsLog : IDisposable
{
    private const string StepName = "step", EpochName = "epoch";
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(1);
    private readonly FileStream _file;
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Utf8JsonWriter _json;
    private long _flushed = Stopwatch.GetTimestamp();

    /// <summary>Opens a log.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="resumeAt">Null: begin anew. A step: keep what the file says up to and including that step, and go on after it; lines of
    /// later steps, which the resumed run writes again, and a torn last line are dropped.</param>
    /// <exception cref="InvalidDataException">The file to go on with has a damaged line before its last.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public MetricsLog(string path, long? resumeAt = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var kept = resumeAt is { } last && File.Exists(path)
            ? Lines(path).Where(l => l.Record.Step <= last).Select(l => l.Text).ToList()
            : [];
        // Through a new file: a run that is killed while it resumes has lost nothing.
        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            foreach (var line in kept) writer.WriteLine(line);
        });
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        _json = new Utf8JsonWriter(_buffer);
    }

    /// <summary>Writes a line.</summary>
    /// <param name="step">The training step.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="values">What was measured. The names <c>step</c> and <c>epoch</c> are taken.</param>
    /// <exception cref="ArgumentException">A name is empty or taken.</exception>
    public void Write(long step, long epoch, params IEnumerable<KeyValuePair<string, double>> values)
    {
        ObjectDisposedException.ThrowIf(!_file.CanWrite, this);
        var pairs = values as ICollection<KeyValuePair<string, double>> ?? [.. values];
        foreach (var (name, _) in pairs)
            if (string.IsNullOrEmpty(name) || name is StepName or EpochName)
                throw new ArgumentException($"A metric's name was expected that is neither empty nor {StepName} or {EpochName}; it is '{name}'.", nameof(values));
        _json.Reset(_buffer);
        _json.WriteStartObject();
        _json.WriteNumber(StepName, step);
        _json.WriteNumber(EpochName, epoch);
        foreach (var (name, value) in pairs)
        {
            if (double.IsFinite(value)) _json.WriteNumber(name, value);
            else _json.WriteString(name, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }
        _json.WriteEndObject();
        _json.Flush();
        _buffer.Write("\n"u8);
        if (Stopwatch.GetElapsedTime(_flushed) >= FlushInterval) Flush();
    }

    /// <summary>Hands all lines to the operating system: they survive the end of this process.</summary>
    public void Flush()
    {
        _file.Write(_buffer.WrittenSpan);
        _file.Flush();
        _buffer.ResetWrittenCount();
        _flushed = Stopwatch.GetTimestamp();
    }

    /// <summary>Reads a log. A torn last line, as a killed process leaves it, is left out.</summary>
    /// <exception cref="InvalidDataException">Another line is damaged; the message says which.</exception>
    public static IReadOnlyList<MetricsRecord> Read(string path) => [.. Lines(path).Select(l => l.Record)];

    /// <summary>Reads what can be read of a log: damaged lines are counted and left out. A torn last line is not counted.</summary>
    internal static IReadOnlyList<MetricsRecord> ReadWhatCanBe(string path, out int damaged)
    {
        var records = new List<MetricsRecord>();
        damaged = 0;
        foreach (var (text, isWhole) in Texts(path))
        {
            try
            {
                if (isWhole) records.Add(Parse(text, path, 0));
            }
            catch (InvalidDataException)
            {
                damaged++;
            }
        }
        return records;
    }

    /// <summary>Writes what is left and closes the file.</summary>
    public void Dispose()
    {
        if (!_file.CanWrite) return;
        Flush();
        _json.Dispose();
        _file.Dispose();
    }

    private static IEnumerable<(string Text, MetricsRecord Record)> Lines(string path) =>
        Texts(path).Where(l => l.IsWhole).Select((l, i) => (l.Text, Parse(l.Text, path, i + 1)));

    private static IEnumerable<(string Text, bool IsWhole)> Texts(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        var lines = reader.ReadToEnd().Split('\n');
        // Every whole line ends in a line break, so what follows the last one is empty or torn.
        return lines.Select((l, i) => (l, i < lines.Length - 1));
    }

    private static MetricsRecord Parse(string line, string path, int number)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var values = new Dictionary<string, double>(StringComparer.Ordinal);
            long? step = null, epoch = null;
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.NameEquals(StepName)) step = property.Value.GetInt64();
                else if (property.NameEquals(EpochName)) epoch = property.Value.GetInt64();
                else values[property.Name] = Number(property.Value);
            }
            return new MetricsRecord(step ?? throw new FormatException("no step"), epoch ?? throw new FormatException("no epoch"), values);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}, line {number}: not a line of metrics ({e.Message})", e);
        }
    }

    private static double Number(JsonElement value) => value.ValueKind == JsonValueKind.String
        ? value.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            var other => throw new FormatException($"'{other}' is no number"),
        }
        : value.GetDouble();
}
