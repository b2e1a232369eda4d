using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace TorchZoo.Data.Formats;

/// <summary>What stands before the elements of a NumPy file.</summary>
internal sealed class NpyHeader
{
    private const int MagicLength = 8, Alignment = 64;

    // Headers of records with thousands of columns are shorter.
    private const int MaximumLength = 1 << 20;

    // What libtorch's iterators over strided tensors allow.
    private const int MaximumRank = 64;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    private NpyHeader(long[] shape, bool isFortran, NpyField[] fields, int recordSize, long dataStart, string name)
    {
        (Shape, IsFortran, Fields, RecordSize, DataStart) = (shape, isFortran, fields, recordSize, dataStart);
        // Zeros don't count: libtorch multiplies the others for its strides.
        Int128 span = 1;
        foreach (var size in shape)
        {
            if (size < 0) throw new InvalidDataException($"{name}: negative size in the shape ({string.Join(", ", shape)})");
            span *= Math.Max(1, size);
            if (span * Math.Max(16, recordSize) > long.MaxValue)
                throw new InvalidDataException($"{name}: too large, the header says ({string.Join(", ", shape)})");
        }
        Count = shape.Contains(0) ? 0 : (long)span;
    }

    /// <summary>Sizes along the axes.</summary>
    public long[] Shape { get; }

    /// <summary>Whether the first axis changes fastest in the file.</summary>
    public bool IsFortran { get; }

    /// <summary>Columns; a plain array has one without a name.</summary>
    public NpyField[] Fields { get; }

    /// <summary>Whether elements are records of named columns.</summary>
    public bool HasColumns => Fields is not [{ Name: "" }];

    /// <summary>Bytes of an element.</summary>
    public int RecordSize { get; }

    /// <summary>Where elements begin.</summary>
    public long DataStart { get; }

    /// <summary>Elements.</summary>
    public long Count { get; }

    /// <summary>Reads a header.</summary>
    /// <param name="read">Fills a span from a position on.</param>
    /// <param name="length">Bytes of the file.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="InvalidDataException">It is no such file, is damaged, has another length than its header says, or elements that
    /// no tensor can hold.</exception>
    public static NpyHeader Read(NpyContent.ReadAt read, long length, string name)
    {
        Span<byte> start = stackalloc byte[MagicLength + 4];
        if (length < start.Length) throw new InvalidDataException($"{name}: the file ends early, after {length} bytes");
        read(start, 0);
        if (!start.StartsWith(Magic))
            throw new InvalidDataException($"{name}: this is no NumPy file, it begins with the bytes {Convert.ToHexString(start[..6])}");
        var (major, minor) = (start[6], start[7]);
        if (major is < 1 or > 3 || minor != 0)
            throw new InvalidDataException($"{name}: expected version 1.0, 2.0 or 3.0 of the format, got {major}.{minor}");
        var textStart = MagicLength + (major == 1 ? 2 : 4);
        long textLength = major == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[MagicLength..])
            : BinaryPrimitives.ReadUInt32LittleEndian(start[MagicLength..]);
        if (textLength > length - textStart || textLength > MaximumLength)
            throw new InvalidDataException(
                $"{name}: a header of {textLength} bytes doesn't fit into the file's {length}, or is longer than {MaximumLength}");
        var bytes = new byte[textLength];
        read(bytes, textStart);
        NpyHeader header;
        try
        {
            var text = (major == 3 ? new UTF8Encoding(false, true) : Encoding.Latin1).GetString(bytes);
            header = Parse(text, textStart + textLength, name);
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            throw new InvalidDataException($"{name}: damaged header: {e.Message}", e);
        }
        catch (NotSupportedException e) { throw new InvalidDataException($"{name}: {e.Message}", e); }
        var needed = (Int128)header.Count * header.RecordSize;
        if (needed != length - header.DataStart)
            throw new InvalidDataException(
                $"{name}: its header says ({string.Join(", ", header.Shape)}) elements of {header.RecordSize} bytes, "
                + $"which are {needed} bytes; there are {length - header.DataStart}");
        return header;
    }

    /// <summary>The bytes of a header.</summary>
    /// <param name="descriptor">Python's literal of the element's type.</param>
    /// <param name="isFortran">Whether the first axis changes fastest.</param>
    /// <param name="shape">Sizes along the axes.</param>
    public static byte[] Write(string descriptor, bool isFortran, ReadOnlySpan<long> shape)
    {
        var sizes = new StringBuilder("(");
        foreach (var size in shape) sizes.Append(CultureInfo.InvariantCulture, $"{size}, ");
        if (shape.Length == 1) sizes.Length--;
        else if (shape.Length > 1) sizes.Length -= 2;
        var text = $"{{'descr': {descriptor}, 'fortran_order': {(isFortran ? "True" : "False")}, 'shape': {sizes}), }}";
        var isUnicode = text.Any(c => c > byte.MaxValue);
        var body = (isUnicode ? Encoding.UTF8 : Encoding.Latin1).GetBytes(text);
        byte major = isUnicode ? (byte)3 : Padded(body.Length, 2) - MagicLength - 2 <= ushort.MaxValue ? (byte)1 : (byte)2;
        var lengthSize = major == 1 ? 2 : 4;
        var result = new byte[Padded(body.Length, lengthSize)];
        Magic.CopyTo(result);
        result[6] = major;
        var textLength = result.Length - MagicLength - lengthSize;
        if (major == 1) BinaryPrimitives.WriteUInt16LittleEndian(result.AsSpan(MagicLength), (ushort)textLength);
        else BinaryPrimitives.WriteUInt32LittleEndian(result.AsSpan(MagicLength), (uint)textLength);
        body.CopyTo(result, MagicLength + lengthSize);
        result.AsSpan(MagicLength + lengthSize + body.Length).Fill((byte)' ');
        result[^1] = (byte)'\n';
        return result;

        // The whole header, with its last line's end.
        static int Padded(int length, int lengthSize) => (MagicLength + lengthSize + length + 1 + Alignment - 1) / Alignment * Alignment;
    }

    private static NpyHeader Parse(string text, long dataStart, string name)
    {
        var values = PythonLiteral.ReadDictionary(text);
        if (values.Count != 3 || !values.TryGetValue("descr", out var descriptor) || !values.TryGetValue("fortran_order", out var order)
            || !values.TryGetValue("shape", out var shape))
            throw new FormatException($"expected the keys descr, fortran_order and shape, got {string.Join(", ", values.Keys)}");
        if (order is not bool isFortran) throw new FormatException("fortran_order is neither True nor False");
        var sizes = Sizes(shape);
        if (sizes.Length > MaximumRank) throw new FormatException($"expected at most {MaximumRank} axes, got {sizes.Length}");
        if (descriptor is string type)
        {
            var element = NpyElement.Parse(type);
            return new NpyHeader(sizes, isFortran, [new NpyField("", element, [], 0)], element.Size, dataStart, name);
        }
        if (descriptor is not List<object> columns) throw new FormatException("descr is neither a type nor a list of columns");
        var fields = new List<NpyField>();
        var at = 0;
        foreach (var column in columns)
        {
            if (column is not PythonLiteral.Tuple { Items: [var title, var of, ..] tuple } || tuple.Count > 3)
                throw new FormatException("expected columns as tuples of a name, a type and perhaps a shape");
            // A column with a title has it before its name.
            var columnName = title switch
            {
                string s => s,
                PythonLiteral.Tuple { Items: [string, string s] } => s,
                _ => throw new FormatException("a column's name is no string"),
            };
            if (of is not string columnType) throw new FormatException($"the column '{columnName}' has columns of its own");
            var inner = tuple.Count == 3 ? Sizes(tuple[2]) : [];
            if (columnName.Length == 0 && columnType.StartsWith("|V", StringComparison.Ordinal)
                && int.TryParse(columnType.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var padding))
            {
                at = checked(at + padding);
                continue;
            }
            var element = NpyElement.Parse(columnType);
            if (columnName.Length == 0 || fields.Any(f => f.Name == columnName))
                throw new FormatException($"two columns, or none, are named '{columnName}'");
            if (inner.Length + sizes.Length > MaximumRank) throw new FormatException($"expected at most {MaximumRank} axes");
            Int128 count = 1;
            foreach (var size in inner)
                if (size < 0 || (count *= size) > MaximumLength) throw new FormatException($"the column '{columnName}' is too large");
            fields.Add(new NpyField(columnName, element, inner, at));
            if (at + (long)count * element.Size > int.MaxValue / 2) throw new FormatException("records are too large");
            at += (int)count * element.Size;
        }
        if (fields.Count == 0) throw new FormatException("there are no columns");
        return new NpyHeader(sizes, isFortran, [.. fields], at, dataStart, name);
    }

    private static long[] Sizes(object shape) => shape switch
    {
        long one => [one],
        PythonLiteral.Tuple tuple when tuple.Items.All(i => i is long) => [.. tuple.Items.Cast<long>()],
        _ => throw new FormatException("a shape is no tuple of whole numbers"),
    };
}
