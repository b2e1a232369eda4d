using System.Globalization;
using TorchZoo.Data;
using TorchZoo.Models.Neurons;
using TorchZoo.Optimizers;
using TorchZoo.Reports;
using TorchZoo.Training;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>All activations of single numbers: which of them are the same, and how a small network learns with each.</summary>
[Recipe(Name)]
public sealed class ActivationRecipe : Recipe
{
    internal const string Name = "activations-400";

    private const int Shown = 12;

    // What has no numbers left of 0, or loses them when its exponents are trained.
    private static readonly string[] MayFail = ["SBAF", "ModifiedWeibull"];
    private static readonly string[] Familiar = ["ReLU", "Tanh", "GELU", "SiLU", "Sigmoid", "BinaryStep"];
    private static readonly double[] Percentiles = [0.1, 0.25, 0.5, 0.75, 0.9];

    /// <inheritdoc/>
    public override Claim Run(RecipeContext context)
    {
        using var scope = NewDisposeScope();
        ActivationSpec[] specs =
            [.. ActivationRegistry.Names.Select(ActivationRegistry.Get).Where(s => s.Kind == ActivationKind.Pointwise)];
        var setting = Setting.Of(context);
        var redundancy = Redundancy.Of(specs);
        redundancy.Show(context);
        DrawCurves(context, specs);
        redundancy.Draw(context);
        var results = Sweep(context, setting, [.. specs.Where((_, i) => i % setting.Every == 0)]);
        Show(context, results);
        DrawAccuracies(context, setting, results);
        return Judge(redundancy, results);
    }

    private static Result[] Sweep(RecipeContext context, Setting setting, ActivationSpec[] specs)
    {
        var (train, test) = setting.Load(context);
        using var progress = context.Progress.Start($"Training {specs.Length} networks");
        var contest = new Contest
        {
            // One line for all of them.
            Context = context with { Progress = IProgressDisplay.None },
            Train = train,
            Test = test,
            Epochs = setting.Epochs,
            BatchSize = setting.BatchSize,
            EvaluateEvery = setting.Epochs,
            Seeds = 1,
            Diverged = 0.1,
            Optimizer = setting.Optimizer,
            Schedule = setting.Schedule,
        };
        var results = new List<Result>();
        foreach (var (i, spec) in specs.Index())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var contender = contest.Run(spec.Name, () => setting.Network(() => ActivationRegistry.Create(spec.Name)));
            var loss = contender.Results[0]?.History[^1].Training["loss"] ?? double.NaN;
            results.Add(new(spec, contender.Mean, double.IsFinite(loss)));
            progress.Report((i + 1.0) / specs.Length, $"{spec.Name} {contender.Mean.ToString("F3", CultureInfo.InvariantCulture)}");
        }
        return [.. results.OrderByDescending(r => r.Accuracy)];
    }

    private static void Show(RecipeContext context, Result[] results)
    {
        object[] Row(Result result, int rank) =>
            [rank + 1, result.Spec.Name, result.Spec.Formula, result.Spec.Section, result.Accuracy, result.IsFinite ? "" : "NaN"];
        IEnumerable<object[]> Rows(Func<int, bool> shown) =>
            results.Select((r, i) => (r, i)).Where(p => shown(p.i)).Select(p => Row(p.r, p.i));
        string[] columns = ["rank", "activation", "formula", "section", "test accuracy", ""];
        context.Output.Table("The best", columns, Rows(i => i < Shown));
        context.Output.Table("The last", columns, Rows(i => i >= results.Length - Shown));
        context.Output.Table("Familiar ones", columns, Rows(i => Familiar.Contains(results[i].Spec.Name)));
        context.Output.Table("Accuracy by percentile", [.. Percentiles.Select(p => p.ToString("P0", CultureInfo.InvariantCulture))],
            [[.. Percentiles.Select(p => (object)Percentile(results, p))]]);
        foreach (var result in results.Where(r => !r.IsFinite)) context.Output.Warn($"{result.Spec.Name}: its loss became NaN.");
    }

    // Linear between the two nearest ranks.
    private static double Percentile(Result[] results, double share)
    {
        double[] sorted = [.. results.Select(r => r.Accuracy).Order()];
        var at = share * (sorted.Length - 1);
        var low = (int)at;
        return sorted[low] + (at - low) * (sorted[Math.Min(low + 1, sorted.Length - 1)] - sorted[low]);
    }

    private static void DrawCurves(RecipeContext context, ActivationSpec[] specs) => context.Save("curves.png",
        "all activations of single numbers at their defaults, from −4 to 4; adaptive ones orange", path => new CurvePicture
        {
            Title = $"{specs.Length} activations, from −4 to 4 and −3 to 5: fixed (blue) and adaptive (orange)",
            Panels = [.. specs.Select(s => new CurvePanel(s.Name,
                Curve(s) with { Color = s.Category == ActivationCategory.Fixed ? 0 : 1 }))],
        }.Save(path));

    private static Series Curve(ActivationSpec spec)
    {
        using var scope = NewDisposeScope();
        double[] x = [.. Enumerable.Range(0, 401).Select(i => (i - 200) / 50.0)];
        return new(spec.Name, x, [.. spec.Evaluate(tensor(x)).data<double>()]);
    }

    private static void DrawAccuracies(RecipeContext context, Setting setting, Result[] results)
    {
        double[] ranks = [.. Enumerable.Range(1, results.Length).Select(i => (double)i)];
        IEnumerable<Series> Points() => Familiar.Select(name => Array.FindIndex(results, r => r.Spec.Name == name)).Where(i => i >= 0)
            .Select(i => new Series(results[i].Spec.Name, [i + 1], [results[i].Accuracy]));
        context.Save("accuracy.png", "test accuracy of a network with each activation, the best first", path => new LinePlot
        {
            Title = $"{setting.Title}: test accuracy after {setting.Epochs} epochs",
            XLabel = "rank",
            YLabel = "test accuracy",
            YRange = (0, 1),
            Series = [new Series("all", ranks, [.. results.Select(r => r.Accuracy)]), .. Points()],
        }.Save(path));
    }

    private static Claim Judge(Redundancy redundancy, Result[] results)
    {
        const double half = 0.5, share = 0.95, threshold = 0.90;
        var median = Percentile(results, 0.5);
        var learned = results.Count(r => r.Accuracy > half) / (double)results.Length;
        string[] failed = [.. results.Where(r => !r.IsFinite).Select(r => r.Spec.Name)];
        static string Text(FormattableString text) => FormattableString.Invariant(text);
        return new Claim(Name, "test accuracy, median of the activations", median, threshold,
            results.FirstOrDefault(r => r.Spec.Name == "ReLU")?.Accuracy,
            [
                new(Text($"34 groups of 126 equal functions ({redundancy.Same.Count}, {redundancy.Same.Sum(g => g.Count)})"),
                    redundancy.Same.Count == 34 && redundancy.Same.Sum(g => g.Count) == 126),
                new(Text($"43 groups of 163 equal shapes ({redundancy.Shapes.Count}, {redundancy.Shapes.Sum(g => g.Count)})"),
                    redundancy.Shapes.Count == 43 && redundancy.Shapes.Sum(g => g.Count) == 163),
                new(Text($"280 shapes of 400 functions ({redundancy.DistinctShapes}, {redundancy.Comparable})"),
                    redundancy is { DistinctShapes: 280, Comparable: 400 }),
                new(Text($"the median at least {threshold:F2} ({median:F3})"), median >= threshold),
                new(Text($"at least {share:P0} learn more than half ({learned:P1})"), learned >= share),
                new(Text($"no NaN but with {string.Join(" and ", MayFail)} ({(failed.Length == 0 ? "none" : string.Join(", ", failed))})"),
                    !failed.Except(MayFail).Any()),
            ]);
    }

    private sealed record Result(ActivationSpec Spec, double Accuracy, bool IsFinite);

    private sealed record Redundancy(IReadOnlyList<IReadOnlyList<string>> Same, IReadOnlyList<IReadOnlyList<string>> Shapes, int Comparable)
    {
        public int DistinctShapes => Comparable - Shapes.Sum(g => g.Count) + Shapes.Count;

        public static Redundancy Of(ActivationSpec[] specs)
        {
            var names = ActivationRedundancy.Comparable(specs.Select(s => s.Name));
            return new(ActivationRedundancy.Groups(names, false), ActivationRedundancy.Groups(names, true), names.Count);
        }

        public void Show(RecipeContext context)
        {
            context.Output.Table($"{Same.Count} groups of equal functions", ["members", "names"],
                Same.OrderByDescending(g => g.Count).Select(g => (object[])[g.Count, string.Join(", ", g)]));
            context.Output.Table(
                $"{Shapes.Count} groups of equal shapes, scaled, shifted or mirrored: {DistinctShapes} shapes of {Comparable}",
                ["members", "names"], Shapes.OrderByDescending(g => g.Count).Select(g => (object[])[g.Count, string.Join(", ", g)]));
        }

        public void Draw(RecipeContext context) => context.Save("groups.png", "groups of activations of one shape", path => new CurvePicture
        {
            Title = $"{Shapes.Count} groups of one shape, up to scale, shift and mirroring",
            Panels = [.. Shapes.OrderByDescending(g => g.Count).Select(group => new CurvePanel($"{group.Count} of one shape",
                [.. group.Select(name => Curve(ActivationRegistry.Get(name)))]) { Caption = string.Join(" ", group) })],
            Columns = 9,
            PanelSize = 150,
        }.Save(path));
    }

    private sealed record Setting(string Title, int Epochs, int BatchSize, int Every,
        Func<RecipeContext, (PairDataset Train, PairDataset Test)> Load,
        Func<Func<nn.Module<Tensor, Tensor>>, nn.Module<Tensor, Tensor>> Network,
        Func<IEnumerable<TorchSharp.Modules.Parameter>, optim.Optimizer> Optimizer, Schedule Schedule)
    {
        // With --full photographs and a residual network, on a GPU.
        public static Setting Of(RecipeContext context) => context.Size == RunSize.Full
            ? new("CIFAR-10", context.Epochs ?? 60, 128, 1, Photographs, activation => new ActivationResNet(activation),
                p => new FusedSgd(p, 0.1, momentum: 0.9, weightDecay: 5e-4), Schedules.Cosine())
            : new("Digits", context.Epochs ?? context.Pick(1, 3, 0), 70, context.Pick(20, 1, 0), SmallDigits, Perceptron,
                p => new FusedAdam(p, 3e-3), Schedules.Constant());

        private static nn.Module<Tensor, Tensor> Perceptron(Func<nn.Module<Tensor, Tensor>> activation) =>
            nn.Sequential(nn.Linear(64, 64), activation(), nn.Linear(64, 64), activation(), nn.Linear(64, 10));

        private static (PairDataset, PairDataset) SmallDigits(RecipeContext context)
        {
            if (context.Data is not null)
                throw new ArgumentException("The digits come with the program; --data is for CIFAR-10, with --full.", "--data");
            var images = Digits.Load(new() { Flatten = true });
            return (images.Train, images.Test);
        }

        private static (PairDataset, PairDataset) Photographs(RecipeContext context) => Cifar10.Load(context.Data
            ?? throw new ArgumentException("--full needs CIFAR-10: --data FOLDER with data_batch_1.bin … and test_batch.bin.", "--data"),
            context.Cancellation);
    }
}
