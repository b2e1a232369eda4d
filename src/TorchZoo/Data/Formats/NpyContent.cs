using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>An array in NumPy's format, wherever its bytes are: a file, or an entry of an archive.</summary>
internal sealed unsafe class NpyContent
{
    // Bytes that are read, and turned into a tensor's, at a time.
    private const int PieceSize = 1 << 18;

    private readonly ReadAt _read;
    private readonly string _name;

    /// <summary>Reads and verifies the header.</summary>
    /// <param name="read">Fills a span from a position on.</param>
    /// <param name="length">Bytes in all.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="InvalidDataException">See <see cref="NpyHeader.Read"/>.</exception>
    public NpyContent(ReadAt read, long length, string name)
    {
        (_read, _name) = (read, name);
        try { Header = NpyHeader.Read(read, length, name); }
        catch (EndOfStreamException e) { throw new InvalidDataException($"{name}: the file ends early", e); }
    }

    /// <summary>Fills a span with the bytes from a position on.</summary>
    public delegate void ReadAt(Span<byte> destination, long position);

    /// <summary>What the header says.</summary>
    public NpyHeader Header { get; }

    /// <summary>The only column of a plain array.</summary>
    /// <param name="rows">First and number of those to read along the first axis; null: all.</param>
    /// <exception cref="InvalidDataException">The array has named columns, or a number doesn't fit into a tensor's type.</exception>
    public Tensor Array((long First, long Count)? rows)
    {
        if (Header.HasColumns)
            throw new InvalidDataException($"{_name}: expected numbers, got records of {string.Join(", ", Header.Fields.Select(f => f.Name))}");
        return Read(rows)[0];
    }

    /// <summary>The columns of an array of records, by name.</summary>
    /// <inheritdoc cref="Array"/>
    public Dictionary<string, Tensor> Columns((long First, long Count)? rows)
    {
        if (!Header.HasColumns) throw new InvalidDataException($"{_name}: expected records of named columns, got {Header.Fields[0].Element.Dtype}");
        return Read(rows).Zip(Header.Fields).ToDictionary(p => p.Second.Name, p => p.First);
    }

    private Tensor[] Read((long First, long Count)? rows)
    {
        var shape = Header.Shape;
        if (rows is { } r)
        {
            if (shape.Length == 0) throw new ArgumentException($"{_name}: a single number has no rows", nameof(rows));
            ArgumentOutOfRangeException.ThrowIfNegative(r.First, nameof(rows));
            ArgumentOutOfRangeException.ThrowIfNegative(r.Count, nameof(rows));
            if (r.First > shape[0] || r.Count > shape[0] - r.First)
                throw new ArgumentOutOfRangeException(nameof(rows), $"{_name}: there are {shape[0]} rows, {r.Count} from {r.First} on are asked for");
        }
        var (first, taken) = rows ?? (0, shape.Length == 0 ? 1 : shape[0]);
        var all = shape.Length == 0 ? 1 : shape[0];
        long[] wanted = shape.Length == 0 ? [] : [taken, .. shape[1..]];
        var perRow = wanted.Skip(1).Aggregate(1L, (a, b) => a * b);

        using var scope = NewDisposeScope();
        // In the file's order of axes.
        long[] stored = Header.IsFortran ? [.. wanted.Reverse()] : wanted;
        Tensor[] columns = [.. Header.Fields.Select(f => empty([.. stored, .. f.Shape], f.Element.Dtype))];
        if (taken * perRow > 0)
        {
            try
            {
                // Consecutive elements of the file: all that are asked for, or those of one position behind the first axis.
                if (!Header.IsFortran || taken == all) ReadRun(columns, 0, first * perRow, taken * perRow);
                else
                    for (var run = 0L; run < perRow; run++) ReadRun(columns, run * taken, run * all + first, taken);
            }
            catch (EndOfStreamException e) { throw new InvalidDataException($"{_name}: the file ends early", e); }
            catch (FormatException e) { throw new InvalidDataException($"{_name}: {e.Message}", e); }
        }
        if (Header.IsFortran && wanted.Length > 1)
        {
            for (var i = 0; i < columns.Length; i++)
            {
                long[] axes = [.. Enumerable.Range(0, wanted.Length).Reverse().Select(a => (long)a),
                    .. Enumerable.Range(wanted.Length, Header.Fields[i].Shape.Length).Select(a => (long)a)];
                columns[i] = columns[i].permute(axes);
            }
        }
        foreach (var column in columns) column.MoveToOuterDisposeScope();
        return columns;
    }

    // Elements [from, from + count) of the file, which become those from `to` on.
    private void ReadRun(Tensor[] columns, long to, long from, long count)
    {
        var size = Header.RecordSize;
        if (size == 0) return;
        var atOnce = Math.Max(1, PieceSize / size);
        var buffer = new byte[Math.Min(atOnce, count) * size];
        var gathered = Header.HasColumns ? new byte[buffer.Length] : [];
        for (long done = 0; done < count; done += atOnce)
        {
            var records = (int)Math.Min(atOnce, count - done);
            var bytes = buffer.AsSpan(0, records * size);
            _read(bytes, Header.DataStart + (from + done) * size);
            foreach (var (field, column) in Header.Fields.Zip(columns))
            {
                var width = field.Count * field.Element.Size;
                if (width == 0) continue;
                var raw = bytes;
                if (Header.HasColumns)
                {
                    raw = gathered.AsSpan(0, records * width);
                    for (var i = 0; i < records; i++) bytes.Slice(i * size + field.Offset, width).CopyTo(raw[(i * width)..]);
                }
                var tensorWidth = (long)field.Count * field.Element.TensorSize;
                field.Element.Decode(raw,
                    new Span<byte>(TensorMemory.Pointer(column) + (to + done) * tensorWidth, checked((int)(records * tensorWidth))));
                GC.KeepAlive(column);
            }
        }
    }
}
