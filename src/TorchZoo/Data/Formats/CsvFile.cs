using System.Globalization;
using System.Text;
using nietras.SeparatedValues;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// Text tables (CSV, TSV; RFC 4180, UTF-8), read with Sep: each column is an array. Whole numbers are int64, others float64, where nothing,
/// <c>NA</c>, <c>NaN</c>, <c>null</c> or <c>?</c> is NaN; texts are their categories' numbers in the order of their bytes, what is missing -1.
/// </summary>
/// <remarks>Opening reads through the file, to know its rows and the columns' types; rows are found again without reading what is before
/// them.</remarks>
public sealed class CsvFile : ArrayFile
{
    // Every so many-th row's place is kept.
    private const int Stride = 1024;
    private const int MaximumCategories = 1 << 20, MaximumColumns = 1 << 16, BufferSize = 1 << 16;
    private const char Mark = '\uFEFF';

    private static readonly char[] Delimiters = [',', ';', '\t', '|'];
    private static readonly string[] MissingWords = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"];

    private enum Kind
    {
        Whole,
        Real,
        Category,
    }

    private readonly char _delimiter;
    private readonly string[] _names;
    private readonly Kind[] _kinds;
    private readonly Dictionary<string, long>?[] _codes;
    private readonly List<long> _places = [];
    private readonly long _rows;

    private CsvFile(string path, CsvOptions options) : base(path)
    {
        var (delimiter, head, hasHeader, width) = Begin(options);
        _delimiter = delimiter;
        _rows = Index(hasHeader);
        _names = hasHeader ? head : [.. Enumerable.Range(0, width).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        (_kinds, _codes) = Guard("reading through it", Look);
        for (var i = 0; i < _names.Length; i++)
            Add(new ArrayInfo(_names[i], _kinds[i] == Kind.Real ? ScalarType.Float64 : ScalarType.Int64, [_rows])
            {
                Categories = _codes[i] is { } codes ? [.. codes.OrderBy(c => c.Value).Select(c => c.Key)] : null,
            });
    }

    // A byte and its delimiter become a number.
    private protected override long MaximumArraySize => Math.Max(1 << 20, 8 * new FileInfo(Path).Length);

    /// <summary>Opens a table.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is written; null: as it seems.</param>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is no such table: rows of different lengths, two columns of one name, a quote that doesn't
    /// end, or bytes that are no text.</exception>
    public static CsvFile Open(string path, CsvOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        options ??= new CsvOptions();
        if (options.Delimiter is '"' or '\r' or '\n' or > '\x7F')
            throw new ArgumentException("Expected an ASCII character that is no quote or line end", nameof(options));
        return new CsvFile(path, options);
    }

    /// <summary>Reads some rows of several columns at once.</summary>
    /// <param name="columns">Their names.</param>
    /// <param name="first">The first row, from 0.</param>
    /// <param name="count">How many.</param>
    /// <returns>float64 (<paramref name="count"/>, columns)</returns>
    /// <exception cref="ArgumentException">There is no such column, or not these rows.</exception>
    /// <exception cref="InvalidDataException">The file was changed.</exception>
    public Tensor ReadTable(IReadOnlyList<string> columns, long first, long count)
    {
        ArgumentNullException.ThrowIfNull(columns);
        foreach (var name in columns) _ = this[name];
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        if (count < 0 || count > _rows - first) throw new ArgumentOutOfRangeException(nameof(count), count, $"There are {_rows} rows");
        using var scope = NewDisposeScope();
        var values = Guard("reading rows", () => Values([.. columns.Select(c => Array.IndexOf(_names, c))], first, count));
        return stack([.. values.Select(v => v.to(ScalarType.Float64))], 1).MoveToOuterDisposeScope();
    }

    private protected override void Dispose(bool disposing) { }

    private protected override Tensor ReadCore(ArrayInfo array, (long First, long Count)? rows)
    {
        var (first, count) = rows ?? (0, _rows);
        return Values([Array.IndexOf(_names, array.Name)], first, count)[0];
    }

    private Tensor[] Values(int[] columns, long first, long count)
    {
        var result = Array.ConvertAll(columns, c => empty([count], _kinds[c] == Kind.Real ? ScalarType.Float64 : ScalarType.Int64));
        if (count == 0) return result;
        using var stream = File.OpenRead(Path);
        stream.Position = _places[(int)(first / Stride)];
        using var reader = Rows(stream);
        long row = first / Stride * Stride, end = first + count;
        foreach (var line in reader)
        {
            if (IsBlank(line)) continue;
            if (row >= first)
            {
                CheckWidth(line, row);
                for (var i = 0; i < columns.Length; i++) Store(result[i], row - first, line[columns[i]].Span, columns[i], row);
            }
            if (++row == end) break;
        }
        return row == end ? result : throw new EndOfStreamException();
    }

    private unsafe void Store(Tensor tensor, long at, ReadOnlySpan<char> text, int column, long row)
    {
        // One element: the tensor is ours and contiguous.
        var to = Checkpoints.TensorMemory.Pointer(tensor) + 8 * at;
        switch (_kinds[column])
        {
            case Kind.Whole when long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var whole):
                *(long*)to = whole;
                break;
            case Kind.Real when IsMissing(text):
                *(double*)to = double.NaN;
                break;
            case Kind.Real when TryReal(text, out var real):
                *(double*)to = real;
                break;
            case Kind.Category when IsMissing(text):
                *(long*)to = -1;
                break;
            case Kind.Category when _codes[column]!.TryGetValue(text.ToString(), out var code):
                *(long*)to = code;
                break;
            default:
                throw Damaged($"row {row}, column '{_names[column]}': '{text}' wasn't there when the file was opened");
        }
    }

    /// <summary>What the first row says.</summary>
    private (char Delimiter, string[] Head, bool HasHeader, int Width) Begin(CsvOptions options) => Guard("reading its first row", () =>
    {
        string line;
        using (var stream = File.OpenRead(Path))
        {
            Span<byte> start = stackalloc byte[4];
            start = start[..stream.ReadAtLeast(start, 4, throwOnEndOfStream: false)];
            if (start is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..]) throw Damaged("expected UTF-8, this is UTF-16");
            stream.Position = 0;
            var buffer = new char[1 << 20];
            using var text = Text(stream);
            line = new string(buffer, 0, text.ReadBlock(buffer)).TrimStart('\r', '\n', Mark);
        }
        line = FirstRecord(line);
        if (line.Length == 0) throw Damaged("there is nothing in it");
        var delimiter = options.Delimiter ?? Delimiters.MaxBy(d => Outside(line, d));
        using var reader = Options(delimiter).FromText(line);
        var head = reader.MoveNext() ? Columns(reader.Current) : throw Damaged("there is nothing in it");
        if (head.Length > MaximumColumns) throw Damaged($"expected at most {MaximumColumns} columns, got {head.Length}");
        var hasHeader = options.HasHeader ?? !head.All(h => TryReal(h, out _) || IsMissing(h));
        return (delimiter, head, hasHeader, head.Length);
    });

    private static string[] Columns(SepReader.Row row)
    {
        var columns = new string[row.ColCount];
        for (var i = 0; i < columns.Length; i++) columns[i] = row[i].ToString().Trim();
        return columns;
    }

    private static string FirstRecord(string text)
    {
        var isQuoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"') isQuoted = !isQuoted;
            else if (!isQuoted && text[i] is '\r' or '\n') return text[..i];
        }
        return text;
    }

    private static int Outside(string line, char delimiter)
    {
        var (count, isQuoted) = (0, false);
        foreach (var c in line)
        {
            if (c == '"') isQuoted = !isQuoted;
            else if (!isQuoted && c == delimiter) count++;
        }
        return count;
    }

    /// <summary>Counts the rows and keeps the places of some: the bytes decide, in which line ends within quotes are no rows' ends.</summary>
    private long Index(bool hasHeader)
    {
        using var stream = File.OpenRead(Path);
        var buffer = new byte[BufferSize];
        var (isQuoted, isBlank, isHeader) = (false, true, hasHeader);
        long rows = 0, position = 0, begin = 0;
        for (int count; (count = stream.Read(buffer)) > 0;)
            for (var i = 0; i < count; i++, position++)
            {
                var b = buffer[i];
                if (b is (byte)'\n' or (byte)'\r' && !isQuoted)
                {
                    EndRow();
                    (begin, isBlank) = (position + 1, true);
                    continue;
                }
                if (b == '"') isQuoted = !isQuoted;
                // A mark at the file's start is no content.
                if (position >= 3 || b is not (0xEF or 0xBB or 0xBF)) isBlank = false;
            }
        if (isQuoted) throw Damaged("a quote doesn't end");
        EndRow();
        return rows;

        void EndRow()
        {
            if (isBlank) return;
            if (isHeader) isHeader = false;
            else if (rows++ % Stride == 0) _places.Add(begin);
        }
    }

    /// <summary>Reads through the file for the columns' types.</summary>
    private (Kind[] Kinds, Dictionary<string, long>?[] Codes) Look()
    {
        var kinds = new Kind[_names.Length];
        var hasGaps = new bool[_names.Length];
        var isFirst = true;
        // Categories only of columns that turn out to have texts: a second look at those.
        ForEachRow((line, row) =>
        {
            for (var i = 0; i < kinds.Length; i++)
            {
                if (kinds[i] == Kind.Category) continue;
                var text = line[i].Span;
                if (IsMissing(text)) hasGaps[i] = true;
                else if (kinds[i] == Kind.Whole && !long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out _)) kinds[i] = Kind.Real;
                if (kinds[i] == Kind.Real && !IsMissing(text) && !TryReal(text, out _))
                    kinds[i] = Kind.Category;
            }
            isFirst = false;
        });
        for (var i = 0; i < kinds.Length; i++)
            if (kinds[i] == Kind.Whole && (hasGaps[i] || isFirst)) kinds[i] = Kind.Real;
        var codes = new Dictionary<string, long>?[kinds.Length];
        if (!kinds.Contains(Kind.Category)) return (kinds, codes);
        var seen = Array.ConvertAll(kinds, k => k == Kind.Category ? new HashSet<string>(StringComparer.Ordinal) : null);
        ForEachRow((line, row) =>
        {
            for (var i = 0; i < seen.Length; i++)
            {
                if (seen[i] is not { } set || line[i].Span is var text && IsMissing(text)) continue;
                if (set.GetAlternateLookup<ReadOnlySpan<char>>().Add(text) && set.Count > MaximumCategories)
                    throw Damaged($"column '{_names[i]}' has more than {MaximumCategories} different texts");
            }
        });
        for (var i = 0; i < seen.Length; i++)
            codes[i] = seen[i]?.Order(StringComparer.Ordinal).Index().ToDictionary(c => c.Item, c => (long)c.Index, StringComparer.Ordinal);
        return (kinds, codes);
    }

    private delegate void Visit(SepReader.Row line, long row);

    private void ForEachRow(Visit visit)
    {
        if (_rows == 0) return;
        using var stream = File.OpenRead(Path);
        stream.Position = _places[0];
        using var reader = Rows(stream);
        var row = 0L;
        foreach (var line in reader)
        {
            if (IsBlank(line)) continue;
            CheckWidth(line, row);
            visit(line, row++);
        }
        if (row != _rows) throw Damaged($"its quotes are damaged: {_rows} rows by its line ends, {row} when read");
    }

    private void CheckWidth(SepReader.Row line, long row)
    {
        if (line.ColCount != _names.Length) throw Damaged($"row {row} (from 0) has {line.ColCount} columns, expected {_names.Length}");
    }

    private SepReader Rows(Stream stream) => Options(_delimiter).From(Text(stream));

    private static StreamReader Text(Stream stream) => new(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));

    private static SepReaderOptions Options(char delimiter) => Sep.New(delimiter).Reader(o => o with
    {
        HasHeader = false,
        Unescape = true,
        DisableColCountCheck = true,
        CultureInfo = CultureInfo.InvariantCulture,
    });

    // As C and Python write infinity, too.
    private static bool TryReal(ReadOnlySpan<char> text, out double value)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)) return true;
        text = text.Trim();
        value = text.StartsWith('-') ? double.NegativeInfinity : double.PositiveInfinity;
        return text.TrimStart("+-").Equals("inf", StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsBlank(SepReader.Row line) => line.Span.IsEmpty || line.Span is [Mark];

    private static bool IsMissing(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        foreach (var word in MissingWords)
            if (text.SequenceEqual(word)) return true;
        return false;
    }
}
