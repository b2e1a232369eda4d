using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace TorchZoo.Benchmarks;

/// <summary>Two runs' JSON lines side by side.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var before = new Argument<string>("OLD") { Description = "JSON lines of the run before" };
        var after = new Argument<string>("NEW") { Description = "JSON lines of the run after" };
        var tolerance = new Option<double>("--tolerance") { Description = "By what share a figure may become worse", DefaultValueFactory = _ => 0.1 };
        before.AcceptLegalFilePathsOnly();
        after.AcceptLegalFilePathsOnly();
        var command = new Command("compare", "Shows what became better and worse between two runs of --json; 1 if anything did become worse.") { before, after, tolerance };
        command.SetAction(arguments =>
        {
            try
            {
                return Compare(Result.Read(arguments.GetRequiredValue(before)), Result.Read(arguments.GetRequiredValue(after)), arguments.GetValue(tolerance));
            }
            catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine(e.Message);
                return 1;
            }
        });
        return command;
    }

    private static int Compare(IReadOnlyDictionary<string, Result> before, IReadOnlyDictionary<string, Result> after, double tolerance)
    {
        var table = new Table().AddColumns("name", "figure", "old", "new", "change", "");
        var worse = 0;
        foreach (var name in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
        {
            if (!before.TryGetValue(name, out var old) || !after.TryGetValue(name, out var now))
            {
                table.AddRow(Markup.Escape(name), "", Number(before.GetValueOrDefault(name)?.Figure), Number(after.GetValueOrDefault(name)?.Figure), "", before.ContainsKey(name) ? "gone" : "new");
                continue;
            }
            // How many times better.
            var gain = now.MoreIsBetter ? now.Figure / old.Figure : old.Figure / now.Figure;
            // The machine's own figures are no merit of ours.
            var verdict = name.StartsWith("machine/", StringComparison.Ordinal) ? "" : gain < 1 / (1 + tolerance) ? "worse" : gain > 1 + tolerance ? "better" : "";
            if (verdict == "worse") worse++;
            table.AddRow(Markup.Escape(name), now.Ratio is null ? now.Unit : "ratio", Number(old.Figure), Number(now.Figure),
                (now.Figure / old.Figure - 1).ToString("+0 %;−0 %;0 %", CultureInfo.InvariantCulture), verdict);
        }
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 180;
        AnsiConsole.Write(table);
        return worse == 0 ? 0 : 1;
    }

    private static string Number(double? value) => value is { } v ? v.ToString("G4", CultureInfo.InvariantCulture) : "";
}
