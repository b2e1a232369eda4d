using System.Globalization;

namespace TorchZoo.Data.Events;

/// <summary>
/// DVS128 Gesture (Amir et al. 2017, "A Low Power, Fully Event-Based Gesture Recognition System"): hand and arm gestures of 11 classes
/// before an event camera of 128×128 pixels. A recording, <c>user01_led.aedat</c>, has many of them, one after another; a table beside it,
/// <c>user01_led_labels.csv</c>, says when which was. <c>trials_to_train.txt</c> and <c>trials_to_test.txt</c> name the recordings.
/// </summary>
public static class DvsGesture
{
    private const string Train = "trials_to_train.txt", Test = "trials_to_test.txt";

    /// <summary>The 11 classes' names, by their numbers.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
    [
        "hand clapping", "right hand wave", "left hand wave", "right arm clockwise", "right arm counter-clockwise", "left arm clockwise",
        "left arm counter-clockwise", "arm roll", "air drums", "air guitar", "other gestures",
    ];

    /// <summary>Reads the table of a recording's gestures.</summary>
    /// <param name="path">A file <c>…_labels.csv</c> with the columns <c>class</c>, <c>startTime_usec</c> and <c>endTime_usec</c>.</param>
    /// <returns>In the file's order; times may overlap.</returns>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is no such table.</exception>
    public static IReadOnlyList<Gesture> LoadLabels(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var lines = File.ReadLines(path).Index().Where(l => !string.IsNullOrWhiteSpace(l.Item)).ToList();
        if (lines.Count == 0 || lines[0].Item.Split(',', StringSplitOptions.TrimEntries) is not ["class", "startTime_usec", "endTime_usec"])
            throw new InvalidDataException($"{path}: expected the columns class, startTime_usec and endTime_usec");
        return [.. lines.Skip(1).Select(l =>
        {
            var cells = l.Item.Split(',', StringSplitOptions.TrimEntries);
            if (cells.Length != 3 || !int.TryParse(cells[0], NumberStyles.None, CultureInfo.InvariantCulture, out var label)
                || !long.TryParse(cells[1], NumberStyles.None, CultureInfo.InvariantCulture, out var start)
                || !long.TryParse(cells[2], NumberStyles.None, CultureInfo.InvariantCulture, out var end))
                throw new InvalidDataException($"{path}, line {l.Index + 1}: expected three whole numbers, got '{l.Item}'");
            if (label < 1 || label > ClassNames.Count)
                throw new InvalidDataException($"{path}, line {l.Index + 1}: expected a class from 1 to {ClassNames.Count}, got {label}");
            if (end < start) throw new InvalidDataException($"{path}, line {l.Index + 1}: the gesture ends before it begins");
            return new Gesture(label - 1, start, end);
        })];
    }

    /// <summary>Whether a folder has the data set's lists of recordings.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, Train)) && File.Exists(Path.Combine(folder, Test));

    internal static (string Title, IReadOnlyList<string> Classes, List<EventRecording> Train, List<EventRecording> Test) Recordings(
        string folder)
    {
        return ("DVS128 Gesture", ClassNames, Part(Train), Part(Test));

        List<EventRecording> Part(string list) => [.. File.ReadLines(Path.Combine(folder, list))
            .Select(l => l.Trim()).Where(l => l.Length > 0)
            .SelectMany(name =>
            {
                // The list is not trusted to stay in the folder.
                if (name != Path.GetFileName(name))
                    throw new InvalidDataException($"{Path.Combine(folder, list)}: expected names of files, got '{name}'");
                var path = Path.Combine(folder, name);
                if (!File.Exists(path)) throw new InvalidDataException($"{Path.Combine(folder, list)}: there is no file {name}");
                return LoadLabels(Path.Combine(folder, Path.GetFileNameWithoutExtension(name) + "_labels.csv"))
                    .Select(g => new EventRecording(path, g.Label, (g.Start, g.End)));
            })];
    }
}
