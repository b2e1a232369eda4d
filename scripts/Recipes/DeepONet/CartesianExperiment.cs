using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Operators;
using TorchZoo.Models.Operators;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Functions that share their points: the forms of the network against each other, and more functions against fewer.</summary>
internal sealed class CartesianExperiment(RecipeContext context, OperatorTask task) : DeepONetExperiment(context, task)
{
    /// <summary>How checkpoints of this experiment call the form of its data.</summary>
    public const string FormName = "cartesian";

    private const int Modes = 16, Width = 40;

    protected override string Form => FormName;

    private (long Few, long Many) TrainFunctions => Context.Pick((20, 40), (150, 1000), (1000, 10_000));

    private long TestFunctions => Context.Pick(20, 1000, 10_000);

    protected override IDataset LoadTest() => Load(Context with { Seed = ~Context.Seed }, TestFunctions);

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var test = Load(Context with { Seed = ~Context.Seed }, TestFunctions);
        var many = Load(Context, TrainFunctions.Many);
        var few = many.Split(TrainFunctions.Few).First;
        Context.Output.Note("points", many.Y.shape[0]);

        var unstacked = Train("unstacked", DeepONet, few, test, Plan(4000, few), "");
        var stacked = Train("stacked", () => new DeepONetCartesianProd(Config with { Stacked = true }), few, test, Plan(4000, few), "stacked");
        var pod = Train("POD", () => Pod(few), few, test, Plan(4000, few), "pod");
        var more = Train($"unstacked, {many.Count} functions", DeepONet, many, test, Plan(4000, many), "many-functions");
        var podOfMore = Train($"POD, {many.Count} functions", () => Pod(many), many, test, Plan(4000, many), "many-functions-pod");

        ShowErrors($"{Task.Name}: mean square errors, trained on {few.Count} functions where not said otherwise", [unstacked, stacked, pod, more, podOfMore]);
        DrawLearning([unstacked, stacked, pod, more, podOfMore]);
        using (no_grad()) Draw([unstacked, stacked, pod], test);
        return Judge(unstacked, stacked, pod, more);
    }

    private DeepONetConfig Config => new() { LayerSizesBranch = [Task.Problem.Sensors, Width, Width], LayerSizesTrunk = [1, Width, Width] };

    private DeepONetCartesianProd DeepONet() => new(Config);

    // The basis is of the training outputs: those of the test are to be predicted.
    private PodDeepONet Pod(CartesianProductDataset train) => new(new PodDeepONetConfig
    {
        LayerSizesBranch = [Task.Problem.Sensors, Width, Modes],
        DivideByModes = true,
    }, PodBasis.Fit(train.Target, Modes));

    // All functions at once, as the paper trains.
    private TrainingPlan Plan(int steps, IDataset train) => new(Context.Epochs ?? Context.Pick(5, steps, 10 * steps), (int)train.Count, LearningRate);

    private CartesianProductDataset Load(RecipeContext context, long functions)
    {
        if (context.Data is not null) throw new ArgumentException("--cartesian generates its data; --data is for the other form.", "--data");
        return CartesianProductDataset.FromGenerated(RecipeData.Load(context, Task.Problem, functions, "u", "s"));
    }

    private Claim Judge(TrainedOperator unstacked, TrainedOperator stacked, TrainedOperator pod, TrainedOperator more)
    {
        const double podThreshold = 7e-5, threshold = 2e-4;
        return new Claim("deeponet", $"{Task.Name} on a grid, test MSE of POD", pod.Test, podThreshold, unstacked.Test,
        [
            new($"POD at most {podThreshold} ({pod.Test:G3})", pod.Test <= podThreshold),
            new($"unstacked at most {threshold} ({unstacked.Test:G3})", unstacked.Test <= threshold),
            new($"stacked not better than unstacked on test functions ({stacked.Test:G3})", stacked.Test >= unstacked.Test),
            new($"{TrainFunctions.Many} functions instead of {TrainFunctions.Few} at least halve the unstacked network's error ({more.Test:G3})",
                2 * more.Test <= unstacked.Test),
        ]);
    }

    private void Draw(TrainedOperator[] networks, CartesianProductDataset test)
    {
        const int examples = 4;
        var u = test.U.narrow(0, 0, examples);
        var predictions = networks.Select(n => n.Network.call(u.to(Context.Device), test.Y.to(Context.Device)).cpu()).ToArray();
        double[] x = Curve(test.Y.select(1, 0)), sensors = Curve(Task.Problem.SensorLocations());
        var functions = Enumerable.Range(0, examples).Select(i => new LinePlot
        {
            Title = $"test function {i + 1}",
            YLabel = i == 0 ? "G(u)" : "",
            Series =
            [
                new Series("u", sensors, Curve(u[i])) { Dashed = true, Color = 6 },
                new Series("truth", x, Curve(test.Target[i])) { Color = 3 },
                .. networks.Select((n, k) => new Series(n.Name, x, Curve(predictions[k][i])) { Color = k, Dashed = true }),
            ],
        });
        var errors = Enumerable.Range(0, examples).Select(i => new LinePlot
        {
            XLabel = "x",
            YLabel = i == 0 ? "|error|" : "",
            LogY = true,
            Series = [.. networks.Select((n, k) => new Series(n.Name, x, Curve((predictions[k][i] - test.Target[i]).abs().clamp_min(1e-6))) { Color = k })],
        });
        Save("functions.png", "true and predicted outputs of test functions, and the errors", path => LinePlot.SaveGrid(path, [.. functions, .. errors], examples));
    }
}
