using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>An image as a network with sine activations, against other activations.</summary>
[Recipe(Name)]
public sealed class SirenRecipe : Recipe
{
    internal const string Name = "siren";

    private readonly Option<string?> _image = FileOption("--image",
        "The image, PNG or JPEG, instead of the photograph that comes with the recipe");

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_image];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => new ImageExperiment(context, context.Get(_image) ?? context.Data).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        new ImageExperiment(SameSize(context), context.Get(_image) ?? context.Data).Evaluate(context.Checkpoint);
        return null;
    }

    /// <summary>An option for a file that must be there.</summary>
    internal static Option<string?> FileOption(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "FILE" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } path && !File.Exists(path))
                result.AddError($"{name}: there is no file '{path}'.");
        });
        return option;
    }

    /// <summary>The size that a checkpoint was trained with, whatever this command line says.</summary>
    /// <exception cref="InvalidDataException">The checkpoint doesn't say.</exception>
    internal static RecipeContext SameSize(EvaluateContext context) => context.Checkpoint.Notes.TryGetValue("size", out var size)
        ? context with { Size = Enum.Parse<RunSize>(size) }
        : throw new InvalidDataException($"{context.Checkpoint.Path} does not say on what it was trained; was it written by this recipe?");
}
