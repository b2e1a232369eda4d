using System.Globalization;

namespace TorchZoo.Reports.Html;

/// <summary>The report of one run.</summary>
internal sealed class RunPage(RunFolder run) : Page
{
    private readonly (Training Training, int Color)[] _trainings = [.. run.Trainings.Select((t, i) => (t, i))];

    /// <summary>The page.</summary>
    public string Write() => Write($"{Verdict(run)} · {run.Name} · {run.Title}", () =>
    {
        Head();
        Comparison();
        var curves = Curve.Of(_trainings, out var left);
        if (curves.Count > 0)
            Section("Curves", "curves", () =>
            {
                Curves(curves, [.. _trainings.Select(t => (t.Training.Name, t.Color))]);
                if (left > 0) Html.Element("p", $"{left} further quantities are in {RunLog.MetricsFile}.");
            });
        if (run.Pictures.Count > 0)
            Section("Pictures", "pictures", () =>
            {
                using (Html.Open("div", ("class", "pictures")))
                    foreach (var (path, caption) in run.Pictures) Image(run, path, caption);
            });
        Section("Repeat it", "repeat", Repeat);
        using (Html.Open("footer"))
            Html.Text($"Made by TorchZoo from the files in {run.Name}; nothing is loaded from elsewhere.");
    });

    private void Head()
    {
        using (Html.Open("header"))
        {
            using (Html.Open("p", ("class", "source")))
            {
                Html.Text(run.Name);
                if (run.Journal?.Source is not { } source) { }
                else if (run.Journal.Link is { } link && link.StartsWith("https://", StringComparison.Ordinal))
                {
                    Html.Text(" · ");
                    Html.Element("a", source, ("href", link), ("rel", "noreferrer"));
                }
                else Html.Text($" · {source}");
            }
            Html.Element("h1", run.Title);
            if (run.Claims.Count == 0 || run.Outcome is not RunOutcome.Finished)
                using (Html.Open("div", ("class", "verdict"), ("id", "verdict")))
                {
                    Badge(Verdict(run));
                    Html.Element("span", State(), ("class", "metric"));
                }
            foreach (var (i, claim) in run.Claims.Index()) Show(claim, isFirst: i == 0 && run.Outcome is RunOutcome.Finished);
            if (run.Error is { } error) Html.Element("pre", error, ("class", "error"));
            Values(Facts(), "facts");
            foreach (var warning in Warnings()) Html.Element("p", warning, ("class", "warning"));
        }
    }

    private string State() => run.Outcome switch
    {
        RunOutcome.Failed => "The run ended in an error; what follows is what there was until then.",
        RunOutcome.Stopped => "The run was stopped; what follows is what there was until then.",
        null => "The run has not ended: it goes on, or its process was killed.",
        _ when run.Main?.Best is var (metric, value, epoch) => $"{metric} {Number(value)} at best, in epoch {epoch}",
        _ => "The run did what it was to do; it makes no claim.",
    };

    private void Show(RunClaim claim, bool isFirst)
    {
        using (Html.Open("div", ("class", "claim")))
        {
            using (Html.Open("div", ("class", "verdict"), ("id", isFirst ? "verdict" : null)))
            {
                Badge(claim.Verdict);
                using (Html.Open("span", ("class", "metric")))
                {
                    Html.Text(claim.Metric + " ");
                    Html.Element("b", Number(claim.Value));
                }
            }
            var bars = new List<(string, double, string, string?)> { ("this run", claim.Value, "ours", null) };
            if (claim.Baseline is { } baseline) bars.Add(("baseline", baseline, "other", null));
            Bars(bars, claim.Threshold);
            using (Html.Open("ul", ("class", "conditions")))
                foreach (var condition in claim.Conditions)
                    using (Html.Open("li", ("class", claim.Verdict == "SMOKE" ? "none" : condition.Holds ? "holds" : "fails")))
                        Html.Text(condition.Text);
        }
    }

    private IEnumerable<(string, string)> Facts()
    {
        if (run.Time is { } time) yield return ("took", Duration(time));
        if (run.Device is { } device) yield return ("device", device);
        if (run.Main?.Speed is { } speed) yield return ("speed", $"{Number(Math.Round(speed, speed < 100 ? 1 : 0))} samples/s");
        if (Greatest(RunLog.GpuMemory) is { } gpu) yield return ("GPU memory", Size(gpu));
        else if (Greatest(RunLog.Memory) is { } memory) yield return ("peak memory", Size(memory));
        if (run.Main?.Record is { } record) yield return ("parameters", Number(record.Parameters));
        if (run.Started is { } started) yield return ("started", started.ToString("d MMM yyyy, HH:mm", CultureInfo.InvariantCulture));
    }

    private double? Greatest(string metric) => run.Trainings.Select(t => t.Memory(metric)).Max();

    private IEnumerable<string> Warnings() =>
        (run.Journal?.Entries.Where(e => e.Kind == JournalEntryKind.Warning).Select(e => e.Text!) ?? []).Concat(run.Problems);

    // What the recipe said, in its order, then what the trainings cost.
    private void Comparison()
    {
        var said = run.Journal?.Entries.Where(e => e.Kind is not (JournalEntryKind.Warning or JournalEntryKind.File)).ToList() ?? [];
        if (said.Count == 0 && run.Trainings.Count == 0) return;
        Section("Results", "results", () =>
        {
            // Tables are what a reader looks for; single values follow them.
            foreach (var entry in said.Where(e => e.Kind != JournalEntryKind.Value))
            {
                switch (entry.Kind)
                {
                    case JournalEntryKind.Heading: Html.Element("h3", entry.Text!); break;
                    case JournalEntryKind.Text: Html.Element("p", entry.Text!); break;
                    case JournalEntryKind.Table:
                        Table(entry.Title, entry.Columns!, [.. entry.Rows!.Select(r => (IReadOnlyList<object?>)[.. r.Select(Cell)])]);
                        break;
                }
            }
            if (run.Trainings.Count > 0) Trainings();
            var values = said.Where(e => e.Kind == JournalEntryKind.Value).Select(e => (e.Title!, Text(Cell(e.Value!.Value)))).ToList();
            if (values.Count > 0) Values(values);
        });
    }

    private void Trainings()
    {
        var hasGpu = run.Trainings.Any(t => t.Memory(RunLog.GpuMemory) is not null);
        var columns = new List<(string Head, Func<Training, object?> Cell)>
        {
            ("training", t => t.Name),
            ("parameters", t => t.Record is { } record ? (double)record.Parameters : null),
            ("epochs", t => t.Record?.Options.GetValueOrDefault("epochs") is { } planned
                && planned.ToString() is var text && text != t.Epochs.ToString(CultureInfo.InvariantCulture) ? $"{t.Epochs} of {text}" : (double)t.Epochs),
            ("steps", t => (double)t.Steps),
            ("best", t => t.Best is var (_, value, _) ? value : null),
            ("metric", t => t.Best is var (metric, _, epoch) ? $"{metric}, epoch {epoch}" : null),
            ("samples/s", t => t.Speed is { } speed ? Math.Round(speed, speed < 100 ? 1 : 0) : null),
            ("memory", t => t.Memory() is { } memory ? Size(memory) : null),
            ("GPU memory", t => t.Memory(RunLog.GpuMemory) is { } memory ? Size(memory) : null),
            ("time", t => t.Time is { } time ? Duration(time) : null),
            ("ended", t => t.Record is { } record ? record.Outcome is { } outcome ? outcome.ToString().ToLowerInvariant()
                : record.Name is null ? null : "not" : null),
        };
        // Columns that say nothing are not there.
        var rows = run.Trainings.Select(t => columns.Select(c => c.Cell(t)).ToArray()).ToList();
        var kept = Enumerable.Range(0, columns.Count).Where(i => rows.Any(r => r[i] is not null)).ToList();
        Table("what training took", [.. kept.Select(i => columns[i].Head)],
            [.. rows.Select(r => (IReadOnlyList<object?>)[.. kept.Select(i => r[i])])]);
    }

    private void Repeat()
    {
        if (run.Command is { } command) Html.Element("pre", command, ("class", "command"));
        if (run.Main?.Record is { } main)
        {
            Values(
            [
                ("seed", (run.Journal?.Seed ?? main.Seed).ToString(CultureInfo.InvariantCulture)),
                .. main.Versions.Select(v => (v.Key, Version(v.Value))),
                ("system", main.System),
                ("threads", main.Threads.ToString(CultureInfo.InvariantCulture)),
                ("folder", run.Path),
            ]);
        }
        foreach (var training in run.Trainings)
        {
            if (training.Record is not { } record) continue;
            if (record.Config is { ValueKind: System.Text.Json.JsonValueKind.Object } config)
                Details($"Configuration of {training.Name} ({record.Model})", () => Values(Flat(config)));
            Details($"Training options of {training.Name}",
                () => Values(record.Options.Select(o => (o.Key, Text(o.Value ?? "none"))).Concat(record.Notes.Select(n => (n.Key, n.Value)))));
        }
        if (run.Files.Count > 0)
            Details("Further files", () => Table(null, ["file", "what it is"], [.. run.Files.Select(f => (object?[])[f.Path, f.Caption])]));
    }
}
