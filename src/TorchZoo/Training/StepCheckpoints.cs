using System.Globalization;
using TorchZoo.Checkpoints;

namespace TorchZoo.Training;

/// <summary>The latest checkpoints under the names <c>step-N.pt</c>, for those who want to go back further than one.</summary>
internal static class StepCheckpoints
{
    private const string Start = "step-", End = ".pt";

    /// <summary>Keeps a checkpoint, and deletes those that are too many now.</summary>
    /// <param name="last">The checkpoint that was just written; the others go beside it.</param>
    /// <param name="step">Steps that are done.</param>
    /// <param name="count">How many stay; 0: nothing is written or deleted.</param>
    public static void Keep(string last, long step, int count)
    {
        if (count == 0) return;
        var folder = Path.GetDirectoryName(last)!;
        AtomicFile.Keep(last, Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Start}{step}{End}")));
        // Steps beyond this one belong to an earlier run in the folder, whose last.pt is gone too.
        var all = Directory.EnumerateFiles(folder, $"{Start}*{End}").Select(path => (Path: path, Step: StepOf(path))).Where(f => f.Step is not null)
            .OrderBy(f => f.Step > step).ThenByDescending(f => f.Step).ToList();
        foreach (var (path, _) in all.Where((f, i) => i >= count || f.Step > step)) File.Delete(path);
    }

    private static long? StepOf(string path) =>
        long.TryParse(Path.GetFileName(path)[Start.Length..^End.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : null;
}
