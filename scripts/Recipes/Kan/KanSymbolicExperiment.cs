using System.Globalization;
using TorchSharp;
using TorchZoo.Models.Neurons;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>From samples to the formula: a sparse network, pruned, its curves replaced by known functions.</summary>
internal sealed class KanSymbolicExperiment(RecipeContext context)
{
    private const double Threshold = 1e-3, Penalty = 1e-3;

    private static readonly string[] Expected = ["exp", "sin", "x^2"];

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        var task = new KanTask(context, ScalarType.Float64);
        var steps = context.Epochs ?? context.Pick(1, 20, 50);
        Seed.Set(context.Seed);
        using var wide = new Kan(new KanConfig { Width = [2, 5, 1], Grid = 3 });
        wide.to(ScalarType.Float64).to(context.Device);
        var penalty = new KanRegularizer();
        task.Lbfgs(wide, steps, () =>
        {
            var trace = wide.Trace(task.Train);
            return (trace.Output - task.TrainValues).square().mean() + penalty.Loss(wide, trace) * Penalty;
        }, step =>
        {
            if (step % 5 != 0 || step >= steps / 2) return false;
            wide.UpdateGrid(task.Train);
            return true;
        });
        var rows = new List<object[]> { Row("with a penalty for edges", wide) };
        task.DrawEdges(wide, "wide.png", "the curves after training with a penalty for edges");

        using var pruned = Pruned(wide, task);
        task.Lbfgs(pruned, steps, before: step => step == 0 && Moved(pruned, task));
        rows.Add(Row("pruned, trained on", pruned));
        using var fine = pruned.Refine(task.Train, 10);
        task.Lbfgs(fine, steps);
        rows.Add(Row("refined to G = 10", fine));
        task.DrawEdges(fine, "pruned.png", "the curves that are left");

        var chosen = fine.AutoSymbolic(task.Train);
        rows.Add(Row("known functions", fine));
        task.Lbfgs(fine, steps);
        rows.Add(Row("their numbers trained", fine));
        context.Output.Table("f(x, y) = exp(sin(πx) + y²)", ["network", "nodes", "edges", "test RMSE"], rows);
        context.Output.Table("Edges", ["layer", "from", "to", "function", "R²"],
            chosen.Select(c => (object[])[c.Edge.Layer + 1, c.Edge.Input + 1, c.Edge.Output + 1, c.Fit.Function.Name, c.Fit.R2]));
        var formula = fine.Formula(4);
        context.Output.Note("formula", formula);
        task.DrawEdges(fine, "formula.png", "the functions that were found");
        task.Save(fine);

        var error = task.TestError(fine);
        string[] found = [.. chosen.Select(c => c.Fit.Function.Name is "cos" ? "sin" : c.Fit.Function.Name).Order(StringComparer.Ordinal)];
        return new Claim(KanRecipe.Name, "test RMSE of the formula", error, Threshold, null,
        [
            new(string.Create(CultureInfo.InvariantCulture, $"test RMSE at most {Threshold} ({error:G3})"), error <= Threshold),
            new($"the functions are exp, sin and a square ({formula})", found.SequenceEqual(Expected)),
        ]);

        object[] Row(string name, Kan network) => [name, $"[{string.Join(", ", network.Config.Width)}]", Edges(network), task.TestError(network)];
    }

    private static bool Moved(Kan network, KanTask task)
    {
        network.UpdateGrid(task.Train);
        return true;
    }

    private Kan Pruned(Kan wide, KanTask task)
    {
        // A fresh network of a smoke run has no node that doesn't matter.
        return wide.Prune(task.Train, context.Size == RunSize.Smoke ? 0 : 1e-2);
    }

    private static long Edges(Kan network) =>
        (long)network.Layers.Zip(network.SymbolicLayers).Sum(l => (l.First.Mask.sum() + l.Second.Mask.sum()).to(ScalarType.Float64).item<double>());
}
