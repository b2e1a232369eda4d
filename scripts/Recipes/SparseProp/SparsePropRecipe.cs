using System.CommandLine;
using System.Globalization;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Sparse training on a CPU: how fast sparse layers are, and what a network with them learns.</summary>
[Recipe(Name)]
public sealed class SparsePropRecipe : Recipe
{
    internal const string Name = "sparseprop";

    private readonly Option<bool> _layers = new("--layers")
    {
        Description = "Time single layers by sparsity, on one thread, instead of training networks",
    };

    private readonly Option<string> _method = new("--method")
    {
        Description = "How the zeros come about: fixed (drawn at random), gradual (pruned by magnitude while training), rigl (moved while "
            + "training)",
        DefaultValueFactory = _ => TrainingMethods.Fixed,
    };

    private readonly Option<double[]> _sparsities = new("--sparsity")
    {
        Description = "Shares of zeros in the hidden layers; the first is the one that the claim is about (default: 0.95 0.9 0.99)",
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>The recipe.</summary>
    public SparsePropRecipe()
    {
        _method.AcceptOnlyFromAmong(TrainingMethods.Names);
        _sparsities.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => !double.TryParse(t.Value, CultureInfo.InvariantCulture, out var s) || s is not (> 0 and < 1)))
                result.AddError("--sparsity takes numbers between 0 and 1, both excluded.");
        });
    }

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_layers, _method, _sparsities];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims =>
        [[], ["--layers"], ["--method", TrainingMethods.Gradual], ["--method", TrainingMethods.RigL]];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) =>
        arguments.GetValue(_layers) ? "layers" : arguments.GetValue(_method) is var m && m != TrainingMethods.Fixed ? m : null;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context) => context.Get(_layers)
        ? new LayerSpeedExperiment(context).Run()
        : new SparseTrainingExperiment(context, context.Get(_method)!).Run(
            context.Get(_sparsities) is { Length: > 0 } asked ? asked : [0.95, 0.9, 0.99]);

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        new SparseTrainingExperiment(context.WithSizeOfTraining(), context.Note("method")).Evaluate(context.Checkpoint);
        return null;
    }
}
