using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The Helmholtz equation from its residual alone.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenHelmholtzRecipe : Recipe
{
    internal const string Name = "siren-helmholtz";

    private readonly Option<double?> _wavenumber = new("--wavenumber") { Description = "Wavenumber" };

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_wavenumber];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => new HelmholtzExperiment(context, context.Get(_wavenumber)).Run();
}
