using System.Globalization;
using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Data;
using TorchZoo.Data.Arithmetic;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Sums, differences, products and quotients of two numbers, learned on small ones and tested on greater ones.</summary>
[Recipe(Name)]
public sealed class NaluRecipe : Recipe
{
    internal const string Name = "nalu";

    private const string Perceptron = "MLP";
    private const string TaskNote = "operation";
    private const double Solved = 0.01;

    private static readonly (ArithmeticOperation Operation, string Unit)[] Rows =
    [
        (ArithmeticOperation.Add, "NAC"), (ArithmeticOperation.Subtract, "NAC"),
        (ArithmeticOperation.Multiply, "NAC•"), (ArithmeticOperation.Divide, "NAC•"),
        (ArithmeticOperation.Add, "NALU"), (ArithmeticOperation.Subtract, "NALU"),
        (ArithmeticOperation.Multiply, "NALU"), (ArithmeticOperation.Divide, "NALU"),
        (ArithmeticOperation.Add, Perceptron), (ArithmeticOperation.Multiply, Perceptron),
    ];

    // The run's own network.
    private static readonly (ArithmeticOperation Operation, string Unit) Own = (ArithmeticOperation.Multiply, "NALU");

    private static readonly double[] Factors = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        context.RefuseData(Name);
        using var scope = NewDisposeScope();
        var setting = Setting.Of(context);
        Result[] results = [.. Rows.Select((row, i) => Train(context, setting, row.Operation, row.Unit, (ulong)i))];
        context.Output.Table($"{setting.Members} seeds, mean |error| over mean |target|, median of the seeds",
            ["operation", "unit", "training range", "test range", "seeds below 1 %"],
            results.Select(r => (object[])[Sign(r.Operation), r.Unit, r.Inside, r.Outside, $"{r.Successes} of {setting.Members}"]));
        DrawRanges(context, setting, results);
        Identity(context);
        return Judge(setting, results);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        var setting = Setting.Of(context.WithSizeAndSeedOfTraining());
        var operation = Enum.Parse<ArithmeticOperation>(context.Note(TaskNote));
        using var network = Zoo.Load<Nalu>(context.Checkpoint);
        network.to(context.Device);
        double[] Errors(SampleRange range) => ExtrapolationError.Relative(network.call, setting.Task(operation), range,
            members: setting.Members, device: context.Device);
        double[] inside = Errors(setting.Train), outside = Errors(setting.Test);
        context.Output.Table($"{Sign(operation)}, mean |error| over mean |target|", ["seed", "training range", "test range"],
            inside.Zip(outside).Select((e, i) => (object[])[i, e.First, e.Second]));
        return null;
    }

    private static Result Train(RecipeContext context, Setting setting, ArithmeticOperation operation, string unit, ulong row)
    {
        var task = setting.Task(operation);
        var seed = Seed.Derive(context.Seed, row);
        nn.Module<Tensor, Tensor> network = unit == Perceptron
            ? ArithmeticRuns.Perceptrons(setting.Members, [task.Inputs, 64, 1], "relu", seed) : Network(setting, task, unit, seed);
        ArithmeticRuns.Train(context, $"{unit} on {Sign(operation)}", network,
            new ArithmeticStream(task, setting.Train, setting.Members), setting.Steps, p => new RMSProp(p, 0.05),
            note: (operation, unit) == Own ? (TaskNote, operation.ToString()) : null);
        double[] Errors(SampleRange range) => ExtrapolationError.Relative(network.call, task, range, members: setting.Members,
            device: context.Device);
        double[] inside = Errors(setting.Train), outside = Errors(setting.Test);
        double[] byFactor = [.. Factors.Select(f =>
            ArithmeticRuns.Median(Errors(new(setting.Train.Low * f, setting.Train.High * f))))];
        return new(operation, unit, ArithmeticRuns.Median(inside), ArithmeticRuns.Median(outside), outside.Count(e => e < Solved),
            byFactor);
    }

    private static Nalu Network(Setting setting, ArithmeticTask task, string unit, ulong seed)
    {
        using var generator = new Generator(seed);
        NaluUnit[] units = unit switch
        {
            "NAC" => [NaluUnit.Nac, NaluUnit.Nac],
            "NAC•" => [NaluUnit.Nac, NaluUnit.NacMul],
            _ => [NaluUnit.Nalu, NaluUnit.Nalu],
        };
        return new Nalu(new NaluConfig
        {
            InFeatures = task.Inputs,
            Units = units[^setting.Layers..],
            Members = setting.Members,
            Init = setting.Layers > 1 ? NacInit.Stable : NacInit.Kaiming,
        }, generator);
    }

    private static void DrawRanges(RecipeContext context, Setting setting, Result[] results)
    {
        LinePlot Plot(ArithmeticOperation operation) => new()
        {
            Title = $"{Sign(operation)}, learned on {setting.Train.Low} to {setting.Train.High}",
            XLabel = "numbers tested, times those learned",
            YLabel = "mean |error| / mean |target|",
            LogX = true,
            LogY = true,
            Series = [.. results.Where(r => r.Operation == operation).Select(r =>
                new Series(r.Unit, Factors, r.ByFactor) { Markers = true })],
        };
        context.Save("extrapolation.png", "error against the range of the numbers", path => LinePlot.SaveGrid(path,
            [Plot(ArithmeticOperation.Add), Plot(ArithmeticOperation.Multiply)], columns: 2));
    }

    // The paper's figure 1: perceptrons that learn the identity on [−5, 5].
    private static void Identity(RecipeContext context)
    {
        const long members = 10;
        const double trained = 5, tested = 20;
        double[] x = [.. Enumerable.Range(0, 161).Select(i => tested * (i / 80.0 - 1))];
        var lines = new List<Series>();
        var rows = new List<object[]>();
        foreach (var activation in new[] { "relu", "relu6", "elu", "selu", "softplus", "tanh", "sigmoid" })
        {
            using var scope = NewDisposeScope();
            var network = ArithmeticRuns.Perceptrons(members, [1, 8, 8, 8, 1], activation, Seed.Derive(context.Seed, 100));
            ArithmeticRuns.Train(context, $"the identity with {activation}", network, new NumberStream(members, trained),
                context.Pick(5, 1000, 20_000), p => new FusedAdam(p, 1e-2));
            using var off = no_grad();
            var points = tensor(x, ScalarType.Float32).unsqueeze(1);
            var y = network.call(points.expand(members, -1, -1).to(context.Device)).cpu();
            double[] errors = [.. (y - points).abs().squeeze(-1).t().unbind(0).Select(e =>
                ArithmeticRuns.Median(e.to(ScalarType.Float64).contiguous().data<double>()))];
            lines.Add(new(activation, x, errors));
            double Mean(bool inside) => errors.Where((_, j) => Math.Abs(x[j]) <= trained == inside).Average();
            rows.Add([activation, Mean(true), Mean(false)]);
        }
        context.Output.Table($"Identity with 3 hidden layers of 8, |error|, median of {members} seeds",
            ["activation", $"|x| ≤ {trained}", $"{trained} < |x| ≤ {tested}"], rows);
        context.Save("identity.png", "perceptrons that learned the identity on [−5, 5]", path => new LinePlot
        {
            Title = "The identity, learned on [−5, 5]",
            XLabel = "x",
            YLabel = "|error|",
            YRange = (0, tested),
            Series = lines,
        }.Save(path));
    }

    private static Claim Judge(Setting setting, Result[] results)
    {
        const double median = 0.02, failure = 0.5;
        var needed = (int)Math.Ceiling(0.9 * setting.Members);
        Result Of(string unit, ArithmeticOperation operation) => results.Single(r => r.Unit == unit && r.Operation == operation);
        var baseline = Of(Perceptron, ArithmeticOperation.Multiply);
        var product = Of(Own.Unit, Own.Operation);
        return new Claim(Name, "median error of NALU on a · b", product.Outside, median, baseline.Outside,
        [
            .. results.Where(r => r.Unit is "NAC" or "NAC•").Select(r => new Condition(
                $"{r.Unit} on {Sign(r.Operation)} below 1 % in {needed} seeds at least ({r.Successes})", r.Successes >= needed)),
            .. results.Where(r => r.Unit == "NALU" && r.Operation != ArithmeticOperation.Subtract).Select(r => new Condition(
                string.Create(CultureInfo.InvariantCulture, $"NALU on {Sign(r.Operation)} below 2 % ({r.Outside:P2})"),
                    r.Outside < median)),
            new(string.Create(CultureInfo.InvariantCulture, $"MLP on a · b above 50 % ({baseline.Outside:P0})"),
                baseline.Outside > failure),
        ]);
    }

    private static string Sign(ArithmeticOperation operation) => operation switch
    {
        ArithmeticOperation.Add => "a + b",
        ArithmeticOperation.Subtract => "a − b",
        ArithmeticOperation.Multiply => "a · b",
        _ => "a / b",
    };

    private sealed record Result(
        ArithmeticOperation Operation, string Unit, double Inside, double Outside, int Successes, double[] ByFactor);

    // By default two numbers and a layer; with --full blocks of a hundred, and two layers.
    private sealed record Setting(long Members, int Layers, int Steps, SampleRange Train, SampleRange Test,
        Func<ArithmeticOperation, ArithmeticTask> Task)
    {
        public static Setting Of(RecipeContext context) => context.Size == RunSize.Full
            ? new(100, 2, context.Epochs ?? 5_000_000, new(1, 2), new(2, 6), o => ArithmeticTask.Create(o, seed: context.Seed))
            : new(context.Pick(2, 10, 0), 1, context.Epochs ?? context.Pick(5, 1500, 0), new(1, 2), new(10, 20),
                o => new ArithmeticTask(o, 2, [0], [1]));
    }

    private sealed class NumberStream(long members, double range) : IStreamingDataset
    {
        public IEnumerable<Batch> Batches(StreamPosition position)
        {
            for (var i = position.FirstBatch; ; i++)
            {
                using var generator = new Generator(Seed.Derive(Seed.Derive(position.Seed, (ulong)position.Epoch), (ulong)i));
                var x = empty(members, position.BatchSize, 1).uniform_(-range, range, generator);
                yield return new Pairs(x, x.clone());
            }
        }
    }
}
