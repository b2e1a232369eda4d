using System.Text;
using TorchZoo.Checkpoints;
using TorchZoo.Reports.Html;

namespace TorchZoo.Reports;

/// <summary>
/// Makes a page of what runs left in their folders: what was claimed and what came of it, tables, curves, pictures, configuration and the
/// command to repeat it. A page is one file that loads nothing from elsewhere.
/// </summary>
/// <remarks>It reads <c>run.json</c> and <c>metrics.jsonl</c> (<see cref="RunLog"/>) of the folder and the folders in it, and
/// <c>report.json</c> (<see cref="RunJournal"/>). What is damaged is left out, and the page says so. Pages can be made at any time, also of
/// runs that go on or were killed.</remarks>
/// <example><code>
/// new Trainer(model, new TrainerOptions { Directory = "runs/mine" }) { … }.Fit(train, validation);
/// RunReport.Write("runs/mine");                                          // runs/mine/report.html
/// RunReport.WriteComparison(["runs/mine", "runs/wider"], "wider.html");
/// </code></example>
public static class RunReport
{
    /// <summary>Name of a run's page.</summary>
    public const string FileName = "report.html";

    /// <summary>Whether a folder is a run's.</summary>
    public static bool IsRun(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        return RunFolder.IsRun(folder);
    }

    /// <summary>Writes the page of a run.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="file">The page; null: <c>report.html</c> in the folder.</param>
    /// <returns>The page's path.</returns>
    /// <exception cref="ArgumentException">There is no such folder, or it is no run's.</exception>
    /// <exception cref="IOException">The page can't be written.</exception>
    public static string Write(string folder, string? file = null)
    {
        var run = RunFolder.Read(folder);
        return Save(file ?? Path.Combine(run.Path, FileName), new RunPage(run).Write());
    }

    /// <summary>Writes one page that compares runs: claims and metrics side by side, what differs between their configurations, curves in
    /// common plots, pictures of the same name side by side.</summary>
    /// <param name="folders">Folders of at least two runs.</param>
    /// <param name="file">The page.</param>
    /// <returns>The page's path.</returns>
    /// <exception cref="ArgumentException">There is no such folder, one is no run's or is there twice, or there are fewer than two.</exception>
    /// <exception cref="IOException">The page can't be written.</exception>
    public static string WriteComparison(IReadOnlyList<string> folders, string file)
    {
        ArgumentNullException.ThrowIfNull(folders);
        ArgumentException.ThrowIfNullOrWhiteSpace(file);
        if (folders.Count < 2)
            throw new ArgumentException($"Folders of at least two runs were expected; there are {folders.Count}.", nameof(folders));
        var runs = folders.Select(RunFolder.Read).ToList();
        if (runs.GroupBy(r => r.Path).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Different folders were expected; '{twice.First().Name}' is there twice.", nameof(folders));
        return Save(file, new ComparisonPage(runs).Write());
    }

    private static string Save(string file, string page)
    {
        var path = Path.GetFullPath(file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(page)));
        return path;
    }
}
