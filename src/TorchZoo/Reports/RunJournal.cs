using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using TorchZoo.Checkpoints;

namespace TorchZoo.Reports;

/// <summary>
/// What a run has to say beside its metrics: texts, named values, tables, pictures and other files, in the order in which they came. It
/// stands in the run's folder as <c>report.json</c>, whole after every entry, and <see cref="RunReport"/> makes a page of it.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
/// <example><code>
/// var journal = new RunJournal("runs/mine") { Title = "My experiment", Command = "dotnet run -- --width 64" };
/// journal.Table("test error", ["model", "error"], [["mine", 0.013], ["baseline", 0.42]]);
/// journal.File("runs/mine/fields.png", "truth and prediction");
/// journal.End(RunOutcome.Finished);
/// RunReport.Write("runs/mine");
/// </code></example>
public sealed class RunJournal
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "report.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private readonly string _directory;
    private readonly JournalDocument _document = new() { Started = DateTimeOffset.Now };

    /// <summary>Begins the journal of a run; the file comes with the first entry.</summary>
    /// <param name="directory">The run's folder.</param>
    public RunJournal(string directory)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        _directory = Path.GetFullPath(directory);
    }

    /// <summary>What the run is about, e.g. the paper's title.</summary>
    public string? Title { get => _document.Title; init => _document.Title = value; }

    /// <summary>Where that comes from, e.g. <c>arXiv 2010.08895, 2020</c>.</summary>
    public string? Source { get => _document.Source; init => _document.Source = value; }

    /// <summary>Where to read it: an <c>https</c> address.</summary>
    public string? Link { get => _document.Link; init => _document.Link = value; }

    /// <summary>The command that repeats the run.</summary>
    public string? Command { get => _document.Command; init => _document.Command = value; }

    /// <summary>Where it computed.</summary>
    public string? Device { get => _document.Device; init => _document.Device = value; }

    /// <summary>Where its random numbers came from.</summary>
    public ulong? Seed { get => _document.Seed; init => _document.Seed = value; }

    /// <summary>Whether there is a file.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Writes the file before there is an entry: a run that is killed early has a report too.</summary>
    public void Begin() => Write();

    /// <summary>A heading for what follows.</summary>
    public void Heading(string text) => Add(new JournalEntry { Kind = JournalEntryKind.Heading, Text = Given(text) });

    /// <summary>A paragraph of text.</summary>
    public void Say(string text) => Add(new JournalEntry { Kind = JournalEntryKind.Text, Text = Given(text) });

    /// <summary>Something that the reader should know before trusting the numbers.</summary>
    public void Warn(string text) => Add(new JournalEntry { Kind = JournalEntryKind.Warning, Text = Given(text) });

    /// <summary>A named value.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">A number or a text.</param>
    public void Note(string name, object value) =>
        Add(new JournalEntry { Kind = JournalEntryKind.Value, Title = Given(name), Value = Cell(value) });

    /// <summary>A table.</summary>
    /// <param name="title">What it shows; null: nothing above it.</param>
    /// <param name="columns">Column heads.</param>
    /// <param name="rows">Rows of as many numbers or texts.</param>
    /// <exception cref="ArgumentException">A row has another number of cells.</exception>
    public void Table(string? title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows)
    {
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentNullException.ThrowIfNull(rows);
        var all = rows.Select(r => (IReadOnlyList<JsonElement>)[.. r.Select(Cell)]).ToList();
        if (all.FirstOrDefault(r => r.Count != columns.Count) is { } odd)
            throw new ArgumentException($"A row of {columns.Count} cells was expected; one has {odd.Count}.", nameof(rows));
        Add(new JournalEntry { Kind = JournalEntryKind.Table, Title = title, Columns = columns, Rows = all });
    }

    /// <summary>A file that the run wrote. Pictures (PNG, JPEG, GIF, WebP) are shown in the report, others named.</summary>
    /// <param name="path">Where; within the run's folder.</param>
    /// <param name="caption">What it shows.</param>
    public void File(string path, string caption)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var relative = Path.GetRelativePath(_directory, Path.GetFullPath(path)).Replace('\\', '/');
        Add(new JournalEntry { Kind = JournalEntryKind.File, Path = relative, Text = Given(caption) });
    }

    /// <summary>What the run was to show, and whether it did.</summary>
    public void Claim(RunClaim claim)
    {
        ArgumentNullException.ThrowIfNull(claim);
        _document.Claims.Add(claim);
        Write();
    }

    /// <summary>The run ended.</summary>
    /// <param name="outcome">How.</param>
    /// <param name="error">Why it failed.</param>
    public void End(RunOutcome outcome, string? error = null)
    {
        (_document.Outcome, _document.Error, _document.Ended) = (outcome, error, DateTimeOffset.Now);
        Write();
    }

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    internal static JournalDocument Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        try
        {
            var document = JsonSerializer.Deserialize<JournalDocument>(System.IO.File.ReadAllBytes(path), Json);
            return document is { Claims: not null, Entries: not null } && document.Entries.All(e => e is { IsWhole: true })
                && document.Claims.All(c => c is { Metric: not null, Verdict: not null, Conditions: not null }
                    && c.Conditions.All(d => d is { Text: not null }))
                ? document : throw new JsonException("an entry lacks a part");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: not a run's journal ({e.Message})", e);
        }
    }

    private void Add(JournalEntry entry)
    {
        _document.Entries.Add(entry);
        Write();
    }

    private void Write()
    {
        Directory.CreateDirectory(_directory);
        AtomicFile.Write(Path.Combine(_directory, FileName), stream => JsonSerializer.Serialize(stream, _document, Json));
        HasBegun = true;
    }

    private static string Given(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text;
    }

    private static JsonElement Cell(object value) => value switch
    {
        null => throw new ArgumentNullException(nameof(value)),
        float number => JsonSerializer.SerializeToElement((double)number, Json),
        double or int or long or uint or ulong or short or ushort or byte or sbyte =>
            JsonSerializer.SerializeToElement(value, value.GetType(), Json),
        bool truth => JsonSerializer.SerializeToElement(truth ? "yes" : "no", Json),
        IFormattable other => JsonSerializer.SerializeToElement(other.ToString(null, System.Globalization.CultureInfo.InvariantCulture), Json),
        _ => JsonSerializer.SerializeToElement(value.ToString() ?? "", Json),
    };
}
