using System.Globalization;

namespace TorchZoo.Reports.Html;

/// <summary>Several runs on one page.</summary>
internal sealed class ComparisonPage(IReadOnlyList<RunFolder> runs) : Page
{
    private readonly string[] _names = Names(runs);

    /// <summary>The page.</summary>
    public string Write() => Write($"{runs.Count} runs compared", () =>
    {
        using (Html.Open("header"))
        {
            Html.Element("p", $"{runs.Count} runs compared", ("class", "source"));
            Html.Element("h1", Titles());
            Verdicts();
            foreach (var (i, run) in runs.Index())
                foreach (var problem in run.Problems) Html.Element("p", $"{_names[i]}: {problem}", ("class", "warning"));
        }
        Section("Results", "results", Results);
        var differences = Differences();
        Section("What differs", "differences", () =>
        {
            if (differences.Count == 0) Html.Element("p", "Their configurations, options and versions are the same.");
            else Table(null, ["setting", .. _names], differences);
        });
        var paths = runs.SelectMany(r => r.Trainings.Select(t => t.Path)).Distinct().ToList();
        if (runs.Any(r => r.Trainings.Any(t => t.Metrics.Any())))
            Section("Curves", "curves", () =>
            {
                foreach (var path in paths) Curves(path, hasHeading: paths.Count > 1);
            });
        if (runs.Any(r => r.Pictures.Count > 0)) Section("Pictures", "pictures", Pictures);
        Section("Repeat them", "repeat", () =>
        {
            foreach (var (i, run) in runs.Index())
            {
                Html.Element("h3", _names[i]);
                Html.Element("pre", run.Command ?? "unknown", ("class", "command"));
            }
        });
        using (Html.Open("footer")) Html.Text("Made by TorchZoo from the runs' folders; nothing is loaded from elsewhere.");
    });

    private string Titles() => runs.Select(r => r.Title).Distinct().ToList() is [var only] ? only : string.Join(", ", _names);

    private void Verdicts()
    {
        using (Html.Open("div", ("id", "verdict")))
        {
            // Runs that claim the same are drawn to one scale.
            foreach (var metric in runs.SelectMany((r, i) => r.Claims.Select(c => (Run: i, Claim: c))).GroupBy(c => c.Claim.Metric))
                using (Html.Open("div", ("class", "claim")))
                {
                    Html.Element("p", metric.Key, ("class", "metric"));
                    var bars = metric.Select(c => (_names[c.Run], c.Claim.Value, $"c{c.Run % SvgPlot.Colors}", (string?)c.Claim.Verdict))
                        .ToList();
                    if (metric.Select(c => c.Claim.Baseline).Distinct().ToList() is [{ } common])
                        bars.Add(("baseline", common, "other", null));
                    else
                        foreach (var (place, claim) in metric)
                            if (claim.Baseline is { } baseline) bars.Add(($"{_names[place]}, baseline", baseline, "other", null));
                    Bars(bars, metric.Select(c => c.Claim.Threshold).Distinct().ToList() is [var threshold] ? threshold : null);
                }
        }
    }

    private void Results()
    {
        Table("runs", ["run", "verdict", "metric", "value", "threshold", "baseline", "time", "device"],
            [.. runs.Index().SelectMany(r => r.Item.Claims.Cast<RunClaim?>().DefaultIfEmpty().Select(c => (IReadOnlyList<object?>)
            [
                _names[r.Index], c is null || r.Item.Outcome is not RunOutcome.Finished ? Verdict(r.Item) : c.Verdict, c?.Metric, c?.Value,
                c?.Threshold, c?.Baseline, r.Item.Time is { } time ? Duration(time) : null, r.Item.Device,
            ]))]);
        foreach (var (i, run) in runs.Index())
            if (run.Error is { } error) Html.Element("pre", $"{_names[i]}: {error}", ("class", "error"));
        Metrics();
    }

    // Last values of what all or some of the runs measured, in their principal trainings.
    private void Metrics()
    {
        var names = runs.SelectMany(r => r.Main?.Metrics ?? [])
            .Where(n => n.StartsWith(RunLog.Training, StringComparison.Ordinal) || n.StartsWith(RunLog.Validation, StringComparison.Ordinal))
            .Distinct();
        var rows = new List<IReadOnlyList<object?>>();
        rows.AddRange(names.Select(n => Row(n, t => t.Last(n))));
        rows.Add(Row("steps", t => (double)t.Steps));
        rows.Add(Row("parameters", t => t.Record?.Parameters));
        rows.Add(Row("samples/s", t => t.Speed is { } speed ? Math.Round(speed, speed < 100 ? 1 : 0) : null));
        rows.Add(Row("peak memory (MB)", t => t.Memory() is { } memory ? Math.Round(memory / 1e6) : null));
        rows.Add(Row("GPU memory (MB)", t => t.Memory(RunLog.GpuMemory) is { } memory ? Math.Round(memory / 1e6) : null));
        rows.RemoveAll(r => r.Skip(1).All(c => c is null));
        if (rows.Count > 0) Table("last values", ["metric", .. _names], rows);

        IReadOnlyList<object?> Row(string name, Func<Training, double?> value) =>
            [name, .. runs.Select(r => r.Main is { } training ? value(training) : null)];
    }

    private List<IReadOnlyList<object?>> Differences()
    {
        var settings = runs.Select(SettingsOf).ToList();
        return [.. settings.SelectMany(s => s.Keys).Distinct()
            .Where(k => settings.Select(s => s.GetValueOrDefault(k)).Distinct().Count() > 1)
            .Select(k => (IReadOnlyList<object?>)[k, .. settings.Select(s => s.GetValueOrDefault(k) ?? "–")])];
    }

    private static Dictionary<string, string> SettingsOf(RunFolder run)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var training in run.Trainings)
        {
            if (training.Record is not { } record) continue;
            var prefix = training.Path.Length > 0 ? training.Path + " " : "";
            settings[prefix + "model"] = record.Model;
            // All trainings of a run have these in common.
            if (training == run.Main)
            {
                settings["seed"] = record.Seed.ToString(CultureInfo.InvariantCulture);
                settings["device"] = record.Device;
                settings["threads"] = record.Threads.ToString(CultureInfo.InvariantCulture);
                settings["system"] = record.System;
                foreach (var (name, version) in record.Versions) settings[name] = Version(version);
            }
            foreach (var (name, value) in record.Options.Where(o => o.Key != "seed")) settings[prefix + name] = Text(value ?? "none");
            foreach (var (name, value) in record.Notes.Where(n => n.Key != "seed")) settings[prefix + name] = value;
            if (record.Config is { } config)
                foreach (var (name, value) in Flat(config)) settings[$"{prefix}{record.Model}.{name}"] = value;
        }
        return settings;
    }

    private void Curves(string path, bool hasHeading)
    {
        var trainings = runs.Index().Select(r => (Training: r.Item.Trainings.FirstOrDefault(t => t.Path == path), Color: r.Index))
            .Where(t => t.Training is not null).Select(t => (t.Training!, t.Color)).ToList();
        if (hasHeading) Html.Element("h3", path.Length > 0 ? path : string.Join(", ", trainings.Select(t => t.Item1.Name).Distinct()));
        Curves(Curve.Of(trainings, out _), [.. trainings.Select(t => (_names[t.Color], t.Color))]);
    }

    private void Pictures()
    {
        foreach (var path in runs.SelectMany(r => r.Pictures.Select(p => p.Path)).Distinct())
        {
            var same = runs.Index().Select(r => (r.Index, Picture: r.Item.Pictures.FirstOrDefault(p => p.Path == path)))
                .Where(p => p.Picture.Path is not null).ToList();
            Html.Element("h3", same[0].Picture.Caption);
            using (Html.Open("div", ("class", "pictures")))
                foreach (var (i, picture) in same) Image(runs[i], path, picture.Caption, _names[i]);
        }
    }

    // Folder names; where they are the same, with as many folders above as it takes.
    private static string[] Names(IReadOnlyList<RunFolder> runs)
    {
        var parts = runs.Select(r => r.Path.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries)).ToArray();
        for (var depth = 1; ; depth++)
        {
            string[] names = [.. parts.Select(p => string.Join('/', p[^Math.Min(depth, p.Length)..]))];
            if (names.Distinct().Count() == names.Length || depth >= parts.Max(p => p.Length)) return names;
        }
    }
}
