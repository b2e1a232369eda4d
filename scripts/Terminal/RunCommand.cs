using System.CommandLine;
using TorchSharp;
using TorchZoo.Distributed;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Reports;
using TorchZoo.Training;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>&lt;paper&gt;</c>: trains, evaluates and checks the claim.</summary>
internal static class RunCommand
{
    public const string DefaultFolder = "runs";

    public static Command Create(Screen screen, RecipeCatalog recipes, string name, IReadOnlyList<string> args)
    {
        var (recipe, paper) = (recipes[name], recipes.PaperOf(name));
        var options = new RunOptions();
        // The help of the program as a whole names the commands, not a hundred papers. (A hidden command has no help of its own.)
        var command = new Command(name, $"{Zoo.Find(paper).Title}: train, evaluate and check the claim") { Hidden = !args.Contains(name) };
        foreach (var option in recipe.Options) command.Options.Add(option);
        options.AddTo(command, RunOptions.Scope.Training);
        command.SetAction(result => Run(screen, Zoo.Find(paper), name, recipe, options, result, args));
        return command;
    }

    private static int Run(Screen screen, Paper paper, string name, Recipe recipe, RunOptions options, ParseResult result,
        IReadOnlyList<string> args)
    {
        var directory = Path.GetFullPath(result.GetValue(options.Out) ?? Folder(name, recipe.Variant(result)));
        if (File.Exists(directory))
            throw new ArgumentException($"The run's folder '{Values.ShortPath(directory)}' is a file; choose another with --out.");
        if (result.GetValue(options.Resume) && !HasCheckpoint(directory))
            throw new ArgumentException($"--resume: there is no checkpoint in {Values.ShortPath(directory)}; run without it.");
        var size = options.Size(result);
        // Of several processes the first writes for all.
        var journal = !ProcessGroup.World.IsFirst ? null : new RunJournal(directory)
        {
            Title = paper.Title,
            Source = $"arXiv {paper.ArXiv}, {paper.Year}",
            Link = $"https://arxiv.org/abs/{paper.ArXiv}",
            Command = Values.CommandLine(args),
            Seed = result.GetValue(options.Seed),
        };
        var console = new ConsoleReport(screen);
        IReport report = journal is null ? console : new JournalReport(console, journal);
        RecipeContext? context = null;
        return new Work(screen, directory, args, canResume: true, journal).Do(size == RunSize.Smoke, (progress, cancellation) =>
        {
            context = new RecipeContext
            {
                Paper = paper,
                Device = options.ResolveDevice(result),
                Size = size,
                Seed = result.GetValue(options.Seed),
                Epochs = result.GetValue(options.Epochs),
                Precision = options.PrecisionOf(result),
                Profile = result.GetValue(options.Profile),
                Directory = directory,
                Resume = result.GetValue(options.Resume),
                Data = result.GetValue(options.Data),
                Arguments = result,
                Progress = progress,
                Output = report,
                Cancellation = cancellation,
            };
            journal?.Begin();
            // An earlier run's page must not pass for this one's if this one is killed.
            if (journal is not null) File.Delete(Path.Combine(directory, RunReport.FileName));
            Introduce(console, context);
            Caution(report, context);
            return recipe.Run(context);
        },
        (claim, seconds) => ClaimOf(claim, context!, seconds, args));
    }

    /// <summary>What the reader has to know to repeat the run.</summary>
    internal static void Introduce(ConsoleReport report, RecipeContext context)
    {
        // Fresh weights of TorchSharp's own layers come from the global generator.
        Seed.Set(context.Seed);
        report.Heading($"{context.Paper.Title} (arXiv {context.Paper.ArXiv}, {context.Paper.Year})");
        var group = ProcessGroup.World;
        // Each rank would take all cores for itself.
        if (group.LocalSize > 1 && Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null)
            torch.set_num_threads(Math.Max(1, Math.Min(torch.get_num_threads(), Environment.ProcessorCount / group.LocalSize)));
        if (group.Size > 1) report.Note("ranks", group.Size);
        report.Note("device", context.Device.type == DeviceType.CPU ? $"cpu, {torch.get_num_threads()} threads"
            : context.Device.ToString());
        report.Note("seed", context.Seed);
        if (context.Precision != Precision.Float32) report.Note("precision", context.Precision.ToString().ToLowerInvariant());
        report.Note("folder", Values.ShortPath(context.Directory));
    }

    /// <summary>What the reader has to know to trust its numbers.</summary>
    internal static void Caution(IReport report, RecipeContext context)
    {
        if (TorchRuntime.Notice is { } notice) report.Warn(notice);
        if (context.Device.type == DeviceType.CUDA && CudaKernels.Problem is { } problem)
            report.Warn($"CUDA kernels are replaced by slower torch operations: {problem}");
        if (context.Size == RunSize.Smoke) report.Warn("a smoke run; its numbers mean nothing");
        if (context.Size == RunSize.Full && context.Device.type == DeviceType.CPU)
            report.Warn("the paper's setting on a CPU: this takes long");
    }

    internal static ClaimFile ClaimOf(Claim claim, RecipeContext context, double seconds, IReadOnlyList<string> args) => new()
    {
        Claim = claim,
        Verdict = claim.Verdict(context.Size == RunSize.Smoke),
        Size = context.Size,
        Device = context.Device.ToString(),
        Seed = context.Seed,
        Seconds = Math.Round(seconds, 3),
        Arguments = args,
    };

    internal static string Folder(string recipe, string? variant) =>
        Path.Combine(DefaultFolder, string.IsNullOrEmpty(variant) ? recipe : $"{recipe}-{variant}");

    private static bool HasCheckpoint(string directory) =>
        Directory.Exists(directory) && Directory.EnumerateFiles(directory, "*.pt", SearchOption.AllDirectories).Any();
}
