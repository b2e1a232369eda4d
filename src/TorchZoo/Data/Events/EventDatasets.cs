using System.Text.RegularExpressions;
using TorchZoo.Data.Sources;

namespace TorchZoo.Data.Events;

/// <summary>
/// Data sets of event cameras in a folder, in one of three layouts: that of DVS128 Gesture (<see cref="DvsGesture"/>); folders <c>train</c>
/// and <c>test</c> with a folder for each class; a folder for each class, as in CIFAR10-DVS, whose first tenth is to test with.
/// </summary>
public static partial class EventDatasets
{
    /// <summary>Where a data set that isn't named is looked for in the cache.</summary>
    public const string Name = "events";

    /// <summary>Reads a data set into memory, as frames.</summary>
    /// <param name="search">The folder; without one <c>events</c>, <c>dvs-gesture</c> or <c>cifar10-dvs</c> in the cache. Nothing is
    /// downloaded: the publishers' pages don't let programs in.</param>
    /// <param name="framing">How recordings become frames; null: ten of equally many events, of the sensor's size.</param>
    /// <param name="train">Takes so many examples to train on; null: all.</param>
    /// <param name="test">Takes so many examples to test with; null: all.</param>
    /// <param name="display">Shows how far the work is.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="DatasetNotFoundException">There is no such folder, or no recording in it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static LabelledEvents Load(DatasetSearch? search = null, EventFraming? framing = null, int? train = null, int? test = null,
        IProgressDisplay? display = null, CancellationToken cancellation = default)
    {
        if (train < 1) throw new ArgumentOutOfRangeException(nameof(train), train, "Expected at least one example");
        if (test < 1) throw new ArgumentOutOfRangeException(nameof(test), test, "Expected at least one example");
        var folder = Locate(search ?? new DatasetSearch());
        var (title, classes, toTrain, toTest) = DvsGesture.IsIn(folder) ? DvsGesture.Recordings(folder) : OfClasses(folder);
        if (toTrain.Count == 0 || toTest.Count == 0)
            throw new DatasetNotFoundException(
                $"{folder} has {toTrain.Count} recordings to train on and {toTest.Count} to test with. {Expected}", null);
        framing ??= new EventFraming();
        return new LabelledEvents(title, classes, Part(toTrain, train, "training"), Part(toTest, test, "test"));

        PairDataset Part(List<EventRecording> all, int? wanted, string part) => EventRecording.Read(
            wanted is { } count ? [.. EventRecording.InTurns(all).Take(count).OrderBy(r => r.Path, StringComparer.Ordinal)] : all,
            framing, $"{title}: {part} part", display, cancellation);
    }

    private static string Expected =>
        "Expected the files of DVS128 Gesture (trials_to_train.txt, …), or folders named after classes, or these in "
        + $"folders train and test, with recordings ({string.Join(", ", EventFile.Extensions)}).";

    private static string Locate(DatasetSearch search)
    {
        if (search.Folder is { } given)
            return Directory.Exists(given) ? given : throw new DatasetNotFoundException($"There is no folder {given}. {Expected}", null);
        string[] names = [Name, "dvs-gesture", "cifar10-dvs"];
        return search.Cache.Length == 0 ? throw new DatasetNotFoundException($"Name a folder of recordings (--data PATH). {Expected}", null)
            : names.Select(n => Path.Combine(search.Cache, n)).FirstOrDefault(Directory.Exists)
                ?? throw new DatasetNotFoundException(
                    $"Name a folder of recordings (--data PATH), or put it into {Path.Combine(search.Cache, Name)}. {Expected}", null);
    }

    private static (string Title, IReadOnlyList<string> Classes, List<EventRecording> Train, List<EventRecording> Test) OfClasses(
        string folder)
    {
        var title = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        string train = Path.Combine(folder, "train"), test = Path.Combine(folder, "test");
        if (Directory.Exists(train) && Directory.Exists(test))
        {
            string[] classes = [.. Ordered(Directory.EnumerateDirectories(train).Concat(Directory.EnumerateDirectories(test))
                .Select(d => Path.GetFileName(d)!).Distinct())];
            return (title, classes, All(train, classes), All(test, classes));
        }
        string[] names = [.. Ordered(Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)!))];
        var all = All(folder, names);
        var (first, rest) = (new List<EventRecording>(), new List<EventRecording>());
        foreach (var ofClass in all.GroupBy(r => r.Label))
        {
            var recordings = ofClass.ToList();
            // A class of one recording is trained on.
            var count = recordings.Count == 1 ? 0 : Math.Max(1, recordings.Count / 10);
            first.AddRange(recordings[..count]);
            rest.AddRange(recordings[count..]);
        }
        return (title, names, rest, first);
    }

    private static List<EventRecording> All(string folder, string[] classes) =>
        [.. classes.Index().SelectMany(c => Ordered(Files(Path.Combine(folder, c.Item))).Select(f => new EventRecording(f, c.Index)))];

    private static IEnumerable<string> Files(string folder) => !Directory.Exists(folder) ? []
        : Directory.EnumerateFiles(folder).Where(f => EventFile.Extensions.Contains(Path.GetExtension(f).ToLowerInvariant()));

    // Numbers in names by their values: 2 before 10.
    private static IEnumerable<string> Ordered(IEnumerable<string> names) => names
        .OrderBy(n => Digits().Replace(n, m => m.Value.TrimStart('0').PadLeft(20, '0')), StringComparer.Ordinal)
        .ThenBy(n => n, StringComparer.Ordinal);

    [GeneratedRegex("[0-9]+", RegexOptions.CultureInvariant)]
    private static partial Regex Digits();
}
