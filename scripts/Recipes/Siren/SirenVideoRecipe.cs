using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A video as a network with sine activations, against ReLU.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenVideoRecipe : Recipe
{
    internal const string Name = "siren-video";

    private readonly Option<string?> _frames = new("--frames")
    {
        Description = "Folder of frames, PNG or JPEG in the order of their names, instead of a camera's way over a photograph",
        HelpName = "FOLDER",
    };

    /// <summary>The recipe.</summary>
    public SirenVideoRecipe() => _frames.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<string?>() is { } path && !Directory.Exists(path))
            result.AddError($"--frames: there is no folder '{path}'.");
    });

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_frames];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) => arguments.GetValue(_frames) is { } folder
        ? Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)) : null;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => Experiment(context).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var video = context.Note(VideoExperiment.VideoNote);
        if (video != VideoExperiment.Pan && FolderOf(context) is null)
            throw new ArgumentException($"{context.Checkpoint.Path} was trained on the folder {video}; give it with --frames.", "--frames");
        Experiment(context.WithSizeOfTraining()).Evaluate(context.Checkpoint);
        return null;
    }

    private string? FolderOf(RecipeContext context) => context.Get(_frames) ?? context.Data;

    private VideoExperiment Experiment(RecipeContext context) =>
        FolderOf(context) is { } folder && !Directory.Exists(folder)
            ? throw new ArgumentException($"Expected a folder of frames, got the file '{folder}'.", "--data")
            : new VideoExperiment(context, FolderOf(context));
}
