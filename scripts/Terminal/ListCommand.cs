using System.CommandLine;
using Spectre.Console;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>list</c>: the papers.</summary>
internal static class ListCommand
{
    public static Command Create(Screen screen, RecipeCatalog recipes)
    {
        var family = FamilyOption.Create("Only this family");
        var markdown = new Option<bool>("--markdown") { Description = "As the table in the README" };
        var command = new Command("list", "List the papers") { family, markdown };
        command.SetAction(result => List(screen, recipes, result.GetValue(family), result.GetValue(markdown)));
        return command;
    }

    private static int List(Screen screen, RecipeCatalog recipes, string? family, bool markdown)
    {
        var papers = Zoo.List(FamilyOption.Check(family));
        if (markdown)
        {
            screen.Raw.WriteLine("| paper | title | arXiv | claim | measured | time | status |\n|---|---|---|---|---|---|---|");
            foreach (var p in papers) screen.Raw.WriteLine(Row(p));
            return ExitCode.Success;
        }
        screen.WriteTable(["paper", "title", "year", "arXiv", "family", "recipes"],
            [.. papers.OrderBy(p => p.Family, StringComparer.Ordinal).ThenBy(p => p.Slug, StringComparer.Ordinal)
                .Select(object[] (p) => [p.Slug, p.Title, p.Year, p.ArXiv, p.Family, string.Join(", ", recipes.NamesOf(p.Slug))])]);
        screen.Out.WriteLine($"{papers.Count} paper{(papers.Count == 1 ? "" : "s")}. To run: dotnet run --project scripts -- <recipe>");
        return ExitCode.Success;
    }

    // Of its first run; the status is that of all.
    private static string Row(Paper p)
    {
        var runs = CardClaims.Read(p.Card() ?? "");
        var failed = runs.Count(r => r.Verdict != CardClaim.Pass);
        var (claim, measured, time, status) = runs.Count == 0 ? ("", "", "", "not measured") : ($"{runs[0].Metric}: {runs[0].Threshold}",
            $"{runs[0].Value}{(runs[0].Baseline.Length > 0 ? $" (baseline {runs[0].Baseline})" : "")}", $"{runs[0].Seconds} s",
            failed > 0 ? $"{failed} of {runs.Count} fail" : runs.Count > 1 ? $"{CardClaim.Pass} ({runs.Count} runs)" : CardClaim.Pass);
        return $"| [{p.Slug}](models/{p.Folder}) | {p.Title} | [{p.ArXiv}](https://arxiv.org/abs/{p.ArXiv}), {p.Year} | {claim} | {measured} | {time} | {status} |";
    }
}
