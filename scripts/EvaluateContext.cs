namespace TorchZoo.Scripts;

/// <summary>What <see cref="Recipe.Evaluate"/> is run with.</summary>
public sealed record EvaluateContext : RecipeContext
{
    /// <summary>The checkpoint's path.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>The name of the module in it, as <see cref="Zoo"/> knows it.</summary>
    public required string ModelName { get; init; }
}
