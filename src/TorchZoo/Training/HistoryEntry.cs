using TorchZoo.Checkpoints;

namespace TorchZoo.Training;

/// <summary>An <see cref="EpochReport"/> as checkpoints hold it.</summary>
internal static class HistoryEntry
{
    public static PyDict Write(EpochReport report) => new()
    {
        ["epoch"] = (long)report.Epoch,
        ["step"] = report.Step,
        ["training"] = Metrics(report.Training),
        ["validation"] = Metrics(report.Validation),
        ["learning_rate"] = report.LearningRate,
        ["seconds"] = report.Seconds,
        ["is_best"] = report.IsBest,
    };

    public static EpochReport Read(PyDict entry, int epochs) => new(
        (int)entry.Get<long>("epoch"), epochs, entry.Get<long>("step"), Metrics(entry.Get<PyDict>("training")), Metrics(entry.Get<PyDict>("validation")),
        entry.Get<double>("learning_rate"), entry.Get<double>("seconds"), entry.Get<bool>("is_best"));

    private static PyDict Metrics(IReadOnlyDictionary<string, double> metrics)
    {
        var dict = new PyDict();
        foreach (var (name, value) in metrics) dict.Add(name, value);
        return dict;
    }

    private static Dictionary<string, double> Metrics(PyDict metrics) => metrics.ToDictionary(m => (string)m.Key!, m => (double)m.Value!);
}
