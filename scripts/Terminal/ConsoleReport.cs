using Spectre.Console;

namespace TorchZoo.Scripts.Terminal;

/// <summary>A recipe's report on a <see cref="Screen"/>.</summary>
internal sealed class ConsoleReport(Screen screen) : IReport
{
    private const int NameWidth = 22, PathWidth = 34;

    public void Heading(string text)
    {
        screen.Out.WriteLine();
        screen.Out.Write(new Text(text + Environment.NewLine, new Style(decoration: Decoration.Bold)));
    }

    public void Say(string text) => screen.Out.WriteLine(text);

    public void Note(string name, object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        screen.Out.Write(new Text($"  {name.PadRight(NameWidth)} ", new Style(Color.Grey)));
        screen.Out.WriteLine(Values.Format(value));
    }

    public void Table(string? title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows)
    {
        var all = rows.ToList();
        if (all.FirstOrDefault(r => r.Count != columns.Count) is { } odd)
            throw new ArgumentException($"A row of {columns.Count} cells was expected; one has {odd.Count}.", nameof(rows));
        screen.Out.WriteLine();
        if (title is not null) screen.Out.WriteLine(title);
        screen.WriteTable(columns, all);
    }

    public void Wrote(string path, string what)
    {
        screen.Out.Write(new Text($"  {Values.ShortPath(path).PadRight(PathWidth)} ", new Style(Color.Teal)));
        screen.Out.WriteLine(what);
    }

    public void Warn(string text) => screen.Out.MarkupLineInterpolated($"[yellow]note:[/] {text}");
}
