using System.CommandLine;
using System.Globalization;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A sound as a network with sine activations, against other networks.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenAudioRecipe : Recipe
{
    internal const string Name = "siren-audio";

    private readonly Option<string?> _audio = SirenRecipe.FileOption("--audio",
        "The sound, an uncompressed WAVE file, instead of a tune made of formulas");

    private readonly Option<double?> _seconds = new("--seconds")
    {
        Description = "How much of the sound, from its beginning (default: 2; with --full 7)",
        HelpName = "S",
    };

    /// <summary>The recipe.</summary>
    public SirenAudioRecipe() => _seconds.Validators.Add(result =>
    {
        if (result.Errors.Any() || result.GetValueOrDefault<double?>() is not { } seconds) return;
        if (!(seconds > 0 && seconds <= 3600)) result.AddError("--seconds takes a number of seconds from 0 to 3600.");
    });

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_audio, _seconds];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => Experiment(context, context.Get(_seconds)).Run();

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) =>
        arguments.GetValue(_audio) is { } path ? Path.GetFileNameWithoutExtension(path) : null;

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var (seconds, sound) = (context.Note(AudioExperiment.SecondsNote), context.Note(AudioExperiment.SoundNote));
        if (sound != AudioExperiment.Tune && PathOf(context) is null)
            throw new ArgumentException($"{context.Checkpoint.Path} was trained on {sound}; give that file with --audio.", "--audio");
        Experiment(context.WithSizeOfTraining(), double.Parse(seconds, CultureInfo.InvariantCulture)).Evaluate(context.Checkpoint);
        return null;
    }

    private string? PathOf(RecipeContext context) => context.Get(_audio) ?? context.Data;

    private AudioExperiment Experiment(RecipeContext context, double? seconds) => new(context, PathOf(context), seconds);
}
