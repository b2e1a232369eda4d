using System.CommandLine;
using TorchZoo.Checkpoints;

namespace TorchZoo.Scripts.Terminal;

/// <summary><c>evaluate</c> and <c>sample</c>: a checkpoint through the recipe of the paper whose model it holds.</summary>
internal sealed class EvaluateCommand
{
    private readonly string _name, _description;
    private readonly Func<Recipe, EvaluateContext, Claim?> _action;

    private EvaluateCommand(string name, string description, Func<Recipe, EvaluateContext, Claim?> action) =>
        (_name, _description, _action) = (name, description, action);

    public static Command Create(Screen screen, RecipeCatalog recipes, IReadOnlyList<string> args, ParserConfiguration parser) =>
        new EvaluateCommand("evaluate", "Evaluate a checkpoint; the options of its paper's recipe apply",
            (recipe, context) => recipe.Evaluate(context))
            .Make(screen, recipes, args, parser);

    public static Command CreateSample(Screen screen, RecipeCatalog recipes, IReadOnlyList<string> args, ParserConfiguration parser) =>
        new EvaluateCommand("sample", "Let a checkpoint's model make something up; its paper's options apply", (recipe, context) =>
        {
            recipe.Sample(context);
            return null;
        }).Make(screen, recipes, args, parser);

    private Command Make(Screen screen, RecipeCatalog recipes, IReadOnlyList<string> args, ParserConfiguration parser)
    {
        var (command, options, path) = Skeleton();
        // Which options there are depends on the file: the recipe it belongs to has its own.
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(result => Run(screen, recipes, result.GetRequiredValue(path), args, parser));
        return command;
    }

    private int Run(Screen screen, RecipeCatalog recipes, string file, IReadOnlyList<string> args, ParserConfiguration parser)
    {
        if (!File.Exists(file)) throw new ArgumentException($"There is no file '{file}'.");
        TorchRuntime.EnsureLoaded();
        using var checkpoint = Checkpoint.Load(file);
        var (model, name) = Identify(recipes, checkpoint);
        var recipe = recipes[name];
        var (command, options, _) = Skeleton();
        foreach (var option in recipe.Options) command.Options.Add(option);
        var root = new Command("torchzoo") { command };
        var result = root.Parse(args, parser);
        if (result.Errors.Count > 0) throw new ArgumentException(UsageErrors.Explain(result));

        var paper = Zoo.Find(recipes.PaperOf(name));
        var size = options.Size(result);
        var report = new ConsoleReport(screen);
        var directory = Path.GetFullPath(result.GetValue(options.Out) ?? Path.GetDirectoryName(Path.GetFullPath(file))!);
        return new Work(screen, directory, args, canResume: false).Do(size == RunSize.Smoke, (progress, cancellation) =>
        {
            var context = new EvaluateContext
            {
                Checkpoint = checkpoint,
                Paper = paper,
                Device = options.ResolveDevice(result),
                Size = size,
                Seed = result.GetValue(options.Seed),
                Directory = directory,
                Data = result.GetValue(options.Data),
                Arguments = result,
                Progress = progress,
                Output = report,
                Cancellation = cancellation,
            };
            RunCommand.Introduce(report, context);
            RunCommand.Caution(report, context);
            report.Note("checkpoint", $"{Values.ShortPath(file)} ({model})");
            return _action(recipe, context);
        },
        file: null);
    }

    private static (string Model, string Recipe) Identify(RecipeCatalog recipes, Checkpoint checkpoint)
    {
        var model = checkpoint.ModelName
            ?? throw new ArgumentException($"'{checkpoint.Path}' is a bare state dict: it doesn't say which model its weights belong to.");
        // Where several recipes train the same model, the checkpoint says which it was.
        if (checkpoint.Notes.TryGetValue(Recipe.NoteName, out var noted) && recipes.Contains(noted)) return (model, noted);
        return recipes.TryFindByModel(model, out var name)
            ? (model, name)
            : throw UsageErrors.Unknown("recipe for the model", model, recipes.Names);
    }

    private (Command Command, RunOptions Options, Argument<string> Path) Skeleton()
    {
        var options = new RunOptions();
        var path = new Argument<string>("checkpoint") { Description = "A checkpoint, e.g. runs/fno/best.pt" };
        var command = new Command(_name, _description) { path };
        options.AddTo(command, RunOptions.Scope.Evaluation);
        return (command, options, path);
    }
}
