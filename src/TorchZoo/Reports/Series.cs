namespace TorchZoo.Reports;

/// <summary>A line of a <see cref="LinePlot"/>.</summary>
/// <param name="Name">Its name in the legend; empty: none.</param>
/// <param name="X">Abscissae.</param>
/// <param name="Y">Ordinates, as many. NaN leaves a gap.</param>
public sealed record Series(string Name, double[] X, double[] Y)
{
    /// <summary>A line over 0, 1, 2, ….</summary>
    /// <param name="name">Its name in the legend.</param>
    /// <param name="y">Ordinates.</param>
    public Series(string name, double[] y) : this(name, [.. Enumerable.Range(0, y.Length).Select(i => (double)i)], y)
    {
    }

    /// <summary>Whether the line is dashed: what lies under another line stays visible, e.g. the truth under its prediction.</summary>
    public bool Dashed { get; init; }

    /// <summary>Whether each point is marked.</summary>
    public bool Markers { get; init; }

    /// <summary>The index of its colour in the palette; null: its place among the series.</summary>
    public int? Color { get; init; }

    /// <summary>Whether it stays in the background: single steps behind the means of epochs.</summary>
    internal bool Faint { get; init; }
}
