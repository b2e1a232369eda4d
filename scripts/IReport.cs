namespace TorchZoo.Scripts;

/// <summary>How a recipe speaks: it never writes to the console itself.</summary>
public interface IReport
{
    /// <summary>A heading for what follows.</summary>
    void Heading(string text);

    /// <summary>A line of text.</summary>
    void Say(string text);

    /// <summary>A named value, e.g. <c>parameters 82 721</c>. Numbers are written with four significant digits, integers in full.</summary>
    void Note(string name, object value);

    /// <summary>A table.</summary>
    /// <param name="title">What it shows; null: nothing above it.</param>
    /// <param name="columns">Column heads.</param>
    /// <param name="rows">Rows of as many cells; see <see cref="Note"/> for numbers.</param>
    /// <exception cref="ArgumentException">A row has another number of cells.</exception>
    void Table(string? title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows);

    /// <summary>Says that a file was written.</summary>
    /// <param name="path">Where.</param>
    /// <param name="what">What it is, e.g. <c>prediction and error of three test functions</c>.</param>
    void Wrote(string path, string what);

    /// <summary>Something that the reader should know before trusting the numbers.</summary>
    void Warn(string text);
}
