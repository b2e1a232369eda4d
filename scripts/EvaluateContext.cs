using TorchZoo.Checkpoints;

namespace TorchZoo.Scripts;

/// <summary>What <see cref="Recipe.Evaluate"/> is run with.</summary>
public sealed record EvaluateContext : RecipeContext
{
    /// <summary>The checkpoint; it holds a module that <see cref="Zoo.Load(Checkpoint)"/> makes. It is disposed of after the evaluation.</summary>
    public required Checkpoint Checkpoint { get; init; }
}
