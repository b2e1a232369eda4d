using System.Globalization;
using TorchZoo.Testing;

namespace TorchZoo.Models.Tests;

/// <summary>A line of tests/data/activations/activations-400.tsv.</summary>
internal sealed record ActivationRow(string Name, string Category, string Formula, string Parameters, string Section, string Kind,
    IReadOnlyDictionary<string, double> Defaults, IReadOnlyDictionary<string, double> Probe, double[][] Values, double[][] ProbeValues,
    string Note)
{
    /// <summary>Where values are given.</summary>
    public static readonly double[] Points = [-2, -0.5, 0, 0.5, 2];

    public static IReadOnlyList<ActivationRow> All { get; } =
        [.. File.ReadLines(TestData.PathOf("activations/activations-400.tsv")).Skip(1).Select(Read)];

    private static readonly Dictionary<string, ActivationRow> ByName = All.ToDictionary(r => r.Name);

    public static ActivationRow Of(string name) => ByName[name];

    private static ActivationRow Read(string line)
    {
        var cells = line.Split('\t');
        return new(cells[0], cells[1], cells[2], Empty(cells[3]), cells[9], cells[10],
            Numbers(Empty(cells[3])), Numbers(Empty(cells[11])), Columns(cells[4..9]), Columns(cells[12..17]), Empty(cells[17]));
    }

    private static string Empty(string cell) => cell == "-" ? "" : cell;

    private static Dictionary<string, double> Numbers(string cell) => cell.Split("; ", StringSplitOptions.RemoveEmptyEntries)
        .Select(p => p.Split(' ')[0].Split('=')).ToDictionary(p => p[0], p => double.Parse(p[1], CultureInfo.InvariantCulture));

    // A list for each output.
    private static double[][] Columns(string[] cells)
    {
        if (cells[0] == "-" && cells.All(c => c == "-")) return [];
        double Number(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        var values = cells.Select(c => c.Split('|').Select(Number).ToArray()).ToList();
        return [.. Enumerable.Range(0, values[0].Length).Select(k => values.Select(v => v[k]).ToArray())];
    }
}
