using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A hypernetwork that has learnt a family of images and completes others from a few pixels.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenHyperRecipe : Recipe
{
    internal const string Name = "siren-hyper";

    private readonly Option<string> _encoder = new("--encoder")
    {
        Description = "What looks at the known pixels: a network on the set of them, or a convolutional one on the image",
        DefaultValueFactory = _ => PriorExperiment.Encoders[0],
    };

    /// <summary>The recipe.</summary>
    public SirenHyperRecipe() => _encoder.AcceptOnlyFromAmong(PriorExperiment.Encoders);

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_encoder];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) =>
        arguments.GetValue(_encoder) is var e && e == PriorExperiment.Encoders[0] ? null : e;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => new PriorExperiment(context, context.Get(_encoder)!, context.Data).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var images = context.Note(PriorExperiment.ImagesNote);
        if (images != PriorExperiment.Cartoons && context.Data is null)
            throw new ArgumentException($"{context.Checkpoint.Path} was trained on the folder {images}; give it with --data.", "--data");
        new PriorExperiment(context.WithSizeAndSeedOfTraining(), context.Get(_encoder)!, context.Data).Evaluate(context.Checkpoint);
        return null;
    }
}
