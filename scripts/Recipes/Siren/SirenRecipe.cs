using System.CommandLine;
using System.Globalization;

namespace TorchZoo.Scripts.Recipes;

/// <summary>An image as a network with sine activations, against other activations.</summary>
[Recipe(Name)]
public sealed class SirenRecipe : Recipe
{
    internal const string Name = "siren";

    private readonly Option<string?> _image = FileOption("--image",
        "The image, PNG or JPEG, instead of the photograph that comes with the recipe");

    private readonly Option<bool> _color = ColorOption();

    private readonly Option<double?> _mask = new("--mask")
    {
        Description = "Inpainting: the fraction of the pixels that is known, above 0 and below 1, e.g. 0.2",
        HelpName = "FRACTION",
    };

    private readonly Option<string> _prior = new("--prior")
    {
        Description = "Inpainting: what makes the field smooth where nothing is known: its Hessian, its total variation, or none",
        DefaultValueFactory = _ => InpaintingExperiment.Priors[0],
    };

    private readonly Option<double?> _weight = new("--prior-weight")
    {
        Description = "Inpainting: the prior's weight in the loss (default: 1e-5; for total variation 1e-3)",
        HelpName = "W",
    };

    /// <summary>The recipe.</summary>
    public SirenRecipe()
    {
        _prior.AcceptOnlyFromAmong(InpaintingExperiment.Priors);
        _mask.Validators.Add(result =>
        {
            if (!result.Errors.Any() && result.GetValueOrDefault<double?>() is { } known && !(known > 0 && known < 1))
                result.AddError("--mask takes a fraction above 0 and below 1.");
        });
        _weight.Validators.Add(result =>
        {
            if (!result.Errors.Any() && result.GetValueOrDefault<double?>() is { } weight && !(weight >= 0 && double.IsFinite(weight)))
                result.AddError("--prior-weight takes a number from 0.");
        });
    }

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_image, _color, _mask, _prior, _weight];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments)
    {
        string?[] parts = [arguments.GetValue(_mask) is null ? null : "inpainting", arguments.GetValue(_color) ? "color" : null];
        return parts.Any(p => p is not null) ? string.Join('-', parts.OfType<string>()) : null;
    }

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        var color = context.Get(_color);
        if (context.Get(_mask) is { } known) return Inpainting(context, color, known).Run();
        if (context.Get(_prior) != InpaintingExperiment.Priors[0] || context.Get(_weight) is not null)
            throw new ArgumentException("--prior and --prior-weight are for inpainting; they go with --mask.", "--prior");
        return new ImageExperiment(context, PathOf(context), color).Run();
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var color = HadColors(context);
        if (context.Checkpoint.Notes.TryGetValue(InpaintingExperiment.KnownNote, out var known))
            Inpainting(context.WithSizeAndSeedOfTraining(), color, double.Parse(known, CultureInfo.InvariantCulture)).Evaluate(context.Checkpoint);
        else new ImageExperiment(context.WithSizeOfTraining(), PathOf(context), color).Evaluate(context.Checkpoint);
        return null;
    }

    private InpaintingExperiment Inpainting(RecipeContext context, bool color, double known) =>
        new(context, PathOf(context), color, known, context.Get(_prior)!, context.Get(_weight));

    private string? PathOf(RecipeContext context) => context.Get(_image) ?? context.Data;

    /// <summary>Whether images have three channels.</summary>
    internal static Option<bool> ColorOption() => new("--color")
    {
        Description = "In colours; without a file of one's own, a drawn face instead of the photograph",
    };

    /// <summary>Whether a checkpoint was trained on colours, whatever this command line says.</summary>
    internal static bool HadColors(EvaluateContext context) => context.Checkpoint.Notes.ContainsKey(ImageExperiment.ColorNote);

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
}
