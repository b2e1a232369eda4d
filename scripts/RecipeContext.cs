using System.CommandLine;
using System.Globalization;
using TorchSharp;
using TorchZoo.Distributed;
using TorchZoo.Training;

namespace TorchZoo.Scripts;

/// <summary>What a recipe is run with.</summary>
public record RecipeContext
{
    /// <summary>The paper.</summary>
    public required Paper Paper { get; init; }

    /// <summary>Where to compute.</summary>
    public required torch.Device Device { get; init; }

    /// <summary>How much to do.</summary>
    public required RunSize Size { get; init; }

    /// <summary>Where every random number of the run comes from.</summary>
    public required ulong Seed { get; init; }

    /// <summary>What forward passes compute in while training.</summary>
    public Precision Precision { get; init; }

    /// <summary>Whether to say where the time of training goes.</summary>
    public bool Profile { get; init; }

    /// <summary>Epochs asked for on the command line; null: the recipe's own number.</summary>
    public int? Epochs { get; init; }

    /// <summary>The run's folder. It exists.</summary>
    public required string Directory { get; init; }

    /// <summary>Whether to go on from the checkpoint in <see cref="Directory"/>.</summary>
    public bool Resume { get; init; }

    /// <summary>The data set given with <c>--data</c>, a file or folder; null: the recipe's own.</summary>
    public string? Data { get; init; }

    /// <summary>The command line.</summary>
    public required ParseResult Arguments { get; init; }

    /// <summary>Shows how far long work is.</summary>
    public required IProgressDisplay Progress { get; init; }

    /// <summary>What the recipe has to say: its tables, numbers and the files it wrote.</summary>
    public required IReport Output { get; init; }

    /// <summary>Cancelled by Ctrl+C: save a checkpoint and throw <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>The value of one of the recipe's options.</summary>
    public T? Get<T>(Option<T> option) => Arguments.GetValue(option);

    /// <summary>One of three values, by <see cref="Size"/>.</summary>
    public T Pick<T>(T smoke, T normal, T full) => Size switch { RunSize.Smoke => smoke, RunSize.Full => full, _ => normal };

    /// <summary>For recipes that have no use for <c>--data</c>.</summary>
    /// <param name="recipe">The recipe's name.</param>
    /// <exception cref="ArgumentException">It was given.</exception>
    public void RefuseData(string recipe)
    {
        if (Data is not null) throw new ArgumentException($"{recipe} generates its data; it has no use for --data.", "--data");
    }

    /// <summary>Notes for a checkpoint, by which <see cref="EvaluateContext.WithSizeAndSeedOfTraining"/> makes the same data again.</summary>
    public IReadOnlyDictionary<string, string> SizeAndSeed => new Dictionary<string, string>
    {
        ["size"] = Size.ToString(),
        ["seed"] = Seed.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>What all trainings of a run have in common; a recipe adds its own with <c>with</c>.</summary>
    /// <param name="directory">The training's folder; null: it writes nothing.</param>
    public TrainerOptions TrainerOptions(string? directory) => new()
    {
        Device = Device,
        Precision = Precision,
        Seed = Seed,
        Directory = directory,
        Resume = Resume && directory is not null,
    };

    /// <summary>Who looks on in a training, as the command line asks.</summary>
    /// <param name="name">What the training is called.</param>
    public IReadOnlyList<TrainerCallback> Callbacks(string name) => Profile ? [new ProfileReport(name, Output)] : [];

    /// <summary>A file in the run's folder.</summary>
    public string PathOf(string name) => Path.Combine(Directory, name);

    /// <summary>Writes a file into the run's folder and says so. Of several processes only the first does.</summary>
    /// <param name="name">Its name there.</param>
    /// <param name="what">What it is.</param>
    /// <param name="save">Writes it to a path.</param>
    public void Save(string name, string what, Action<string> save)
    {
        if (!ProcessGroup.World.IsFirst) return;
        var path = PathOf(name);
        save(path);
        Output.Wrote(path, what);
    }
}
