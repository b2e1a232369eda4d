namespace TorchZoo.Reports.Html;

/// <summary>What a training left in its folder.</summary>
internal sealed class Training
{
    private readonly IReadOnlyList<MetricsRecord> _records;

    private Training(string path, RunRecord? record, IReadOnlyList<MetricsRecord> records) =>
        (Path, Record, _records) = (path, record, records);

    /// <summary>The folder within the run's: empty for the run's own.</summary>
    public string Path { get; }

    /// <summary>Its <c>run.json</c>; null if it has none that can be read.</summary>
    public RunRecord? Record { get; }

    /// <summary>What it is called in legends and tables.</summary>
    public string Name => Path.Length > 0 ? Path : Record?.Model ?? "training";

    /// <summary>Steps done; 0 if it logged none.</summary>
    public long Steps => _records.Count == 0 ? 0 : _records.Max(r => r.Step) + 1;

    /// <summary>Whole epochs done.</summary>
    public long Epochs => _records.LastOrDefault(r => r.Values.ContainsKey(RunLog.EpochSeconds))?.Epoch + 1 ?? 0;

    /// <summary>Time of its epochs.</summary>
    public TimeSpan? Time => Values(RunLog.EpochSeconds).Y is { Length: > 0 } seconds && seconds.Sum() is var sum && double.IsFinite(sum)
        ? TimeSpan.FromSeconds(sum) : null;

    /// <summary>Names of all that was logged, in the order of their first lines.</summary>
    public IEnumerable<string> Metrics => _records.SelectMany(r => r.Values.Keys).Distinct();

    /// <summary>A metric over the steps.</summary>
    public (double[] X, double[] Y) Values(string metric)
    {
        var all = _records.Where(r => r.Values.ContainsKey(metric)).ToList();
        return ([.. all.Select(r => (double)r.Step)], [.. all.Select(r => r.Values[metric])]);
    }

    /// <summary>A metric's last value; null if there is none.</summary>
    public double? Last(string metric) => _records.LastOrDefault(r => r.Values.ContainsKey(metric))?.Values[metric];

    /// <summary>The median speed in examples a second; null if it was not measured.</summary>
    public double? Speed =>
        Values(RunLog.Speed).Y.Where(double.IsFinite).Order().ToArray() is { Length: > 0 } speeds ? speeds[speeds.Length / 2] : null;

    /// <summary>The most memory in bytes that was seen; null if it was not measured.</summary>
    public double? Memory(string metric = RunLog.Memory) =>
        Values(metric).Y.Where(double.IsFinite).ToArray() is { Length: > 0 } sizes ? sizes.Max() : null;

    /// <summary>The monitored metric's name, and its best value so far with the epoch, counted from 1; null if there is none.</summary>
    public (string Metric, double Value, long Epoch)? Best
    {
        get
        {
            var monitor = Record?.Options.GetValueOrDefault("monitor")?.ToString() ?? "loss";
            var isMaximum = string.Equals(Record?.Options.GetValueOrDefault("monitor_maximum")?.ToString(), "true",
                StringComparison.OrdinalIgnoreCase);
            foreach (var name in new[] { RunLog.Validation + monitor, RunLog.Training + monitor })
            {
                var all = _records.Where(r => r.Values.TryGetValue(name, out var value) && double.IsFinite(value)).ToList();
                if (all.Count == 0) continue;
                var best = isMaximum ? all.MaxBy(r => r.Values[name])! : all.MinBy(r => r.Values[name])!;
                return (name, best.Values[name], best.Epoch + 1);
            }
            return null;
        }
    }

    /// <summary>Reads the folder of a training; null if it is none.</summary>
    /// <param name="root">The run's folder.</param>
    /// <param name="path">The training's folder within it.</param>
    /// <param name="problems">Gets what could not be read.</param>
    public static Training? Read(string root, string path, List<string> problems)
    {
        var folder = System.IO.Path.Combine(root, path);
        string record = System.IO.Path.Combine(folder, RunRecord.FileName), metrics = System.IO.Path.Combine(folder, RunLog.MetricsFile);
        if (!File.Exists(record) && !File.Exists(metrics)) return null;
        IReadOnlyList<MetricsRecord> records = [];
        if (File.Exists(metrics))
        {
            records = MetricsLog.ReadWhatCanBe(metrics, out var damaged);
            if (damaged > 0)
                problems.Add($"{Shown(path, RunLog.MetricsFile)}: {damaged} damaged line{(damaged == 1 ? " is" : "s are")} left out");
        }
        try
        {
            return new Training(path, File.Exists(record) ? RunRecord.Read(folder) : null, records);
        }
        catch (InvalidDataException)
        {
            problems.Add($"{Shown(path, RunRecord.FileName)} is damaged and left out");
            return new Training(path, null, records);
        }
    }

    private static string Shown(string path, string name) => path.Length > 0 ? $"{path}/{name}" : name;
}
