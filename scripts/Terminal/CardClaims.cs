using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace TorchZoo.Scripts.Terminal;

/// <summary>What was measured of a paper's claim, one run of its recipes.</summary>
/// <param name="Run">The recipe with its options.</param>
/// <param name="Metric">What was measured.</param>
/// <param name="Value">Its value; empty if the run didn't get that far.</param>
/// <param name="Threshold">What the claim asks for.</param>
/// <param name="Baseline">The baseline's value.</param>
/// <param name="Verdict">PASS, FAIL, or how it ended.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Measured">When and on what.</param>
/// <param name="Conditions">What had to hold, each with a sign whether it did.</param>
internal sealed record CardClaim(string Run, string Metric, string Value, string Threshold, string Baseline, string Verdict, string Seconds,
    string Measured, string Conditions)
{
    public const string Pass = "PASS";

    public static CardClaim Of(string run, ClaimFile file) => new(run, file.Claim.Metric, Claim.Number(file.Claim.Value),
        Claim.Number(file.Claim.Threshold), file.Claim.Baseline is null ? "" : Claim.Number(file.Claim.Baseline), file.Verdict,
        Values.Format(Math.Round(file.Seconds)), $"{DateTime.Now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}, {file.Device}",
        string.Join("; ", file.Claim.Conditions.Select(c => $"{(c.Holds ? '✓' : '✗')} {c.Text}")));
}

/// <summary>The part of a paper's card that <c>claims --cards</c> writes, between two marks: a line for each run, none by hand.</summary>
internal static partial class CardClaims
{
    private const string Begin = "<!-- claims: written by dotnet run --project scripts -- claims --cards -->", End = "<!-- end of claims -->",
        Heading = "## Claim\n";

    private static readonly string[] Columns = ["run", "metric", "value", "threshold", "baseline", "verdict", "seconds", "measured"];

    /// <summary>The runs that a card has; none if it has no such part.</summary>
    public static IReadOnlyList<CardClaim> Read(string card)
    {
        var part = Part().Match(card.ReplaceLineEndings("\n"));
        if (!part.Success) return [];
        var conditions = Condition().Matches(part.Value).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        return [.. part.Value.Split('\n').Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => Bar().Split(line[1..^1]).Select(c => c.Trim().Replace("\\|", "|", StringComparison.Ordinal)).ToArray())
            .Where(cells => cells.Length == Columns.Length)
            .Select(cells => (Run: cells[0].Trim('`'), Cells: cells))
            .Select(c => new CardClaim(c.Run, c.Cells[1], c.Cells[2], c.Cells[3], c.Cells[4], c.Cells[5], c.Cells[6], c.Cells[7],
                conditions.GetValueOrDefault(c.Run, "")))];
    }

    /// <summary>A card with runs in place of the same runs' older lines; others stay. Without marks they come below the heading of the
    /// claim, or to the end.</summary>
    public static string Write(string card, IEnumerable<CardClaim> runs)
    {
        card = card.ReplaceLineEndings("\n");
        var all = Read(card).ToList();
        foreach (var run in runs)
        {
            var at = all.FindIndex(c => c.Run == run.Run);
            if (at < 0) all.Add(run);
            else all[at] = run;
        }
        var text = new StringBuilder(Begin).Append("\n\n").Append(Screen.MarkdownTable(Columns,
            [.. all.Select(string[] (c) => [$"`{c.Run}`", c.Metric, c.Value, c.Threshold, c.Baseline, c.Verdict, c.Seconds, c.Measured])],
            [false, false, true, true, true, false, true, false]));
        if (all.Any(c => c.Conditions.Length > 0))
        {
            text.Append("\nWhat had to hold:\n\n");
            foreach (var c in all.Where(c => c.Conditions.Length > 0)) text.Append(CultureInfo.InvariantCulture, $"- `{c.Run}`: {c.Conditions}\n");
        }
        text.Append('\n').Append(End);
        if (Part().Match(card) is { Success: true } part) return card[..part.Index] + text + card[(part.Index + part.Length)..];
        var heading = card.IndexOf(Heading, StringComparison.Ordinal);
        return heading < 0 ? $"{card.TrimEnd()}\n\n{Heading}\n{text}\n" : card.Insert(heading + Heading.Length, $"\n{text}\n");
    }

    /// <summary>The folder of cards above the current one.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static string Folder()
    {
        for (var folder = Environment.CurrentDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "TorchZoo.sln"))) return Path.Combine(folder, "models");
        throw new ArgumentException("--cards writes into the papers' folders: run it inside of the repository.");
    }

    [GeneratedRegex(@"<!-- claims: .*?<!-- end of claims -->", RegexOptions.Singleline)]
    private static partial Regex Part();

    [GeneratedRegex(@"^- `([^`]*)`: (.*)$", RegexOptions.Multiline)]
    private static partial Regex Condition();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Bar();
}
