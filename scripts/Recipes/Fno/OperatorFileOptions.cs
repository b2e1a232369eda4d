using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What the command line says about a file of functions that is given with <c>--data</c>.</summary>
internal sealed class OperatorFileOptions
{
    public Option<long?> Subsample { get; } = Number("--subsample", "With --data: train on every N-th point of each axis");

    public Option<long?> TrainSize { get; } = Number("--train-size", "With --data: functions, or trajectories, to train on: the file's first");

    public Option<long?> TestSize { get; } = Number("--test-size", "With --data: functions, or trajectories, to test on: the file's last");

    public Option<string?> TestData { get; } = new("--test-data")
    {
        Description = "With --data: another file to test on, its first functions; beside a file called …smooth1… its …smooth2…",
        HelpName = "PATH",
    };

    public IEnumerable<Option> All => [Subsample, TrainSize, TestSize, TestData];

    /// <exception cref="ArgumentException">One is given without <c>--data</c>.</exception>
    public void CheckThereIsData(RecipeContext context)
    {
        if (context.Data is not null) return;
        foreach (var option in All)
            if (context.Arguments.GetResult(option) is { Implicit: false })
                throw new ArgumentException($"{option.Name} is for the file given with --data; there is none.", option.Name);
    }

    private static Option<long?> Number(string name, string description)
    {
        var option = new Option<long?>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Errors.Any()) return;
            if (result.GetValueOrDefault<long?>() is < 1) result.AddError($"{name} takes a whole number from 1.");
        });
        return option;
    }
}
