using TorchSharp;
using TorchZoo.Models.Neurons;
using TorchZoo.Reports;
using static System.FormattableString;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A small network of curves, refined after training, against a larger perceptron; by Adam, and both by L-BFGS.</summary>
internal sealed class KanScalingExperiment(RecipeContext context)
{
    private const double Threshold = 2e-3, Gap = 5, Gain = 1.5;

    public Claim Run()
    {
        using var scope = NewDisposeScope();
        var task = new KanTask(context, ScalarType.Float32);
        var (first, last) = (context.Epochs ?? context.Pick(5, 2000, 4000), context.Pick(3, 1000, 2000));

        Seed.Set(context.Seed);
        using var coarse = new Kan(new KanConfig { Width = [2, 5, 1], Grid = 5 });
        coarse.to(context.Device);
        task.Adam(coarse, 2e-2, 1e-5, first, step =>
        {
            if (step % 50 != 0 || step >= 400 || step == 0) return false;
            coarse.UpdateGrid(task.Train);
            return true;
        });
        var before = task.TestError(coarse);
        using var fine = coarse.Refine(task.Train, 10);
        task.Adam(fine, 5e-3, 1e-5, last);
        var error = task.TestError(fine);

        Seed.Set(context.Seed);
        using var perceptron = Perceptron(32);
        task.Adam(perceptron, 1e-2, 1e-5, first + last);
        var baseline = task.TestError(perceptron);
        context.Output.Table("Adam: f(x, y) = exp(sin(πx) + y²)", ["network", "parameters", "test RMSE"],
        [
            ["KAN [2, 5, 1], G = 5", KanTask.Parameters(coarse), before],
            ["KAN [2, 5, 1], refined to G = 10", KanTask.Parameters(fine), error],
            ["perceptron 2-32-32-1, SiLU", KanTask.Parameters(perceptron), baseline],
        ]);
        SecondOrder(task);
        task.DrawEdges(fine, "edges.png", "the learned curves of all edges");
        Draw(task, fine, perceptron);
        task.Save(fine);
        return new Claim(KanRecipe.Name, "test RMSE of the refined KAN", error, Threshold, baseline,
        [
            new(Invariant($"test RMSE at most {Threshold} ({error:G3})"), error <= Threshold),
            new(Invariant($"at most a fifth of the perceptron's ({baseline / error:F1} times less)"), error <= baseline / Gap),
            new(Invariant($"refinement from G = 5 to 10 improves it {Gain} times ({before / error:F1} times)"), before >= error * Gain),
        ]);
    }

    // What the advantage is where both are trained well.
    private void SecondOrder(KanTask task)
    {
        var rows = new List<object[]>();
        Seed.Set(context.Seed);
        var network = new Kan(new KanConfig { Width = [2, 5, 1], Grid = 3 });
        network.to(context.Device);
        var steps = context.Pick(1, 25, 50);
        foreach (var grid in context.Pick<int[]>([3, 5], [3, 5, 10], [3, 5, 10, 20, 50]))
        {
            if (grid > 3)
            {
                var finer = network.Refine(task.Train, grid);
                network.Dispose();
                network = finer;
            }
            task.Lbfgs(network, steps);
            rows.Add([$"KAN [2, 5, 1], G = {grid}", KanTask.Parameters(network), task.TestError(network)]);
        }
        network.Dispose();
        foreach (var (width, count) in new[] { (32L, context.Pick(1, 100, 100)), (10L, context.Pick(1, 100, 100)) })
        {
            Seed.Set(context.Seed);
            using var perceptron = Perceptron(width);
            task.Lbfgs(perceptron, count);
            rows.Add([$"perceptron 2-{width}-{width}-1, SiLU", KanTask.Parameters(perceptron), task.TestError(perceptron)]);
        }
        context.Output.Table($"L-BFGS, {steps} steps of 20 iterations a grid, 100 for the perceptrons", ["network", "parameters", "test RMSE"], rows);
    }

    private nn.Module<Tensor, Tensor> Perceptron(long width)
    {
        var network = nn.Sequential(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1));
        return network.to(context.Device);
    }

    private void Draw(KanTask task, nn.Module<Tensor, Tensor> ours, nn.Module<Tensor, Tensor> perceptron)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        const long side = 96;
        var axis = linspace(-1, 1, side, ScalarType.Float32, task.Train.device);
        var points = stack([axis.repeat(side), axis.flip(0).repeat_interleave(side)], 1);
        var truth = KanTask.Values(points).view(side, side);
        Tensor a = ours.call(points).view(side, side), b = perceptron.call(points).view(side, side);
        context.Save("fields.png", "the function, and both networks' errors", path => new FieldPicture
        {
            Title = "exp(sin(πx) + y²)",
            Rows = [[new FieldPanel("function", truth), new FieldPanel("|error| of the KAN", (a - truth).abs()) { Scale = "error" },
                new FieldPanel("|error| of the perceptron", (b - truth).abs()) { Scale = "error" }]],
        }.Save(path));
    }
}
