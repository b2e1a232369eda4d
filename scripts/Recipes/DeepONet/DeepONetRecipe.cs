using System.CommandLine;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// The deep operator network on the paper's ordinary and partial differential equations, against a fully connected network that takes
/// function and location at once.
/// </summary>
[Recipe("deeponet")]
public sealed class DeepONetRecipe : Recipe
{
    private readonly Option<string> _problem = new("--problem")
    {
        Description = $"The operator to learn: {string.Join(", ", OperatorTask.Names)}",
        DefaultValueFactory = _ => OperatorTask.Names[0],
    };

    private readonly Option<bool> _cartesian = new("--cartesian")
    {
        Description = "Train on functions that share their points, with the POD and the stacked form beside (antiderivative)",
    };

    private readonly Option<string?> _testData = new("--test-data")
    {
        Description = "With --data: another file to test on; beside a file called …_train.… its …_test.…, else some functions of the file",
        HelpName = "PATH",
    };

    /// <summary>The recipe.</summary>
    public DeepONetRecipe() => _problem.AcceptOnlyFromAmong(OperatorTask.Names);

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_problem, _cartesian, _testData];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims =>
        [[], ["--cartesian"], .. OperatorTask.Names.Skip(1).Select(n => (string[])["--problem", n])];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments)
    {
        var problem = arguments.GetValue(_problem);
        return arguments.GetValue(_cartesian) ? "cartesian" : problem == OperatorTask.Names[0] ? null : problem;
    }

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => Experiment(context.Get(_problem)!, context.Get(_cartesian), context).Run();

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        var notes = context.Checkpoint.Notes;
        if (!notes.TryGetValue("problem", out var problem) || !notes.TryGetValue("form", out var form))
            throw new InvalidDataException($"{context.Checkpoint.Path} does not say on which operator it was trained; was it written by this recipe?");
        // The test set is the one that the run kept from training: of its size and seed, whatever this command line says.
        Experiment(problem, form == CartesianExperiment.FormName, context.WithSizeAndSeedOfTraining()).Evaluate(context.Checkpoint);
        return null;
    }

    private DeepONetExperiment Experiment(string problem, bool cartesian, RecipeContext context)
    {
        var task = OperatorTask.Named(problem, context);
        var testData = context.Get(_testData);
        if (testData is not null && context.Data is null) throw new ArgumentException("--test-data is for the file given with --data; there is none.", "--test-data");
        if (!cartesian) return new TriplesExperiment(context, task, testData);
        return problem == OperatorTask.Names[0]
            ? new CartesianExperiment(context, task)
            : throw new ArgumentException($"--cartesian is there for {OperatorTask.Names[0]} only, got {problem}.", nameof(cartesian));
    }
}
