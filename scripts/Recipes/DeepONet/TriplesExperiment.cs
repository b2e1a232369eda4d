using TorchSharp;
using TorchZoo.Data;
using TorchZoo.Data.Operators;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Scattered triples, as the paper trains: a DeepONet against one fully connected network on function and location.</summary>
internal sealed class TriplesExperiment(RecipeContext context, OperatorTask task, string? testData) : DeepONetExperiment(context, task)
{
    // With --data, one function in so many is kept for the test.
    private const long TestShare = 5;

    protected override string Form => "triples";

    protected override IDataset LoadTest() => LoadData().Test;

    public override Claim Run()
    {
        using var scope = NewDisposeScope();
        var (train, test) = LoadData();
        Context.Output.Note("training functions", train.Functions);
        Context.Output.Note("training triples", train.Count);
        long sensors = train.U.shape[1], coordinates = train.Y.shape[1];
        var batches = (train.Count + Task.BatchSize - 1) / Task.BatchSize;
        var plan = new TrainingPlan(Context.Epochs ?? (int)Math.Max(1, Task.Steps / batches), Task.BatchSize, LearningRate);

        var network = Train("DeepONet", () => new DeepONet(new DeepONetConfig
        {
            LayerSizesBranch = [sensors, .. Task.Widths.Branch],
            LayerSizesTrunk = [coordinates, .. Task.Widths.Trunk],
        }), train, test, plan, "");
        var baseline = Train("FNN", () => new ConcatenationNet(new FullyConnectedNetConfig
        {
            LayerSizes = [sensors + coordinates, .. Task.BaselineWidths, 1],
        }), train, test, plan, "baseline");

        ShowErrors($"{Task.Name}: mean square errors", [network, baseline]);
        if (Context.Data is null) using (no_grad()) Show([network, baseline]);
        DrawLearning([network, baseline]);
        return Judge(network, baseline);
    }

    private (TripleDataset Train, TripleDataset Test) LoadData()
    {
        if (Context.Data is { } path)
        {
            var all = TriplesFile.Load(path);
            if ((testData ?? TriplesFile.TestOf(path)) is { } testPath)
            {
                var test = TriplesFile.Load(testPath);
                if (test.U.shape[1] != all.U.shape[1] || test.Y.shape[1] != all.Y.shape[1])
                    throw new ArgumentException($"{testPath}: expected {all.U.shape[1]} sensors and {all.Y.shape[1]} coordinates as in {path}, "
                        + $"got {test.U.shape[1]} and {test.Y.shape[1]}", "--test-data");
                return (all, test);
            }
            if (all.Functions < TestShare) throw new ArgumentException($"{path}: expected at least {TestShare} functions, got {all.Functions}", "--data");
            return all.Split(all.Functions - all.Functions / TestShare);
        }
        // Seeds of their own: no function is in both sets.
        return (Triples(Context, Task.Train), Triples(Context with { Seed = ~Context.Seed }, Task.Test));
    }

    private TripleDataset Triples(RecipeContext context, (long Functions, long Points) size) => TripleDataset.FromGenerated(
        RecipeData.Load(context, Task.Problem with { PointsPerFunction = size.Points }, size.Functions, "u", "y", "s"));

    private Claim Judge(TrainedOperator network, TrainedOperator baseline)
    {
        var (error, times, gap) = Task.Goal;
        List<Condition> conditions =
        [
            new($"test error at most {error} ({network.Test:G3})", network.Test <= error),
            new($"FNN's test error at least {times} times as large ({baseline.Test / network.Test:G3} times)", baseline.Test >= times * network.Test),
        ];
        conditions.Add(gap is { } most
            ? new($"test error at most {most} times the training error ({network.Gap:G3} times; FNN {baseline.Gap:G3})", network.Gap <= most)
            : new($"test error nearer to the training error than the FNN's ({network.Gap:G3} times; FNN {baseline.Gap:G3})", network.Gap < baseline.Gap));
        return new Claim("deeponet", $"{Task.Name} test MSE", network.Test, error, baseline.Test, conditions);
    }

    // Functions that aren't of the space, on the whole grid.
    private void Show(TrainedOperator[] networks)
    {
        var locations = Task.Problem.Locations();
        var cases = Showpieces.Select(s =>
        {
            var truth = Task.Problem.Solve(s.U)[0];
            var u = s.U(Task.Problem.SensorLocations());
            return (s.Name, U: u, Truth: truth, Predictions: networks.Select(n => Predict(n.Network, u, locations)).ToArray());
        }).ToArray();
        Context.Output.Table($"{Task.Name}: relative L2 error on functions of other kinds", ["function", .. networks.Select(n => n.Name)],
            cases.Select(c => (object[])[c.Name, .. c.Predictions.Select(p => (object)RelativeL2.Loss(p.unsqueeze(0), c.Truth.unsqueeze(0)).item<double>())]));
        if (Task.Problem is SpaceTimeProblem grid)
        {
            Tensor Field(Tensor values) => values.reshape(grid.Times, grid.Nodes).to(ScalarType.Float32);
            Save("functions.png", "solutions in space and time: truth, predictions and their errors", new FieldPicture
            {
                Title = $"{Task.Name}: space to the right, time downwards",
                Rows = [.. cases.Select(c => (FieldPanel[])
                [
                    new($"{c.Name}: truth", Field(c.Truth)) { Scale = "s" },
                    .. networks.Zip(c.Predictions).SelectMany(p => (FieldPanel[])
                    [
                        new(p.First.Name, Field(p.Second)) { Scale = "s" },
                        new("error", Field(p.Second - c.Truth)) { Colors = ColorScale.Diverging, Scale = "e" },
                    ]),
                ])],
            }.Save);
            return;
        }
        double[] x = Curve(locations.select(1, 0)), sensors = Curve(Task.Problem.SensorLocations());
        Save("functions.png", "input functions of other kinds, true and predicted outputs", path => LinePlot.SaveGrid(path, [.. cases.Select((c, i) => new LinePlot
        {
            Title = c.Name,
            XLabel = "x",
            YLabel = i % 2 == 0 ? "G(u)" : "",
            Series =
            [
                new Series("u", sensors, Curve(c.U)) { Dashed = true, Color = 6 },
                new Series("truth", x, Curve(c.Truth)) { Color = 2 },
                .. networks.Zip(c.Predictions).Select((p, k) => new Series(p.First.Name, x, Curve(p.Second)) { Color = k, Dashed = true }),
            ],
        })], 2));
    }

    private Tensor Predict(nn.Module<Tensor, Tensor, Tensor> network, Tensor u, Tensor locations) => network
        .call(u.to(ScalarType.Float32).unsqueeze(0).expand(locations.shape[0], -1).to(Context.Device), locations.to(ScalarType.Float32).to(Context.Device))
        .squeeze(1).to(ScalarType.Float64).cpu();
}
