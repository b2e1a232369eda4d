using System.Globalization;
using TorchZoo.Checkpoints;

namespace TorchZoo.Scripts;

/// <summary>What <see cref="Recipe.Evaluate"/> is run with.</summary>
public sealed record EvaluateContext : RecipeContext
{
    /// <summary>The checkpoint; it holds a module that <see cref="Zoo.Load(Checkpoint)"/> makes. It is disposed of after the evaluation.</summary>
    public required Checkpoint Checkpoint { get; init; }

    /// <summary>What the recipe noted in the checkpoint.</summary>
    /// <exception cref="InvalidDataException">There is no such note.</exception>
    public string Note(string name) => Checkpoint.Notes.TryGetValue(name, out var note) ? note : throw new InvalidDataException(
        $"{Checkpoint.Path} does not say on what it was trained; was it written by this recipe?");

    /// <summary>This with the size that the checkpoint was trained with, whatever the command line says.</summary>
    /// <exception cref="InvalidDataException">The checkpoint doesn't say.</exception>
    public RecipeContext WithSizeOfTraining() => this with { Size = Enum.Parse<RunSize>(Note("size")) };

    /// <summary>This with the size and the seed that the checkpoint was trained with: the same seed holds out the same data.</summary>
    /// <exception cref="InvalidDataException">The checkpoint doesn't say.</exception>
    public RecipeContext WithSizeAndSeedOfTraining() =>
        WithSizeOfTraining() with { Seed = ulong.Parse(Note("seed"), CultureInfo.InvariantCulture) };
}
