using System.Numerics;
using ParquetSharp;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// Parquet files, read with ParquetSharp (Apache Arrow): columns of numbers and truth values, and of equally long lists of them, which become
/// arrays of more axes. What is missing is NaN; a column of whole numbers that has gaps, or doesn't say, is of float64.
/// </summary>
internal sealed unsafe class ParquetFile : ArrayFile
{
    private const int BatchLength = 1 << 16;

    // Parts of a path that say that there is a list, from one writer or another.
    private static readonly string[] ListWords = ["list", "element", "item", "array", "array_element", "bag"];

    private sealed record Column(int Index, int ListLevels, int MaxDefinition, int MaxRepetition, short[] Pattern, PhysicalType Type, bool IsUnsigned);

    private readonly ReaderProperties _properties = ReaderProperties.GetDefaultReaderProperties();
    private readonly ParquetFileReader _reader;
    private readonly long[] _groupEnds;
    private readonly Dictionary<string, Column> _columns = [];
    private readonly long _fileLength;

    public ParquetFile(string path) : base(path)
    {
        // The library's own error for a file that isn't there would be taken for damage.
        using (var handle = File.OpenHandle(path)) _fileLength = RandomAccess.GetLength(handle);
        _properties.EnablePageChecksumVerification();
        (_reader, _groupEnds) = Guard("reading its footer", () =>
        {
            var reader = new ParquetFileReader(path, _properties);
            try { return (reader, Walk(reader)); }
            catch
            {
                reader.Dispose();
                throw;
            }
        });
    }

    // A run of one value takes some bytes a page, however long it is; torch's memory is only claimed when it is written.
    private protected override long MaximumArraySize => Math.Max(1L << 30, _fileLength << 14);

    private protected override void Dispose(bool disposing)
    {
        _reader?.Dispose();
        _properties.Dispose();
    }

    private long[] Walk(ParquetFileReader reader)
    {
        var metadata = reader.FileMetaData;
        var groups = metadata.NumRowGroups;
        var ends = new long[groups];
        var rows = 0L;
        for (var g = 0; g < groups; g++)
        {
            using var group = reader.RowGroup(g);
            var count = group.MetaData.NumRows;
            if (count < 0 || count > long.MaxValue - rows) throw Damaged($"row group {g} claims {count} rows");
            ends[g] = rows += count;
        }
        if (rows != metadata.NumRows) throw Damaged($"it claims {metadata.NumRows} rows; its groups have {rows}");
        for (var i = 0; i < metadata.NumColumns; i++)
        {
            var descriptor = metadata.Schema.Column(i);
            using var path = descriptor.Path;
            var isList = descriptor.MaxRepetitionLevel > 0;
            var name = string.Join('.', path.ToDotVector().Where((p, at) => at == 0 || !isList || !ListWords.Contains(p)));
            AddColumn(reader, descriptor, i, name, rows, ends);
        }
        return ends;
    }

    private void AddColumn(ParquetFileReader reader, ColumnDescriptor descriptor, int index, string name, long rows, long[] ends)
    {
        using var logical = descriptor.LogicalType;
        if (TypeOf(descriptor.PhysicalType, logical) is not { } dtype)
        {
            AddOther(name, $"a column of {descriptor.PhysicalType}{(logical.Type == LogicalTypeEnum.None ? "" : $" ({logical.Type})")}");
            return;
        }
        int maxDefinition = descriptor.MaxDefinitionLevel, maxRepetition = descriptor.MaxRepetitionLevel;
        long[] inner = [];
        short[] pattern = [0];
        if (maxRepetition > 0)
        {
            if (FirstLists(reader, index, descriptor.PhysicalType, maxRepetition, ends) is not { } first)
            {
                AddOther(name, "a column of lists of various lengths, or too long ones");
                return;
            }
            (pattern, inner) = first;
        }
        var hasGaps = false;
        for (var g = 0; g < ends.Length; g++)
        {
            using var group = reader.RowGroup(g);
            using var chunk = group.MetaData.GetColumnChunkMetaData(index);
            var groupRows = ends[g] - (g == 0 ? 0 : ends[g - 1]);
            if (chunk.NumValues != (Int128)groupRows * pattern.Length)
            {
                if (maxRepetition == 0) throw Damaged($"column '{name}' has {chunk.NumValues} values in the {groupRows} rows of group {g}");
                AddOther(name, "a column of lists of various lengths");
                return;
            }
            if (maxDefinition == 0) continue;
            using var statistics = chunk.IsStatsSet ? chunk.Statistics : null;
            hasGaps |= statistics is null || statistics.NullCount != 0;
        }
        if (hasGaps && dtype is not (ScalarType.Float32 or ScalarType.Float64)) dtype = ScalarType.Float64;
        Add(new ArrayInfo(name, dtype, [rows, .. inner]));
        _columns[name] = new Column(index, inner.Length, maxDefinition, maxRepetition, pattern, descriptor.PhysicalType,
            logical is IntLogicalType { IsSigned: false });
    }

    private static ScalarType? TypeOf(PhysicalType physical, LogicalType logical) => (physical, logical) switch
    {
        (PhysicalType.Boolean, _) => ScalarType.Bool,
        (PhysicalType.Float, _) => ScalarType.Float32,
        (PhysicalType.Double, _) => ScalarType.Float64,
        (PhysicalType.Int32 or PhysicalType.Int64, IntLogicalType i) => (i.BitWidth, i.IsSigned) switch
        {
            (8, true) => ScalarType.Int8,
            (8, false) => ScalarType.Byte,
            (16, true) => ScalarType.Int16,
            (16, false) or (32, true) => ScalarType.Int32,
            _ => ScalarType.Int64,
        },
        (PhysicalType.Int32, { Type: LogicalTypeEnum.None }) => ScalarType.Int32,
        (PhysicalType.Int64, { Type: LogicalTypeEnum.None }) => ScalarType.Int64,
        _ => null,
    };

    /// <summary>How the lists of the first row go: where each begins again, and their lengths. Null: they have various lengths.</summary>
    private static (short[] Pattern, long[] Lengths)? FirstLists(
        ParquetFileReader reader, int index, PhysicalType type, int maxRepetition, long[] ends)
    {
        var g = Array.FindIndex(ends, e => e > 0);
        if (g < 0) return ([0], []);
        List<short> pattern = [];
        using var group = reader.RowGroup(g);
        using var column = group.Column(index);
        Levels(column, type, (_, repetitions) =>
        {
            foreach (var repetition in repetitions)
            {
                if (repetition == 0 && pattern.Count > 0) return false;
                pattern.Add(repetition);
            }
            return pattern.Count < 1 << 24;
        });
        if (pattern.Count is 0 or >= 1 << 24) return null;
        // The length of an axis: how often it goes on before an outer one does.
        var lengths = new long[maxRepetition];
        var inner = 1L;
        for (var level = maxRepetition; level > 0; level--)
        {
            var next = pattern.FindIndex(1, r => r < level);
            var run = next < 0 ? pattern.Count : next;
            if (run % inner != 0) return null;
            lengths[level - 1] = run / inner;
            inner = run;
        }
        if (inner != pattern.Count) return null;
        // It must be the pattern of such lists throughout.
        for (var i = 0; i < pattern.Count; i++)
        {
            var expected = i == 0 ? 0 : maxRepetition;
            for (long level = maxRepetition, step = 1; level > 0 && i > 0; level--)
            {
                step *= lengths[level - 1];
                if (i % step != 0) break;
                expected = (int)level - 1;
            }
            if (pattern[i] != expected) return null;
        }
        return ([.. pattern], lengths);
    }

    private static void Levels(ColumnReader column, PhysicalType type, Func<short[], ArraySegment<short>, bool> see)
    {
        switch (type)
        {
            case PhysicalType.Boolean: Of<bool>(); break;
            case PhysicalType.Int32: Of<int>(); break;
            case PhysicalType.Int64: Of<long>(); break;
            case PhysicalType.Float: Of<float>(); break;
            default: Of<double>(); break;
        }

        void Of<T>() where T : unmanaged
        {
            var typed = (ColumnReader<T>)column;
            var (definitions, repetitions, values) = (new short[1024], new short[1024], new T[1024]);
            while (typed.HasNext)
            {
                var count = (int)typed.ReadBatch(values.Length, definitions, repetitions, values, out _);
                if (count == 0 || !see(definitions, new ArraySegment<short>(repetitions, 0, count))) break;
            }
        }
    }

    private protected override Tensor ReadCore(ArrayInfo array, (long First, long Count)? rows)
    {
        var column = _columns[array.Name];
        var (first, count) = rows ?? (0, array.Rows);
        var result = empty([count, .. array.Shape.Skip(1)], array.Dtype);
        var to = TensorMemory.Pointer(result);
        var rowSize = column.Pattern.Length * TensorMemory.ElementSize(array.Dtype);
        for (var g = 0; g < _groupEnds.Length && count > 0; g++)
        {
            var start = g == 0 ? 0 : _groupEnds[g - 1];
            if (_groupEnds[g] <= first || result.numel() == 0) continue;
            var taken = Math.Min(count, _groupEnds[g] - first);
            using var group = _reader.RowGroup(g);
            using var reader = group.Column(column.Index);
            ReadRows(reader, column, array, first - start, taken, to);
            to += taken * rowSize;
            first += taken;
            count -= taken;
        }
        GC.KeepAlive(result);
        return result;
    }

    private void ReadRows(ColumnReader reader, Column column, ArrayInfo array, long skip, long rows, byte* to)
    {
        switch (column.Type)
        {
            case PhysicalType.Boolean: Physical<bool, byte>(reader, column, array, skip, rows, to, b => b ? (byte)1 : (byte)0); break;
            case PhysicalType.Int32 when column.IsUnsigned: Physical<int, uint>(reader, column, array, skip, rows, to, i => (uint)i); break;
            case PhysicalType.Int64 when column.IsUnsigned: Physical<long, ulong>(reader, column, array, skip, rows, to, i => (ulong)i); break;
            case PhysicalType.Int32: Physical<int, int>(reader, column, array, skip, rows, to, i => i); break;
            case PhysicalType.Int64: Physical<long, long>(reader, column, array, skip, rows, to, i => i); break;
            case PhysicalType.Float: Physical<float, float>(reader, column, array, skip, rows, to, f => f); break;
            default: Physical<double, double>(reader, column, array, skip, rows, to, f => f); break;
        }
    }

    private void Physical<TStored, T>(ColumnReader reader, Column column, ArrayInfo array, long skip, long rows, byte* to, Func<TStored, T> value)
        where TStored : unmanaged where T : unmanaged, INumber<T>
    {
        switch (array.Dtype)
        {
            case ScalarType.Bool or ScalarType.Byte: Read((byte*)to, byte.CreateChecked, null); break;
            case ScalarType.Int8: Read((sbyte*)to, sbyte.CreateChecked, null); break;
            case ScalarType.Int16: Read((short*)to, short.CreateChecked, null); break;
            case ScalarType.Int32: Read((int*)to, int.CreateChecked, null); break;
            case ScalarType.Int64: Read((long*)to, long.CreateChecked, null); break;
            case ScalarType.Float32: Read((float*)to, float.CreateChecked, float.NaN); break;
            default: Read((double*)to, double.CreateChecked, double.NaN); break;
        }

        void Read<TTo>(TTo* target, Func<T, TTo> convert, TTo? missing) where TTo : unmanaged
        {
            var typed = (ColumnReader<TStored>)reader;
            long perRow = column.Pattern.Length, left = rows * perRow, at = 0;
            var toSkip = skip * perRow;
            // Skipping ends with each page.
            while (toSkip > 0)
            {
                var skipped = typed.Skip(toSkip);
                if (skipped <= 0) throw new EndOfStreamException();
                toSkip -= skipped;
            }
            var values = new TStored[(int)Math.Min(BatchLength, left)];
            var definitions = column.MaxDefinition > 0 ? new short[values.Length] : [];
            var repetitions = column.MaxRepetition > 0 ? new short[values.Length] : [];
            while (left > 0)
            {
                var wanted = Math.Min(values.Length, left);
                var count = (int)typed.ReadBatch(wanted, definitions, repetitions, values, out var present);
                if (count <= 0 || count > wanted || present < 0 || present > count) throw new EndOfStreamException();
                if (column.MaxRepetition > 0)
                    for (var i = 0; i < count; i++)
                        if (repetitions[i] != column.Pattern[(at + i) % perRow])
                            throw Damaged($"'{array.Name}' has lists of various lengths");
                for (int i = 0, v = 0; i < count; i++)
                {
                    if (column.MaxDefinition > 0 && definitions[i] < column.MaxDefinition)
                        target[at + i] = missing ?? throw Damaged($"'{array.Name}' lacks a value, which its statistics deny");
                    else if (v >= present) throw Damaged($"'{array.Name}' has fewer values than its levels say");
                    else target[at + i] = convert(value(values[v++]));
                }
                at += count;
                left -= count;
            }
        }
    }
}
