using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;
using Spectre.Console;
using TorchSharp;

namespace TorchZoo.Scripts.Terminal;

/// <summary>The command line: what it understands, and who does it.</summary>
internal sealed class Application(Screen screen, RecipeCatalog recipes)
{
    private static readonly ParserConfiguration Parser = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    /// <summary>Does what the arguments say.</summary>
    /// <returns>The process's exit code; see <see cref="ExitCode"/>.</returns>
    public int Run(IReadOnlyList<string> args)
    {
        try
        {
            return Parse(args);
        }
        catch (Exception e)
        {
            return Failures.Report(screen, e, directory: null);
        }
    }

    private int Parse(IReadOnlyList<string> args)
    {
        var root = Root(args);
        // The parser would look for a command among the arguments that follow.
        if (args is [var first, ..] && first[..Math.Min(1, first.Length)] != "-" && root.Subcommands.All(c => c.Name != first))
            return Refuse(UsageErrors.UnknownCommand(first, root, PapersWithoutRecipe()), "");
        var result = root.Parse(args, Parser);
        if (result.Errors.Count > 0 && result.Action is not HelpAction)
        {
            if (args.Count == 0) return root.Parse(["--help"], Parser).Invoke(Invocation());
            return Refuse(UsageErrors.Explain(result), PathOf(result.CommandResult));
        }
        try
        {
            return result.Invoke(Invocation());
        }
        catch (ArgumentException e)
        {
            return Refuse(Failures.Message(e), PathOf(result.CommandResult));
        }
    }

    // "checkpoint inspect ": what to type before an option of a command.
    private static string PathOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{PathOf(parent)}{result.Command.Name} " : "";

    private InvocationConfiguration Invocation() => new()
    {
        Output = screen.Raw,
        Error = screen.Error.Profile.Out.Writer,
        EnableDefaultExceptionHandler = false,
        // Signals are ours: see Interrupts.
        ProcessTerminationTimeout = null,
    };

    private int Refuse(string message, string command)
    {
        screen.Complain(message);
        screen.Error.WriteLine($"Help: dotnet run --project scripts -- {command}--help");
        return ExitCode.Usage;
    }

    private string[] PapersWithoutRecipe() => [.. Zoo.List().Select(p => p.Slug).Where(s => !recipes.NamesOf(s).Any())];

    private Command Root(IReadOnlyList<string> args)
    {
        var root = new Command("torchzoo", "Papers of deep learning in C#: train them, check their claims, use their weights.")
        {
            new HelpOption(), Version(),
            new Command("<paper>", "Train a paper's model, evaluate it and check the paper's claim; <paper> --help shows its options"),
            ListCommand.Create(screen, recipes), ShowCommand.Create(screen, recipes),
            ClaimsCommand.Create(screen, recipes), EvaluateCommand.Create(screen, recipes, args, Parser),
            EvaluateCommand.CreateSample(screen, recipes, args, Parser), ReportCommand.Create(screen), CheckpointCommand.Create(screen),
            DataCommand.Create(screen, DataCommand.OfProgram),
        };
        foreach (var name in recipes.Names) root.Subcommands.Add(RunCommand.Create(screen, recipes, name, args));
        foreach (var command in root.Subcommands.SelectMany(c => c.Subcommands.Prepend(c))) command.Options.Add(new HelpOption());
        return root;
    }

    private VersionOption Version() => new() { Action = new PrintVersion(screen) };

    private sealed class PrintVersion(Screen screen) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            screen.Raw.WriteLine($"TorchZoo {Of(typeof(Zoo))} (TorchSharp {Of(typeof(torch))}, .NET {Environment.Version})");
            return ExitCode.Success;
        }

        // Without the commit that follows the plus sign.
        private static string Of(Type type) =>
            type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "?";
    }
}
