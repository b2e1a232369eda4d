using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>An image from its gradients or its Laplacian alone, and the composition of two images' gradients.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenPoissonRecipe : Recipe
{
    internal const string Name = "siren-poisson";

    private readonly Option<string> _supervision = new("--supervision")
    {
        Description = "What is known: the image's gradients, its laplacian, or a composition of two images' gradients",
        DefaultValueFactory = _ => PoissonExperiment.Supervisions[0],
    };

    private readonly Option<string?> _image = SirenRecipe.FileOption("--image",
        "The image, PNG or JPEG, instead of the photograph that comes with the recipe");
    private readonly Option<string?> _other = SirenRecipe.FileOption("--other",
        "The second image of a composition instead of the first, mirrored");

    private readonly Option<bool> _color = SirenRecipe.ColorOption();

    /// <summary>The recipe.</summary>
    public SirenPoissonRecipe() => _supervision.AcceptOnlyFromAmong(PoissonExperiment.Supervisions);

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_supervision, _image, _other, _color];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) =>
        (arguments.GetValue(_supervision) is var s && s == PoissonExperiment.Supervisions[0], arguments.GetValue(_color)) switch
        {
            (true, true) => "color",
            (true, false) => null,
            (false, true) => $"{s}-color",
            _ => s,
        };

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => Experiment(context, context.Get(_supervision)!, context.Get(_color)).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var supervision = context.Note("supervision");
        Experiment(context.WithSizeOfTraining(), supervision, SirenRecipe.HadColors(context)).Evaluate(context.Checkpoint);
        return null;
    }

    private PoissonExperiment Experiment(RecipeContext context, string supervision, bool isColor)
    {
        var other = context.Get(_other);
        if (other is not null && supervision != "composition")
            throw new ArgumentException("--other is the second image of a composition; it goes with --supervision composition.", "--other");
        if (isColor && supervision == "laplacian")
            throw new ArgumentException("--color is for gradients: the paper has colours only there.", "--color");
        return new PoissonExperiment(context, supervision, context.Get(_image) ?? context.Data, other, isColor);
    }
}
