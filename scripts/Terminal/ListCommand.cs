using System.CommandLine;
using Spectre.Console;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>list</c>: the papers.</summary>
internal static class ListCommand
{
    public static Command Create(Screen screen, RecipeCatalog recipes)
    {
        var family = new Option<string?>("--family") { Description = "Only this family, e.g. Operators", HelpName = "FAMILY" };
        var markdown = new Option<bool>("--markdown") { Description = "As the table in the README" };
        var command = new Command("list", "List the papers") { family, markdown };
        command.SetAction(result => List(screen, recipes, result.GetValue(family), result.GetValue(markdown)));
        return command;
    }

    private static int List(Screen screen, RecipeCatalog recipes, string? family, bool markdown)
    {
        var families = Zoo.List().Select(p => p.Family).Distinct().ToList();
        if (family is not null && !families.Contains(family, StringComparer.OrdinalIgnoreCase))
            throw UsageErrors.Unknown("family", family, families);
        var papers = Zoo.List(family);
        if (markdown)
        {
            screen.Out.WriteLine("| paper | title | year | arXiv | family |\n|---|---|---|---|---|");
            foreach (var p in papers)
                screen.Out.WriteLine($"| [{p.Slug}](models/{p.Folder}) | {p.Title} | {p.Year} | [{p.ArXiv}](https://arxiv.org/abs/{p.ArXiv}) | {p.Family} |");
            return ExitCode.Success;
        }
        screen.WriteTable(["paper", "title", "year", "arXiv", "family", "recipes"],
            [.. papers.OrderBy(p => p.Family, StringComparer.Ordinal).ThenBy(p => p.Slug, StringComparer.Ordinal)
                .Select(object[] (p) => [p.Slug, p.Title, p.Year, p.ArXiv, p.Family, string.Join(", ", recipes.NamesOf(p.Slug))])]);
        screen.Out.WriteLine($"{papers.Count} paper{(papers.Count == 1 ? "" : "s")}. To run: dotnet run --project scripts -- <recipe>");
        return ExitCode.Success;
    }
}
