using System.CommandLine;
using System.Globalization;
using TorchSharp;
using TorchZoo.Data.Arithmetic;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Products of sums, and products of some of many numbers with both signs, learned exactly or not, over many seeds.</summary>
[Recipe(Name)]
public sealed class NauNmuRecipe : Recipe
{
    internal const string Name = "nau-nmu";

    private const double Epsilon = 1e-5;
    private const string TaskNote = "task", Products = "products of sums", Selection = "x1·x3";

    // Of the run's own network, where it selects.
    private const int OwnNumbers = 10;

    private readonly Option<bool> _select = new("--select")
    {
        Description = "One layer that multiplies two of 4, 10 and 20 numbers of both signs, in place of products of sums",
    };

    /// <inheritdoc/>
    public override IEnumerable<Option> Options => [_select];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Claims => [[], ["--select"]];

    /// <inheritdoc/>
    public override string? Variant(ParseResult arguments) => arguments.GetValue(_select) ? "select" : null;

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        context.RefuseData(Name);
        using var scope = NewDisposeScope();
        return context.Get(_select) ? Select(context) : ProductsOfSums(context);
    }

    /// <inheritdoc/>
    public override Claim? Evaluate(EvaluateContext context)
    {
        using var scope = NewDisposeScope();
        var training = context.WithSizeAndSeedOfTraining();
        var setting = context.Note(TaskNote) == Products ? OfProducts(training) : OfSelection(training, OwnNumbers);
        using var network = Zoo.Load<NauNmu>(context.Checkpoint);
        network.to(context.Device);
        var threshold = Threshold(training, setting);
        context.Output.Note("criterion, mean squared error", threshold);
        context.Output.Table($"{context.Note(TaskNote)}, tested outside of the training range",
            ["seed", "exact", "mean squared error", "sparsity error", "formula"],
            ExtrapolationError.MeanSquared(network.call, setting.Task, setting.Test, 10_000, setting.Members, 1, context.Device)
                .Zip(network.SparsityErrors()).Select((e, i) =>
                    (object[])[i, e.First < threshold ? "yes" : "no", e.First, e.Second, network.Formula(member: i)]));
        return null;
    }

    private static Claim ProductsOfSums(RecipeContext context)
    {
        var setting = OfProducts(context);
        Result[] results =
        [
            Train(context, setting, "NAU → NMU", Arithmetic(context, setting, NauNmuUnit.Nau, NauNmuUnit.Nmu), Products),
            Train(context, setting, "NAC → NAC•", Logarithmic(context, setting, NaluUnit.Nac, NaluUnit.NacMul)),
            Train(context, setting, "NALU → NALU", Logarithmic(context, setting, NaluUnit.Nalu, NaluUnit.Nalu)),
        ];
        Show(context, "(x0+x1+x2+x3)·(x0+x1)", setting.Members, results);
        Draw(context, Products, results);
        var (nmu, others) = (results[0], results[1..]);
        var (needed, allowed) = ((int)Math.Ceiling(0.6 * setting.Members), setting.Members / 10);
        return new Claim(Name, $"seeds of {setting.Members} that are exact", nmu.Successes, needed, others.Max(r => r.Successes),
        [
            new($"NMU exact in {needed} seeds at least ({nmu.Successes})", nmu.Successes >= needed),
            .. others.Select(r => new Condition($"{r.Name} in {allowed} at most ({r.Successes})", r.Successes <= allowed)),
            new(string.Create(CultureInfo.InvariantCulture, $"median error of NMU at most 0.1 % ({nmu.Relative:G2})"),
                nmu.Relative <= 1e-3),
        ]);
    }

    private static Claim Select(RecipeContext context)
    {
        var results = new List<Result>();
        var members = context.Pick(2, 20, 100);
        foreach (var n in new[] { 4, 10, 20 })
        {
            var setting = OfSelection(context, n);
            results.Add(Train(context, setting, $"NMU, {n} numbers", Arithmetic(context, setting, NauNmuUnit.Nmu),
                n == OwnNumbers ? Selection : null));
            results.Add(Train(context, setting, $"NAC•, {n} numbers", Logarithmic(context, setting, NaluUnit.NacMul)));
        }
        Show(context, "x1·x3 of numbers of both signs", members, results);
        Draw(context, Selection, results);
        Result few = results[0], more = results[2];
        var needed = (int)Math.Ceiling(0.9 * members);
        return new Claim(Name, $"seeds of {members} that are exact, 10 numbers", more.Successes, needed, results[3].Successes,
        [
            new($"NMU exact in all seeds of 4 numbers ({few.Successes})", few.Successes == members),
            new($"NMU exact in {needed} at least of 10 numbers ({more.Successes})", more.Successes >= needed),
        ]);
    }

    private static Setting OfProducts(RecipeContext context)
    {
        var full = context.Size == RunSize.Full;
        var task = full ? ArithmeticTask.Create(ArithmeticOperation.Multiply, seed: context.Seed)
            : new ArithmeticTask(ArithmeticOperation.Multiply, 4, [0, 1, 2, 3], [0, 1]);
        return new Setting(task, new(1, 2), new(2, 6), context.Pick(2, 20, 100), context.Epochs ?? context.Pick(10, 5000, 5_000_000))
        {
            Rate = full ? 1e-3 : 1e-2,
            // The last steps' noise alone would exceed the criterion.
            Schedule = full ? Schedules.Constant() : DecayAfter(0.6, 0.02),
            Ramp = full ? _ => RegularizerRamp.Multiplication : steps => new RegularizerRamp(1, steps * 3 / 10, steps * 6 / 10),
        };
    }

    private static Setting OfSelection(RecipeContext context, int numbers) => new(
        new ArithmeticTask(ArithmeticOperation.Multiply, numbers, [1], [3]), new(-2, 2), new(2, 6, BothSigns: true), context.Pick(2, 20, 100),
        context.Epochs ?? context.Pick(10, 3000, 20_000))
    { Rate = 1e-2, Ramp = steps => new RegularizerRamp(1, steps / 3, steps / 2) };

    private static NauNmu Arithmetic(RecipeContext context, Setting setting, params NauNmuUnit[] units)
    {
        using var generator = new Generator(context.Seed);
        return new(new NauNmuConfig { InFeatures = setting.Task.Inputs, Units = units, Members = setting.Members }, generator);
    }

    private static Nalu Logarithmic(RecipeContext context, Setting setting, params NaluUnit[] units)
    {
        using var generator = new Generator(context.Seed);
        return new(new NaluConfig { InFeatures = setting.Task.Inputs, Units = units, Members = setting.Members, Init = NacInit.Stable },
            generator);
    }

    // What the run's own network learns is its checkpoint's note.
    private static Result Train(RecipeContext context, Setting setting, string name, nn.Module<Tensor, Tensor> network, string? note = null)
    {
        var (task, members, ramp) = (setting.Task, setting.Members, setting.Ramp(setting.Steps));
        var threshold = Threshold(context, setting);
        var course = new Course(network, every: Math.Max(1, setting.Steps / 50), x => ExtrapolationError.MeanSquared(
            x, task, setting.Test, samples: 1000, members: members, device: context.Device), threshold);
        ArithmeticRuns.Train(context, name, network, new ArithmeticStream(task, setting.Train, members), setting.Steps,
            p => new FusedAdam(p, setting.Rate), new ArithmeticTraining(new ArithmeticSparsityRegularizer(ramp), ArithmeticRuns.Loss),
            setting.Schedule, note is null ? null : (TaskNote, note), course);
        double[] Of(Func<Func<Tensor, Tensor>, ArithmeticTask, SampleRange, long, long?, ulong, Device?, double[]> measure) =>
            measure(network.call, task, setting.Test, 10_000, members, 1, context.Device);
        var (squares, relative) = (Of(ExtrapolationError.MeanSquared), Of(ExtrapolationError.Relative));
        var solved = network as NauNmu;
        bool[] passes = [.. squares.Select(e => e < threshold)];
        return new(name, threshold, passes.Count(p => p), ArithmeticRuns.Median(squares), ArithmeticRuns.Median(relative),
            solved is null ? double.NaN : ArithmeticRuns.Median(solved.SparsityErrors()),
            solved?.Formula(member: Math.Max(0, Array.IndexOf(passes, true))) ?? "",
            course.Solved(passes) is { Length: > 0 } at ? ArithmeticRuns.Median(at) : double.NaN, course.Steps, course.Medians);
    }

    private static double Threshold(RecipeContext context, Setting setting) =>
        ArithmeticSuccessCriterion.Threshold(setting.Task, Epsilon, setting.Test, context.Pick(10_000, 1_000_000, 1_000_000));

    private static void Show(RecipeContext context, string task, int members, IReadOnlyCollection<Result> results)
    {
        context.Output.Note("criterion, mean squared error", results.First().Threshold);
        context.Output.Table($"{task}, {members} seeds, tested outside of the training range",
            ["network", "exact", "95 %", "solved at step", "mean squared error", "relative error", "sparsity error", "a formula"],
            results.Select(r =>
            {
                var (low, high) = ArithmeticSuccessCriterion.Interval(r.Successes, members);
                return (object[])[r.Name, $"{r.Successes} of {members}",
                    string.Create(CultureInfo.InvariantCulture, $"{low:F2} to {high:F2}"),
                    Known(r.SolvedAt), r.MeanSquare, r.Relative, Known(r.Sparsity), r.Formula];
            }));

        static object Known(double value) => double.IsNaN(value) ? "–" : value;
    }

    private static void Draw(RecipeContext context, string task, IReadOnlyCollection<Result> results) =>
        context.Save("learning.png", "error outside of the training range while training", path => new LinePlot
        {
            Title = $"{task}: outside of the training range, median of the seeds",
            XLabel = "step",
            YLabel = "mean squared error",
            LogY = true,
            Series =
            [
                .. results.Select(r => new Series(r.Name, r.Steps, r.Course)),
                new("criterion", results.First().Steps,
                    [.. results.First().Steps.Select(_ => results.First().Threshold)]) { Dashed = true },
            ],
        }.Save(path));

    private static Schedule DecayAfter(double share, double final) => Schedules.Factor(clock =>
    {
        var progress = clock.Step / (double)clock.TotalSteps;
        return progress <= share ? 1 : 1 - (1 - final) * (progress - share) / (1 - share);
    });

    private sealed record Setting(ArithmeticTask Task, SampleRange Train, SampleRange Test, int Members, int Steps)
    {
        public required double Rate { get; init; }

        public required Func<int, RegularizerRamp> Ramp { get; init; }

        public Schedule Schedule { get; init; } = Schedules.Constant();
    }

    private sealed record Result(string Name, double Threshold, int Successes, double MeanSquare, double Relative, double Sparsity,
        string Formula, double SolvedAt, double[] Steps, double[] Course);

    // The members' errors outside of the training range, from time to time.
    private sealed class Course(nn.Module<Tensor, Tensor> network, int every, Func<Func<Tensor, Tensor>, double[]> measure,
        double threshold)
        : TrainerCallback
    {
        private readonly List<(double Step, double[] Errors)> _points = [];

        public double[] Steps => [.. _points.Select(p => p.Step)];

        public double[] Medians => [.. _points.Select(p => ArithmeticRuns.Median(p.Errors))];

        /// <summary>When each of some members passed first.</summary>
        public double[] Solved(bool[] members) =>
        [
            .. members.Index().Where(m => m.Item)
                .Select(m => _points.FirstOrDefault(p => p.Errors[m.Index] < threshold, _points[^1]).Step),
        ];

        public override void OnStep(Trainer trainer, StepReport report)
        {
            if ((report.Step + 1) % every == 0) _points.Add((report.Step + 1, measure(network.call)));
        }
    }
}
