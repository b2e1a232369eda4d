using System.Text.Json;

namespace TorchZoo.Reports;

/// <summary>What <see cref="RunJournal"/> writes.</summary>
internal sealed record JournalDocument
{
    public string? Title { get; set; }

    public string? Source { get; set; }

    public string? Link { get; set; }

    public string? Command { get; set; }

    public string? Device { get; set; }

    public ulong? Seed { get; set; }

    public required DateTimeOffset Started { get; init; }

    public DateTimeOffset? Ended { get; set; }

    public RunOutcome? Outcome { get; set; }

    public string? Error { get; set; }

    public List<RunClaim> Claims { get; init; } = [];

    public List<JournalEntry> Entries { get; init; } = [];
}

/// <summary>Something that a run said.</summary>
internal sealed record JournalEntry
{
    public required JournalEntryKind Kind { get; init; }

    /// <summary>A heading, a text, a warning, or the caption of a file.</summary>
    public string? Text { get; init; }

    /// <summary>Title of a table, name of a value.</summary>
    public string? Title { get; init; }

    public JsonElement? Value { get; init; }

    public IReadOnlyList<string>? Columns { get; init; }

    public IReadOnlyList<IReadOnlyList<JsonElement>>? Rows { get; init; }

    /// <summary>A file's path within the folder.</summary>
    public string? Path { get; init; }

    /// <summary>Whether it has the parts that its kind has.</summary>
    internal bool IsWhole => Kind switch
    {
        JournalEntryKind.Table => Columns is { } columns && columns.All(c => c is not null)
            && Rows is { } rows && rows.All(r => r?.Count == columns.Count),
        JournalEntryKind.Value => Title is not null && Value is not null,
        JournalEntryKind.File => Path is not null && Text is not null,
        _ => Text is not null,
    };
}

/// <summary>What a <see cref="JournalEntry"/> is.</summary>
internal enum JournalEntryKind
{
    Heading,
    Text,
    Warning,
    Value,
    Table,
    File,
}
