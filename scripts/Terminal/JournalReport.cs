using TorchZoo.Reports;

namespace TorchZoo.Scripts.Terminal;

/// <summary>Passes on what a recipe says, and keeps it for the run's page.</summary>
internal sealed class JournalReport(IReport inner, RunJournal journal) : IReport
{
    public void Heading(string text)
    {
        inner.Heading(text);
        journal.Heading(text);
    }

    public void Say(string text)
    {
        inner.Say(text);
        journal.Say(text);
    }

    public void Note(string name, object value)
    {
        inner.Note(name, value);
        journal.Note(name, Stored(value));
    }

    public void Table(string? title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows)
    {
        var all = rows.ToList();
        inner.Table(title, columns, all);
        journal.Table(title, columns, all.Select(r => (IReadOnlyList<object>)[.. r.Select(Stored)]));
    }

    public void Wrote(string path, string what)
    {
        inner.Wrote(path, what);
        journal.File(path, what);
    }

    public void Warn(string text)
    {
        inner.Warn(text);
        journal.Warn(text);
    }

    // Times as people read them.
    private static object Stored(object value) => value is TimeSpan time ? Values.Format(time) : value;
}
