using System.CommandLine;
using Spectre.Console;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>list</c>: the papers.</summary>
internal static class ListCommand
{
    public static Command Create(Screen screen, RecipeCatalog recipes)
    {
        var family = new Option<string?>("--family") { Description = "Only this family, e.g. Operators", HelpName = "FAMILY" };
        var command = new Command("list", "List the papers") { family };
        command.SetAction(result => List(screen, recipes, result.GetValue(family)));
        return command;
    }

    private static int List(Screen screen, RecipeCatalog recipes, string? family)
    {
        var families = Zoo.List().Select(p => p.Family).Distinct().ToList();
        if (family is not null && !families.Contains(family, StringComparer.OrdinalIgnoreCase))
            throw UsageErrors.Unknown("family", family, families);
        var papers = Zoo.List(family);
        screen.WriteTable(["paper", "title", "year", "arXiv", "family", "recipe"],
            [.. papers.OrderBy(p => p.Family, StringComparer.Ordinal).ThenBy(p => p.Slug, StringComparer.Ordinal)
                .Select(object[] (p) => [p.Slug, p.Title, p.Year, p.ArXiv, p.Family, recipes.Contains(p.Slug) ? "yes" : ""])]);
        screen.Out.WriteLine($"{papers.Count} paper{(papers.Count == 1 ? "" : "s")}. Those with a recipe run: dotnet run --project scripts -- <paper>");
        return ExitCode.Success;
    }
}
