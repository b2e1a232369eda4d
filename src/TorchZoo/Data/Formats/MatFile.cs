using System.Buffers.Binary;
using System.IO.Compression;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using TorchZoo.Checkpoints;
using TorchZoo.Checkpoints.PyTorch;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// MATLAB's files of Level 5 (versions 5 to 7.2), of either order of bytes: elements of a type, a length and content, nested, perhaps each
/// compressed with zlib. (MathWorks, "MAT-File Format", R2023a.) Numbers may be stored in a smaller type than their array's class.
/// </summary>
internal sealed unsafe class MatFile : ArrayFile
{
    private const int HeaderLength = 128, MaximumDepth = 64, PieceSize = 1 << 20;
    private const int Matrix = 14, Compressed = 15;

    // Content in the file after which comes a tag: its position there, and how far into the (unpacked) element the numbers' tag is.
    private readonly record struct Place(long Element, long Length, bool IsCompressed, long Offset, bool IsComplex, bool IsLogical);

    private readonly SafeFileHandle _file;
    private readonly long _length;
    private readonly bool _isSwapped;
    private readonly Dictionary<string, Place?> _places = [];

    public MatFile(string path) : base(path)
    {
        _file = File.OpenHandle(path);
        try
        {
            _length = RandomAccess.GetLength(_file);
            Span<byte> header = stackalloc byte[HeaderLength];
            TensorMemory.ReadExactly(_file, header, 0);
            _isSwapped = header[126] == 'M';
            Guard("reading what it holds", () =>
            {
                Walk();
                return true;
            });
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file that begins so is of this kind.</summary>
    public static bool IsAt(ReadOnlySpan<byte> start) => start.Length >= HeaderLength
        && start[124..128] is [0x00, 0x01, (byte)'I', (byte)'M'] or [0x01, 0x00, (byte)'M', (byte)'I'];

    private protected override void Dispose(bool disposing) => _file.Dispose();

    private void Walk()
    {
        Span<byte> tag = stackalloc byte[8];
        for (long at = HeaderLength; at < _length;)
        {
            TensorMemory.ReadExactly(_file, tag, at);
            var (type, length) = (UInt32(tag), UInt32(tag[4..]));
            at += tag.Length;
            if (length > _length - at) throw Damaged($"the element at byte {at - 8} claims {length} bytes; the file ends after {_length - at}");
            if (type is not (Matrix or Compressed)) throw Damaged($"unknown element of type {type} at byte {at - 8}");
            using (var source = Open(at, length, type == Compressed))
            {
                long inside = length;
                if (type == Compressed)
                {
                    // What is packed is an element with a tag of its own.
                    source.Read(tag);
                    if (UInt32(tag) != Matrix) throw Damaged($"unknown compressed element of type {UInt32(tag)} at byte {at - 8}");
                    inside = UInt32(tag[4..]);
                    if (inside > ((long)length + 1) * 1032) throw Damaged($"{length} bytes can't be {inside} when decompressed");
                }
                WalkMatrix(source, inside, null, new Place(at, length, type == Compressed, 0, false, false), 0);
            }
            at += length;
        }
    }

    /// <summary>Finds the arrays in the content of a matrix; what is at its end isn't read.</summary>
    private void WalkMatrix(Source source, long length, string? path, Place place, int depth)
    {
        if (depth > MaximumDepth) throw Damaged($"'{path}' is nested more than {MaximumDepth} times");
        var end = source.Position + length;
        if (length == 0)
        {
            AddArray(path ?? "", ScalarType.Float64, [0, 0], null);
            return;
        }
        var flags = Small(source, end, 8, "flags");
        if (flags.Length < 4) throw Damaged("a matrix without flags");
        var word = UInt32(flags);
        var matrixClass = (int)(word & 0xFF);
        var (isComplex, isLogical) = ((word & 0x800) != 0, (word & 0x200) != 0);
        if (matrixClass == 17)
        {
            AddOther(path ?? $"object {Others.Count + 1}", "an object of a class, or a string array");
            source.Skip(end - source.Position);
            return;
        }
        var sizes = Small(source, end, 4 * 64, "sizes");
        if (sizes.Length < 8 || sizes.Length % 4 != 0) throw Damaged($"a matrix with {sizes.Length} bytes of sizes");
        var shape = new long[sizes.Length / 4];
        Int128 count = 1;
        for (var i = 0; i < shape.Length; i++)
        {
            shape[i] = (int)UInt32(sizes.AsSpan(4 * i));
            if (shape[i] < 0) throw Damaged("a matrix with a negative size");
            count = Int128.Min(count * shape[i], long.MaxValue);
        }
        var ownName = Encoding.UTF8.GetString(Small(source, end, 1 << 12, "name"));
        // Functions' workspaces have no name at the top.
        var name = path ?? ownName;
        switch (matrixClass)
        {
            case 1:
                for (long i = 0; i < (long)count; i++) Child(source, end, $"{name}[{i}]", place, depth);
                break;
            case 2 or 3:
                if (matrixClass == 3) _ = Small(source, end, 1 << 12, "class name");
                var width = Small(source, end, 4, "length of field names");
                var size = width.Length == 4 ? (int)UInt32(width) : 0;
                var names = Small(source, end, 1 << 20, "field names");
                if (size <= 0 || names.Length % size != 0) throw Damaged($"'{name}' has damaged field names");
                string[] fields = [.. names.Chunk(size).Select(n => Encoding.UTF8.GetString(n).Split('\0')[0])];
                if (fields.Length == 0) break;
                for (long i = 0; i < (long)count; i++)
                    foreach (var field in fields) Child(source, end, $"{name}{(count == 1 ? "" : $"[{i}]")}.{field}", place, depth);
                break;
            case 4:
                if (Text(source, end) is { } text && shape is [<= 1, _]) AddText(name, text);
                else AddOther(name, "a long text, or several");
                break;
            case 5:
                AddOther(name, "a sparse matrix");
                break;
            case >= 6 and <= 15:
                AddArray(name, Dtype(matrixClass, isComplex, isLogical), shape,
                    place with { Offset = source.Position, IsComplex = isComplex, IsLogical = isLogical });
                break;
            default:
                AddOther(name, matrixClass == 16 ? "a function" : $"of the unknown class {matrixClass}");
                break;
        }
        // What was packed alone and is read to its numbers is left there: the rest is checked when it is read.
        if (depth > 0) source.Skip(end - source.Position);
    }

    private void Child(Source source, long end, string name, Place place, int depth)
    {
        var (type, length, small) = Tag(source, end);
        if (type != Matrix || small is not null) throw Damaged($"'{name}' is of type {type}, expected a matrix");
        WalkMatrix(source, length, name, place, depth + 1);
    }

    private void AddArray(string name, ScalarType dtype, long[] shape, Place? place)
    {
        Add(new ArrayInfo(name, dtype, shape));
        _places[name] = place;
    }

    // Null: it is long, or of an unknown kind.
    private string? Text(Source source, long end)
    {
        var (type, length, small) = Tag(source, end);
        if (small is null && length > 1 << 16) return null;
        var bytes = small ?? new byte[length];
        if (small is null) source.Read(bytes);
        return type switch
        {
            1 or 2 or 16 => Encoding.UTF8.GetString(bytes),
            4 or 17 => (_isSwapped ? Encoding.BigEndianUnicode : Encoding.Unicode).GetString(bytes),
            _ => null,
        };
    }

    /// <summary>The content of a short element.</summary>
    private byte[] Small(Source source, long end, int limit, string what)
    {
        var (_, length, small) = Tag(source, end);
        if (small is not null) return small;
        if (length > limit) throw Damaged($"expected at most {limit} bytes of {what}, got {length}");
        var bytes = new byte[length];
        source.Read(bytes);
        source.Skip(Math.Min(Padding(length), end - source.Position));
        return bytes;
    }

    /// <summary>Type and length of the element that follows; where it is in the tag itself, its content too.</summary>
    private (int Type, long Length, byte[]? Small) Tag(Source source, long end)
    {
        Span<byte> tag = stackalloc byte[8];
        if (end - source.Position < tag.Length) throw Damaged($"an element begins at the end of another");
        source.Read(tag);
        var first = UInt32(tag);
        if (first >> 16 is var count and > 0)
        {
            if (count > 4) throw Damaged($"a small element claims {count} bytes");
            return ((int)(first & 0xFFFF), count, tag.Slice(4, (int)count).ToArray());
        }
        var length = UInt32(tag[4..]);
        if (length > end - source.Position) throw Damaged($"an element of type {first} claims {length} bytes; {end - source.Position} are left");
        return ((int)first, length, null);
    }

    private protected override Tensor ReadCore(ArrayInfo array, (long First, long Count)? rows)
    {
        var reversed = array.Shape.Reverse().ToArray();
        var (first, count) = rows ?? (0, array.Rows);
        reversed[^1] = count;
        long[] axes = [.. Enumerable.Range(0, reversed.Length).Select(i => (long)(reversed.Length - 1 - i))];
        var part = array.Dtype switch
        {
            ScalarType.ComplexFloat32 => ScalarType.Float32,
            ScalarType.ComplexFloat64 => ScalarType.Float64,
            var own => own,
        };
        if (_places[array.Name] is not { } place) return empty(array.Shape.Select((s, i) => i == 0 ? count : s).ToArray(), array.Dtype);
        using var source = Open(place.Element, place.Length, place.IsCompressed);
        source.Skip(place.Offset);
        // The length of what is in it was checked where it was found.
        var end = place.IsCompressed ? long.MaxValue : place.Length;
        var real = ReadPart(source, end, array, reversed, part, first, place.IsLogical);
        if (place.IsComplex) real = complex(real, ReadPart(source, end, array, reversed, part, first, false));
        return real.permute(axes).contiguous();
    }

    private Tensor ReadPart(Source source, long end, ArrayInfo array, long[] reversed, ScalarType dtype, long first, bool isLogical)
    {
        var (type, length, small) = Tag(source, end);
        var size = StoredSize(type);
        var rows = array.Rows;
        var total = array.Shape.Aggregate(1L, (a, b) => a * b);
        if (length != total * size)
            throw Damaged($"'{array.Name}' of the shape ({string.Join(", ", array.Shape)}) has {length} bytes, expected {total * size}");
        var result = empty(reversed, dtype);
        if (result.numel() == 0)
        {
            if (small is null) source.Skip(Math.Min(length + Padding(length), end - source.Position));
            return result;
        }
        var taken = reversed[^1];
        var column = rows * size;
        var pointer = TensorMemory.Pointer(result);
        var elementSize = TensorMemory.ElementSize(dtype);
        // Short columns are read together, of long ones only the rows that are wanted.
        var together = Math.Max(1, PieceSize / Math.Max(1, column));
        var columns = total / rows;
        var buffer = new byte[Math.Min(length, column <= PieceSize ? together * column : PieceSize)];
        for (long done = 0; done < columns;)
        {
            if (column <= PieceSize)
            {
                var now = Math.Min(together, columns - done);
                var bytes = buffer.AsSpan(0, (int)(now * column));
                if (small is null) source.Read(bytes);
                else small.CopyTo(bytes);
                // Neighbouring columns of all rows are one run.
                if (taken == rows)
                {
                    Convert(bytes, type, dtype, isLogical, pointer, array.Name);
                    pointer += now * taken * elementSize;
                }
                for (var c = 0L; c < now && taken != rows; c++)
                {
                    Convert(bytes.Slice((int)(c * column + first * size), (int)(taken * size)), type, dtype, isLogical, pointer, array.Name);
                    pointer += taken * elementSize;
                }
                done += now;
                continue;
            }
            source.Skip(first * size);
            for (var left = taken; left > 0;)
            {
                var now = Math.Min(left, PieceSize / size);
                var bytes = buffer.AsSpan(0, (int)(now * size));
                source.Read(bytes);
                Convert(bytes, type, dtype, isLogical, pointer, array.Name);
                pointer += now * elementSize;
                left -= now;
            }
            source.Skip((rows - first - taken) * size);
            done++;
        }
        if (small is null) source.Skip(Math.Min(Padding(length), end - source.Position));
        GC.KeepAlive(result);
        return result;
    }

    private void Convert(Span<byte> raw, int type, ScalarType dtype, bool isLogical, byte* to, string name)
    {
        if (_isSwapped == BitConverter.IsLittleEndian) ByteOrder.Reverse(raw, StoredSize(type));
        try
        {
            switch (type)
            {
                case 1: From<sbyte>(raw, dtype, isLogical, to); break;
                case 2: From<byte>(raw, dtype, isLogical, to); break;
                case 3: From<short>(raw, dtype, isLogical, to); break;
                case 4: From<ushort>(raw, dtype, isLogical, to); break;
                case 5: From<int>(raw, dtype, isLogical, to); break;
                case 6: From<uint>(raw, dtype, isLogical, to); break;
                case 7: From<float>(raw, dtype, isLogical, to); break;
                case 9: From<double>(raw, dtype, isLogical, to); break;
                case 12: From<long>(raw, dtype, isLogical, to); break;
                default: From<ulong>(raw, dtype, isLogical, to); break;
            }
        }
        catch (OverflowException e)
        {
            throw Damaged($"'{name}' has a number that {dtype} can't hold", e);
        }
    }

    private static void From<TFrom>(ReadOnlySpan<byte> raw, ScalarType dtype, bool isLogical, byte* to)
        where TFrom : unmanaged, INumber<TFrom>
    {
        var values = MemoryMarshal.Cast<byte, TFrom>(raw);
        if (isLogical)
        {
            for (var i = 0; i < values.Length; i++) to[i] = values[i] != TFrom.Zero ? (byte)1 : (byte)0;
            return;
        }
        switch (dtype)
        {
            case ScalarType.Float64: To(values, (double*)to); break;
            case ScalarType.Float32: To(values, (float*)to); break;
            case ScalarType.Int8: To(values, (sbyte*)to); break;
            case ScalarType.Byte: To(values, to); break;
            case ScalarType.Int16: To(values, (short*)to); break;
            case ScalarType.Int32: To(values, (int*)to); break;
            default: To(values, (long*)to); break;
        }
    }

    private static void To<TFrom, TTo>(ReadOnlySpan<TFrom> values, TTo* to)
        where TFrom : unmanaged, INumber<TFrom> where TTo : unmanaged, INumber<TTo>
    {
        if (typeof(TFrom) == typeof(TTo)) MemoryMarshal.Cast<TFrom, TTo>(values).CopyTo(new Span<TTo>(to, values.Length));
        else for (var i = 0; i < values.Length; i++) to[i] = TTo.CreateChecked(values[i]);
    }

    private static ScalarType Dtype(int matrixClass, bool isComplex, bool isLogical) => (matrixClass, isComplex) switch
    {
        (7, true) => ScalarType.ComplexFloat32,
        (_, true) => ScalarType.ComplexFloat64,
        _ when isLogical => ScalarType.Bool,
        (6, _) => ScalarType.Float64,
        (7, _) => ScalarType.Float32,
        (8, _) => ScalarType.Int8,
        (9, _) => ScalarType.Byte,
        (10, _) => ScalarType.Int16,
        (11 or 12, _) => ScalarType.Int32,
        _ => ScalarType.Int64,
    };

    private int StoredSize(int type) => type switch
    {
        1 or 2 => 1,
        3 or 4 => 2,
        5 or 6 or 7 => 4,
        9 or 12 or 13 => 8,
        _ => throw Damaged($"numbers of the unknown type {type}"),
    };

    private uint UInt32(ReadOnlySpan<byte> bytes) =>
        _isSwapped ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static long Padding(long length) => -length & 7;

    private Source Open(long position, long length, bool isCompressed) => new(_file, position, length, isCompressed);

    /// <summary>The content of a top-level element, read forwards.</summary>
    private sealed class Source : IDisposable
    {
        private readonly SafeFileHandle _file;
        private readonly long _start, _length;
        private readonly ZLibStream? _unpacked;

        public Source(SafeFileHandle file, long start, long length, bool isCompressed)
        {
            (_file, _start, _length) = (file, start, length);
            if (isCompressed) _unpacked = new ZLibStream(new FileSpanStream(file, start, length), CompressionMode.Decompress);
        }

        /// <summary>Bytes before what comes next, unpacked.</summary>
        public long Position { get; private set; }

        public void Read(Span<byte> destination)
        {
            if (_unpacked is not null) _unpacked.ReadExactly(destination);
            else
            {
                if (destination.Length > _length - Position) throw new EndOfStreamException();
                TensorMemory.ReadExactly(_file, destination, _start + Position);
            }
            Position += destination.Length;
        }

        public void Skip(long count)
        {
            if (_unpacked is null)
            {
                Position += count;
                return;
            }
            var buffer = new byte[Math.Min(count, 1 << 16)];
            while (count > 0)
            {
                var now = (int)Math.Min(count, buffer.Length);
                Read(buffer.AsSpan(0, now));
                count -= now;
            }
        }

        public void Dispose() => _unpacked?.Dispose();
    }
}
