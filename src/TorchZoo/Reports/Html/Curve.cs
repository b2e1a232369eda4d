namespace TorchZoo.Reports.Html;

/// <summary>A panel of curves: one quantity, for one or several trainings.</summary>
/// <param name="Title">The quantity.</param>
/// <param name="Plot">How it looks.</param>
/// <param name="Remark">What the plot can't show; null: nothing.</param>
internal sealed record Curve(string Title, LinePlot Plot, string? Remark)
{
    /// <summary>Points of a line that are drawn at most.</summary>
    public const int MostPoints = 600;

    /// <summary>Panels of a group at most.</summary>
    public const int MostPanels = 18;

    // There are no halves of steps.
    private const int FewSteps = 5;

    private static readonly string[] Resources = [RunLog.LearningRate, RunLog.Speed, RunLog.Memory, RunLog.GpuMemory];

    /// <summary>The panels of trainings, first those of training and validation, then what steps logged, then the resources.</summary>
    /// <param name="trainings">The trainings, each with its colour.</param>
    /// <param name="left">Gets how many quantities have no panel because there are more than <see cref="MostPanels"/>.</param>
    public static IReadOnlyList<Curve> Of(IReadOnlyList<(Training Training, int Color)> trainings, out int left)
    {
        var names = trainings.SelectMany(t => t.Training.Metrics).Distinct().Where(n => n != RunLog.EpochSeconds).ToList();
        var quantities = names.Select(Quantity).Distinct().OrderBy(q => Order(q, names)).ToList();
        left = Math.Max(0, quantities.Count - MostPanels);
        return [.. quantities.Take(MostPanels).Select(q => Panel(q, trainings)).OfType<Curve>()];
    }

    private static string Quantity(string name) => name.StartsWith(RunLog.Training, StringComparison.Ordinal) ? name[RunLog.Training.Length..]
        : name.StartsWith(RunLog.Validation, StringComparison.Ordinal) ? name[RunLog.Validation.Length..] : name;

    private static int Order(string quantity, List<string> names) => Array.IndexOf(Resources, quantity) is >= 0 and var place ? 10 + place
        : quantity == "loss" ? 0 : names.Contains(RunLog.Validation + quantity) ? 1 : names.Contains(RunLog.Training + quantity) ? 2 : 3;

    private static Curve? Panel(string quantity, IReadOnlyList<(Training Training, int Color)> trainings)
    {
        var (factor, unit) = quantity is RunLog.Memory or RunLog.GpuMemory ? (1e-6, "MB") : (1.0, null);
        var lines = new List<Series>();
        var remarks = new List<string>();
        foreach (var (training, color) in trainings)
        {
            var (steps, means, validation) =
                (Line(quantity), Line(RunLog.Training + quantity), Line(RunLog.Validation + quantity));
            var isMeasured = means.X.Length + validation.X.Length > 0;
            var isBehind = isMeasured && steps.X.Length > 1 && means.X.Length > 1;
            if (steps.X.Length > 0) lines.Add(Thin(steps) with { Color = color, Faint = isBehind });
            if (means.X.Length > 0) lines.Add(Thin(means) with { Color = color });
            if (validation.X.Length > 0) lines.Add(Thin(validation) with { Color = color, Dashed = true });
            if ((First(steps) ?? First(means) ?? First(validation)) is { } gap)
                remarks.Add($"{(trainings.Count > 1 ? training.Name + ": " : "")}{gap.Value} at step {gap.Step}");

            Series Line(string name)
            {
                var (x, y) = training.Values(name);
                return new Series("", x, [.. y.Select(v => v * factor)]);
            }
        }
        var values = lines.SelectMany(l => l.Y).Where(double.IsFinite).ToList();
        if (values.Count == 0 && remarks.Count == 0) return null;
        var isResource = Resources.Contains(quantity);
        // One point of a resource is a number, not a curve; the tables have it.
        if (isResource && lines.All(l => l.X.Length < 2)) return null;
        var last = lines.SelectMany(l => l.X).Max();
        var isLog = values.Count > 0 && !isResource && !quantity.Contains("accuracy", StringComparison.OrdinalIgnoreCase)
            && values.Min() > 0 && values.Max() >= 10 * values.Min();
        var title = $"{quantity.Replace('_', ' ').Replace(" bytes", "", StringComparison.Ordinal)}{(unit is null ? "" : $" ({unit})")}";
        double[]? ticks = last <= FewSteps ? [.. Enumerable.Range(0, (int)last + 1).Select(i => (double)i)] : null;
        return new Curve(title, new LinePlot { XLabel = "step", XTicks = ticks, LogY = isLog, Series = lines },
            remarks.Count == 0 ? null : $"not finite: {string.Join(", ", remarks)}");
    }

    private static (double Value, long Step)? First(Series line)
    {
        var place = Array.FindIndex(line.Y, v => !double.IsFinite(v));
        return place < 0 ? null : (line.Y[place], (long)line.X[place]);
    }

    private static Series Thin(Series line)
    {
        var kept = Thinning.Keep(line.X, line.Y, MostPoints);
        return line with { X = [.. kept.Select(i => line.X[i])], Y = [.. kept.Select(i => line.Y[i])] };
    }
}
