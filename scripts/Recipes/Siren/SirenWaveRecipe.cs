using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>The wave equation from its residual alone.</summary>
[Recipe(Name, Paper = SirenRecipe.Name)]
public sealed class SirenWaveRecipe : Recipe
{
    internal const string Name = "siren-wave";

    private readonly Option<double> _speed = new("--speed") { Description = "Speed of the waves", DefaultValueFactory = _ => 1 };

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_speed];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => new WaveExperiment(context, context.Get(_speed)).Run();
}
