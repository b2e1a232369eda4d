using System.Text;
using Spectre.Console;
using TorchZoo.Distributed;

namespace TorchZoo.Scripts.Terminal;

/// <summary>Where the program writes: a terminal with colours and progress bars, or a pipe that gets plain lines of any length.</summary>
internal sealed class Screen
{
    // Wide enough for every table: what reads a pipe breaks lines where it likes.
    private const int PipeWidth = 1000;

    public Screen(TextWriter output, TextWriter error, bool richOutput = false, bool richError = false)
    {
        (Raw, IsRich) = (output, richOutput);
        (Out, Error) = (Open(output, richOutput), Open(error, richError));
    }

    /// <summary>Standard output, for what must come out as it is.</summary>
    public TextWriter Raw { get; }

    public IAnsiConsole Out { get; }

    public IAnsiConsole Error { get; }

    /// <summary>Whether <see cref="Out"/> is a terminal that colours and moves the cursor.</summary>
    public bool IsRich { get; }

    /// <summary>The process's own streams. Plain where they are redirected, with NO_COLOR (no-color.org) and on terminals without a
    /// cursor. Of several processes the first speaks for all, and plainly.</summary>
    /// <param name="group">The processes.</param>
    public static Screen OfProcess(ProcessGroup group)
    {
        if (!group.IsFirst) return new Screen(TextWriter.Null, TextWriter.Null);
        // Launchers connect processes with terminals of their own, which would get colours and control codes.
        if (group.Size > 1)
        {
            var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
            return new Screen(new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true },
                new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true });
        }
        var plain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            || Environment.GetEnvironmentVariable("TERM") is "dumb";
        return new Screen(Console.Out, Console.Error, !plain && !Console.IsOutputRedirected, !plain && !Console.IsErrorRedirected);
    }

    /// <summary>Writes a table: framed on a terminal, as Markdown with aligned columns into a pipe. Columns of numbers go right.</summary>
    public void WriteTable(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<object>> rows)
    {
        var right = columns.Select((_, i) => rows.Count > 0 && rows.All(r => Values.IsNumber(r[i]))).ToArray();
        var cells = rows.Select(r => r.Select(Values.Format).ToArray()).ToArray();
        if (!IsRich)
        {
            Raw.Write(MarkdownTable(columns, cells, right));
            return;
        }
        var table = new Table { Border = TableBorder.Rounded, BorderStyle = new Style(Color.Grey) };
        foreach (var (i, column) in columns.Index())
        {
            var head = new Text(column, new Style(decoration: Decoration.Bold));
            table.AddColumn(new TableColumn(head) { Alignment = right[i] ? Justify.Right : Justify.Left });
        }
        foreach (var row in cells) table.AddRow(row.Select(c => new Text(c)));
        Out.Write(table);
    }

    /// <summary>A Markdown table whose columns are aligned for reading as text.</summary>
    public static string MarkdownTable(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows, IReadOnlyList<bool> right)
    {
        var escaped = rows.Select(r => r.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal)).ToArray()).ToArray();
        var widths = columns.Select((c, i) => escaped.Select(r => r[i].Length).Append(c.Length).Append(3).Max()).ToArray();
        string Line(IEnumerable<string> cells) =>
            $"| {string.Join(" | ", cells.Select((c, i) => right[i] ? c.PadLeft(widths[i]) : c.PadRight(widths[i])))} |\n";
        var rule = widths.Select((w, i) => right[i] ? new string('-', w - 1) + ":" : new string('-', w));
        return string.Concat(escaped.Prepend(rule).Prepend(columns).Select(Line));
    }

    public void Complain(string message) => Error.MarkupLineInterpolated($"[red bold]error:[/] {message}");

    // Without Spectre's enrichers: they turn escape codes on for some CI systems although the output is a file.
    private static IAnsiConsole Open(TextWriter writer, bool rich)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = rich ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = rich ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = rich ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        if (!rich) console.Profile.Width = PipeWidth;
        return console;
    }
}
