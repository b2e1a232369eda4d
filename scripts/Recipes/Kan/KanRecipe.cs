using System.CommandLine;
using TorchSharp;
using TorchZoo.Models.Neurons;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A function of two numbers by a network of learned curves and by a perceptron; and the same function found again as a formula.</summary>
[Recipe(Name)]
public sealed class KanRecipe : Recipe
{
    internal const string Name = "kan";

    private readonly Option<bool> _symbolic = new("--symbolic")
    {
        Description = "Find the function's formula: train with a penalty for edges, prune, and put known functions in the place of curves",
    };

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_symbolic];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims => [[], ["--symbolic"]];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) => arguments.GetValue(_symbolic) ? "symbolic" : null;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        context.RefuseData(Name);
        return context.Get(_symbolic) ? new KanSymbolicExperiment(context).Run() : new KanScalingExperiment(context).Run();
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        using var network = Zoo.Load<Kan>(context.Checkpoint);
        network.to(context.Device);
        var task = new KanTask(context.WithSizeAndSeedOfTraining(), network.Layers[0].Coefficients.dtype);
        context.Output.Table("f(x, y) = exp(sin(πx) + y²)", ["network", "parameters", "test RMSE"],
            [[$"KAN [{string.Join(", ", network.Config.Width)}]", KanTask.Parameters(network), task.TestError(network)]]);
        if (network.SymbolicLayers.Any(l => l.Functions.Count > 0)) context.Output.Note("formula", network.Formula(4));
        task.DrawEdges(network, "edges.png", "the curves of all edges");
        return null;
    }
}
