using System.Text.Json;

namespace TorchZoo.Reports.Html;

/// <summary>What a run left in its folder.</summary>
internal sealed class RunFolder
{
    /// <summary>The claim of a run from the command line.</summary>
    public const string ClaimName = "claim.json";

    private const int Depth = 3;

    // What a run's clock and its trainings' may differ by.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);

    private static readonly string[] PictureTypes = [".png", ".jpg", ".jpeg", ".gif", ".webp"];

    private RunFolder(string path) => Path = path;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The folder's name.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>What the run said; null if it said nothing.</summary>
    public JournalDocument? Journal { get; private set; }

    /// <summary>What it was to show.</summary>
    public IReadOnlyList<RunClaim> Claims { get; private set; } = [];

    /// <summary>Its trainings, that in the run's own folder first.</summary>
    public IReadOnlyList<Training> Trainings { get; private set; } = [];

    /// <summary>Its pictures: path within the folder, and caption.</summary>
    public IReadOnlyList<(string Path, string Caption)> Pictures { get; private set; } = [];

    /// <summary>Other files that it wrote.</summary>
    public IReadOnlyList<(string Path, string Caption)> Files { get; private set; } = [];

    /// <summary>What could not be read.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>The training that stands for the run.</summary>
    public Training? Main => Trainings.FirstOrDefault();

    /// <summary>What the run is about.</summary>
    public string Title => Journal?.Title ?? (Main?.Record is { } record ? $"{record.Model}: {record.Name ?? "training"}" : Name);

    /// <summary>How it ended; null if it did not.</summary>
    public RunOutcome? Outcome => Journal is not null ? Journal.Outcome
        : Trainings.Select(t => t.Record?.Outcome).FirstOrDefault(o => o is RunOutcome.Failed or RunOutcome.Stopped) ?? Main?.Record?.Outcome
            ?? (Claims.Count > 0 ? RunOutcome.Finished : null);

    /// <summary>Why it failed.</summary>
    public string? Error => Journal?.Error ?? Trainings.Select(t => t.Record?.Error).FirstOrDefault(e => e is not null);

    /// <summary>When it began.</summary>
    public DateTimeOffset? Started => Journal?.Started ?? Main?.Record?.Started;

    /// <summary>How long it took.</summary>
    public TimeSpan? Time => Journal is { Ended: { } end } journal ? end - journal.Started
        : _seconds is { } seconds ? TimeSpan.FromSeconds(seconds)
        : Main?.Record is { Ended: { } last } record ? last - record.Started : Main?.Time;

    /// <summary>Where it computed.</summary>
    public string? Device => Journal?.Device ?? (Main?.Record is { } record
        ? record.Device == "cpu" ? $"cpu, {record.Threads} thread{(record.Threads == 1 ? "" : "s")}" : record.Device : null);

    /// <summary>The command that repeats it.</summary>
    public string? Command => Journal?.Command ?? (Main?.Record?.CommandLine is { Count: > 0 } line ? CommandText(line) : null);

    private double? _seconds;

    /// <summary>Whether a folder is a run's.</summary>
    public static bool IsRun(string folder) => new[] { RunJournal.FileName, ClaimName, RunRecord.FileName, RunLog.MetricsFile }
        .Any(name => File.Exists(System.IO.Path.Combine(folder, name)));

    /// <summary>Reads a run's folder.</summary>
    /// <exception cref="ArgumentException">There is no such folder, or it is no run's.</exception>
    public static RunFolder Read(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder));
        if (!Directory.Exists(path)) throw new ArgumentException($"There is no folder '{folder}'.", nameof(folder));
        if (!IsRun(path)) throw new ArgumentException(NoRun(folder, path), nameof(folder));
        var run = new RunFolder(path);
        run.ReadJournal();
        run.ReadTrainings();
        run.ReadFiles();
        return run;
    }

    /// <summary>A file of the folder; null if it isn't there, or outside.</summary>
    public string? Find(string relative)
    {
        var full = System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, relative));
        var isInside = full.StartsWith(Path + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal);
        return isInside && System.IO.Path.Exists(full) ? full : null;
    }

    private static string NoRun(string folder, string path)
    {
        var within = Directory.EnumerateDirectories(path).Where(IsRun).Select(d => System.IO.Path.Combine(folder, System.IO.Path.GetFileName(d)))
            .Order(StringComparer.Ordinal).ToList();
        var what = $"'{folder}' is no run's folder: it has no {RunJournal.FileName}, {ClaimName}, {RunRecord.FileName} or {RunLog.MetricsFile}.";
        return within.Count == 0 ? what : $"{what} In it are {string.Join(", ", within.Take(8))}{(within.Count > 8 ? ", …" : "")}.";
    }

    private void ReadJournal()
    {
        if (File.Exists(System.IO.Path.Combine(Path, RunJournal.FileName)))
        {
            try
            {
                Journal = RunJournal.Read(Path);
                Claims = Journal.Claims;
                return;
            }
            catch (InvalidDataException)
            {
                Problems.Add($"{RunJournal.FileName} is damaged and left out");
            }
        }
        ReadClaim();
    }

    // Runs from before there were journals have only this.
    private void ReadClaim()
    {
        var path = System.IO.Path.Combine(Path, ClaimName);
        if (!File.Exists(path)) return;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var claim = document.RootElement.GetProperty("claim");
            Claims =
            [
                new RunClaim(claim.GetProperty("metric").GetString()!, Number(claim.GetProperty("value")) ?? double.NaN,
                    Number(claim.GetProperty("threshold")), Number(claim.GetProperty("baseline")),
                    document.RootElement.GetProperty("verdict").GetString()!,
                    [.. claim.GetProperty("conditions").EnumerateArray()
                        .Select(c => new RunCondition(c.GetProperty("text").GetString()!, c.GetProperty("holds").GetBoolean()))]),
            ];
            _seconds = Number(document.RootElement.GetProperty("seconds"));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            Problems.Add($"{ClaimName} is damaged and left out");
        }
    }

    private static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String => double.Parse(value.GetString()!, System.Globalization.CultureInfo.InvariantCulture),
        _ => null,
    };

    private void ReadTrainings()
    {
        var all = Folders("", Depth).Select(f => Training.Read(Path, f, Problems)).OfType<Training>().ToList();
        // An earlier run in the same folder may have had trainings that this one hasn't.
        var old = Journal is null ? []
            : all.Where(t => t.Record is { } record && record.Started < Journal.Started - Slack).ToList();
        if (old.Count > 0)
            Problems.Add($"left out, because of an earlier run in this folder: {string.Join(", ", old.Select(t => t.Name))}");
        Trainings = [.. all.Except(old)];
    }

    private IEnumerable<string> Folders(string path, int depth)
    {
        yield return path;
        if (depth == 0) yield break;
        foreach (var folder in Directory.EnumerateDirectories(System.IO.Path.Combine(Path, path)).Order(StringComparer.Ordinal))
        {
            // Runs within are runs of their own.
            if (new[] { RunJournal.FileName, ClaimName }.Any(n => File.Exists(System.IO.Path.Combine(folder, n)))) continue;
            var name = System.IO.Path.GetFileName(folder);
            foreach (var within in Folders(path.Length > 0 ? $"{path}/{name}" : name, depth - 1)) yield return within;
        }
    }

    private void ReadFiles()
    {
        var said = Journal?.Entries.Where(e => e.Kind == JournalEntryKind.File).Select(e => (e.Path!, e.Text!)).ToList()
            ?? [.. Trainings.Select(t => t.Path).Prepend("").Distinct().SelectMany(PicturesIn)];
        // A later picture of the same name took the place of the earlier one.
        var files = said.GroupBy(f => f.Item1).Select(g => g.Last()).ToList();
        foreach (var (path, _) in files.Where(f => Find(f.Item1) is null).ToList()) Problems.Add($"{path} is not in the folder");
        files.RemoveAll(f => Find(f.Item1) is null);
        Pictures = [.. files.Where(f => IsPicture(f.Item1))];
        Files = [.. files.Where(f => !IsPicture(f.Item1))];
    }

    private IEnumerable<(string, string)> PicturesIn(string folder) => Directory.EnumerateFiles(System.IO.Path.Combine(Path, folder))
        .Where(IsPicture).Order(StringComparer.Ordinal)
        .Select(f => (System.IO.Path.GetRelativePath(Path, f).Replace('\\', '/'), System.IO.Path.GetFileNameWithoutExtension(f)));

    private static bool IsPicture(string path) => PictureTypes.Contains(System.IO.Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    // A program is started by `dotnet`, this project's by `dotnet run`.
    private static string CommandText(IReadOnlyList<string> line)
    {
        var program = line[0];
        var start = System.IO.Path.GetFileNameWithoutExtension(program) == "TorchZoo.Scripts" ? "dotnet run --project scripts --"
            : program.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? $"dotnet {ShellText.Quoted(program)}" : ShellText.Quoted(program);
        return string.Join(' ', line.Skip(1).Select(ShellText.Quoted).Prepend(start));
    }
}
