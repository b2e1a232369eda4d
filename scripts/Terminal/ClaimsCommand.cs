using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Spectre.Console;
using TorchZoo.Checkpoints;

namespace TorchZoo.Scripts.Terminal;

/// <summary>
/// <c>claims</c>: runs the recipes one after another, each in a process of its own (a crash or a leak of one does not touch the next), and
/// writes a table.
/// </summary>
internal static partial class ClaimsCommand
{
    private const string FileName = "claims.md";

    public static Command Create(Screen screen, RecipeCatalog recipes)
    {
        var options = new RunOptions();
        var papers = new Argument<string[]>("papers")
        { Description = "Papers or recipes to run; none: all", Arity = ArgumentArity.ZeroOrMore };
        var family = FamilyOption.Create("Only this family's papers");
        var cards = new Option<bool>("--cards") { Description = "Write what was measured into the papers' cards" };
        var command = new Command("claims", "Check the claims of many papers and write a table of them") { papers, family, cards };
        options.AddTo(command, RunOptions.Scope.Claims);
        command.Validators.Add(result =>
        {
            if (result.GetValue(cards) && result.GetValue(options.Smoke)) result.AddError("--cards and --smoke exclude each other.");
        });
        command.SetAction(result => Run(screen, recipes, options, result,
            Names(recipes, result.GetValue(papers) ?? [], FamilyOption.Check(result.GetValue(family))),
            result.GetValue(cards) ? CardClaims.Folder() : null));
        return command;
    }

    private static string[] Names(RecipeCatalog recipes, string[] papers, string? family)
    {
        foreach (var paper in papers)
            if (!Chosen(recipes, paper).Any()) throw UsageErrors.Unknown("paper with a recipe", paper, recipes.Names);
        IEnumerable<string> names = papers.Length > 0 ? papers.SelectMany(p => Chosen(recipes, p)).Distinct() : recipes.Names;
        return [.. names.Where(name => family is null || Zoo.Find(recipes.PaperOf(name)).Family == family)];
    }

    private static int Run(Screen screen, RecipeCatalog recipes, RunOptions options, ParseResult result, string[] names, string? cards)
    {
        var root = Path.GetFullPath(result.GetValue(options.Out) ?? RunCommand.DefaultFolder);
        Directory.CreateDirectory(root);
        using var interrupts = new Interrupts(atOnce => screen.Error.WriteLine(atOnce ? "Ended." : "Stopping ..."));
        var rows = new List<Row>();
        foreach (var recipe in names)
            foreach (var extra in recipes[recipe].Claims)
            {
                if (interrupts.Token.IsCancellationRequested) return ExitCode.Interrupted;
                var name = string.Join(' ', extra.Prepend(recipe));
                var directory = Path.Combine(root, string.Join('-', SettingsOf(extra).Prepend(recipe)));
                Directory.CreateDirectory(directory);
                File.Delete(Path.Combine(directory, ClaimFile.Name));
                var exit = Child([recipe, .. extra, .. PassedOn(options, result), "--out", directory], interrupts.Token);
                if (interrupts.Token.IsCancellationRequested) return ExitCode.Interrupted;
                var file = ClaimFile.TryRead(directory);
                rows.Add(new Row(name, file, exit));
                if (cards is not null && file is not null) WriteCard(Path.Combine(cards, Zoo.Find(recipes.PaperOf(recipe)).Folder), name, file);
                // After every run: an hour of claims is not lost when the last one ends the process.
                AtomicFile.Write(Path.Combine(root, FileName), stream => stream.Write(Encoding.UTF8.GetBytes(Table(rows))));
            }
        screen.Out.WriteLine();
        screen.Raw.Write(Table(rows));
        screen.Out.WriteLine();
        new ConsoleReport(screen).Wrote(Path.Combine(root, FileName), "this table");
        var failed = rows.Count(r => r.Exit != ExitCode.Success);
        screen.Raw.WriteLine($"claims: {rows.Count - failed} {(result.GetValue(options.Smoke) ? "ran" : "hold")}, {failed} failed");
        return failed == 0 ? ExitCode.Success : ExitCode.Failed;
    }

    private static void WriteCard(string folder, string run, ClaimFile file)
    {
        var path = Path.Combine(folder, "README.md");
        var card = CardClaims.Write(File.ReadAllText(path), [CardClaim.Of(run, file)]);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(card)));
    }

    // What the options are set to; of those that are only switched on, the name.
    private static IEnumerable<string> SettingsOf(IReadOnlyList<string> options) =>
        options.Where((o, i) => o[0] != '-' || i + 1 == options.Count || options[i + 1][0] == '-').Select(o => o.TrimStart('-'));

    // All recipes of a paper, or the one of this name.
    private static IEnumerable<string> Chosen(RecipeCatalog recipes, string name) => recipes.NamesOf(name).Any() ? recipes.NamesOf(name)
        : recipes.Contains(name) ? [name] : [];

    private static IEnumerable<string> PassedOn(RunOptions options, ParseResult result)
    {
        yield return "--device";
        yield return result.GetValue(options.Device)!;
        yield return "--seed";
        yield return Values.Format(result.GetValue(options.Seed));
        if (result.GetValue(options.Smoke)) yield return "--smoke";
        if (result.GetValue(options.Full)) yield return "--full";
    }

    private static string Table(IEnumerable<Row> rows) => Screen.MarkdownTable(
        ["paper", "metric", "value", "threshold", "baseline", "verdict", "seconds"],
        [.. rows.Select(string[] (r) => r.File is not { Claim: var claim } file
            ? [r.Name, "", "", "", "", $"ended with exit code {r.Exit}", ""]
            : [r.Name, claim.Metric, Claim.Number(claim.Value), Claim.Number(claim.Threshold), Claim.Number(claim.Baseline), file.Verdict,
               Values.Format(Math.Round(file.Seconds, 1))])],
        [false, false, true, true, true, false, true]);

    // The same program again; with `dotnet TorchZoo.Scripts.dll` that is the host and the dll.
    private static int Child(string[] args, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (var arg in args) start.ArgumentList.Add(arg);
        using var process = Process.Start(start)!;
        // A terminal's Ctrl+C reaches the child by itself; SIGTERM to us alone does not, and a second one does no harm.
        using var stop = cancellation.Register(() =>
        {
            if (OperatingSystem.IsWindows()) process.Kill();
            else _ = Kill(process.Id, SigTerm);
        });
        process.WaitForExit();
        return process.ExitCode;
    }

    private const int SigTerm = 15;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private sealed record Row(string Name, ClaimFile? File, int Exit);
}
