using System.CommandLine;
using Spectre.Console;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>show</c>: a paper's card.</summary>
internal static class ShowCommand
{
    public static Command Create(Screen screen, RecipeCatalog recipes)
    {
        var paper = new Argument<string>("paper") { Description = "The paper's short name; see list" };
        var command = new Command("show", "Show a paper's card") { paper };
        command.SetAction(result => Show(screen, recipes, Zoo.Find(result.GetRequiredValue(paper))));
        return command;
    }

    private static int Show(Screen screen, RecipeCatalog recipes, Paper paper)
    {
        var report = new ConsoleReport(screen);
        report.Heading(paper.Title);
        report.Note("paper", $"arXiv {paper.ArXiv} ({paper.Year}), https://arxiv.org/abs/{paper.ArXiv}");
        report.Note("family", paper.Family);
        report.Note("type", paper.Type.FullName!);
        foreach (var name in recipes.NamesOf(paper.Slug).DefaultIfEmpty())
            report.Note("run", name is null ? "no recipe" : $"dotnet run --project scripts -- {name}");
        screen.Out.WriteLine();
        switch (paper.Card())
        {
            case null: screen.Out.WriteLine("It has no card yet."); break;
            case var card when screen.IsRich: screen.Out.Write(MarkdownView.Of(card)); break;
            // Markdown is made to be read as it is; whatever reads the pipe may also render it.
            case var card: screen.Raw.WriteLine(card); break;
        }
        return ExitCode.Success;
    }
}
