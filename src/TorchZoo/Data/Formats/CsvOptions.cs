namespace TorchZoo.Data.Formats;

/// <summary>How a text table is written.</summary>
public sealed record CsvOptions
{
    /// <summary>What is between two values; null: whichever of comma, semicolon, tab and bar divides the first line most.</summary>
    public char? Delimiter { get; init; }

    /// <summary>Whether the first line has the columns' names. If not they are <c>0</c>, <c>1</c>, …; null: it has, unless all of it are
    /// numbers.</summary>
    public bool? HasHeader { get; init; }
}
