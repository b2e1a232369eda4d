using Markdig;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using Spectre.Console;
using Spectre.Console.Rendering;
using MarkdownTable = Markdig.Extensions.Tables.Table;
using TableCell = Markdig.Extensions.Tables.TableCell;
using TableRow = Markdig.Extensions.Tables.TableRow;

namespace TorchZoo.Scripts.Terminal;

/// <summary>Markdown on a terminal: headings, paragraphs, lists, quotes, code and tables; what else there is is shown as it is
/// written.</summary>
internal static class MarkdownView
{
    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder().UsePipeTables().Build();

    public static IRenderable Of(string markdown) => Blocks(Markdown.Parse(markdown, Pipeline), markdown);

    private static Rows Blocks(ContainerBlock blocks, string source) => new(blocks.Select(b => Block(b, source)));

    private static IRenderable Block(Block block, string source) => block switch
    {
        HeadingBlock heading => new Rows(Marked(heading.Inline, source, heading.Level == 1 ? "bold underline" : "bold"), Text.Empty),
        ParagraphBlock paragraph when paragraph.Parent is MarkdownDocument => new Rows(Marked(paragraph.Inline, source), Text.Empty),
        ParagraphBlock paragraph => Marked(paragraph.Inline, source),
        ListBlock list when list.Parent is MarkdownDocument => new Rows(List(list, source), Text.Empty),
        ListBlock list => List(list, source),
        CodeBlock code => new Rows(new Padder(new Text(code.Lines.ToString(), new Style(Color.Teal)), new Padding(2, 0, 0, 1))),
        QuoteBlock quote => new Padder(Blocks(quote, source), new Padding(2, 0, 0, 0)),
        MarkdownTable table => new Rows(TableOf(table, source), Text.Empty),
        ThematicBreakBlock => new Rule(),
        _ => new Text(source.Substring(block.Span.Start, block.Span.Length)),
    };

    private static Grid List(ListBlock list, string source)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(1)).AddColumn(new GridColumn().PadRight(0));
        var number = int.TryParse(list.OrderedStart, out var start) ? start : 1;
        foreach (var item in list.Cast<ListItemBlock>())
            grid.AddRow(new Text(list.IsOrdered ? $"{number++}." : " •"), Blocks(item, source));
        return grid;
    }

    private static Table TableOf(MarkdownTable table, string source)
    {
        var view = new Table { Border = TableBorder.Rounded, BorderStyle = new Style(Color.Grey) };
        foreach (var (index, row) in table.Cast<TableRow>().Index())
        {
            var cells = row.Cast<TableCell>().Select(c => (IRenderable)Blocks(c, source)).ToList();
            if (index == 0)
                foreach (var cell in cells) view.AddColumn(new TableColumn(cell));
            else
                view.AddRow(cells.Take(view.Columns.Count));
        }
        return view;
    }

    private static Markup Marked(ContainerInline? inlines, string source, string? style = null)
    {
        var text = inlines is null ? "" : string.Concat(inlines.Select(i => Inline(i, source)));
        return new Markup(style is null ? text : $"[{style}]{text}[/]");
    }

    private static string Inline(Inline inline, string source) => inline switch
    {
        LiteralInline literal => Markup.Escape(literal.Content.ToString()),
        CodeInline code => $"[teal]{Markup.Escape(code.Content)}[/]",
        LineBreakInline line => line.IsHard ? "\n" : " ",
        EmphasisInline emphasis => $"[{(emphasis.DelimiterCount > 1 ? "bold" : "italic")}]{Inside(emphasis, source)}[/]",
        LinkInline { IsImage: true } image => $"[grey]({Inside(image, source)}: {Markup.Escape(image.Url ?? "")})[/]",
        LinkInline link => $"{Inside(link, source)} [grey]({Markup.Escape(link.Url ?? "")})[/]",
        AutolinkInline link => Markup.Escape(link.Url),
        ContainerInline container => Inside(container, source),
        _ => Markup.Escape(source.Substring(inline.Span.Start, inline.Span.Length)),
    };

    private static string Inside(ContainerInline container, string source) => string.Concat(container.Select(i => Inline(i, source)));
}
