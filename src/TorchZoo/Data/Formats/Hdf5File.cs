using PureHDF;
using PureHDF.Selections;
using PureHDF.VOL.Native;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// HDF5 files, read with PureHDF, and MATLAB's files of version 7.3, which are such files after a block of MATLAB's own: their dimensions are
/// stored in reverse, and attributes say what class an array has.
/// </summary>
internal sealed unsafe class Hdf5File : ArrayFile
{
    /// <summary>Bytes before the HDF5 file in one of MATLAB.</summary>
    public const int UserBlock = 512;

    private const int MaximumDepth = 64, CacheSize = 256 << 20, MaximumTextLength = 1 << 16;

    // Elements read at once: what a span holds; of numbers that are converted after a piece was read, fewer.
    private const long PieceLength = 1 << 30, ConvertedPieceLength = 1 << 24;

    private enum Kind
    {
        Number,
        Boolean,
        Complex,
    }

    private sealed record Stored(NativeDataset Dataset, ulong[] Sizes, Kind Kind, Type Type, IReadOnlyList<long>? EmptyShape);

    private readonly bool _isMatlab;
    private readonly PatientStream _stream;
    private readonly NativeFile _file;
    private readonly Dictionary<string, Stored> _stored = [];
    private int _objects;

    public Hdf5File(string path, bool isMatlab) : base(path)
    {
        _isMatlab = isMatlab;
        _stream = new PatientStream(File.OpenRead(path));
        try
        {
            _file = Guard("reading what it holds", () =>
            {
                _stream.Allow(_stream.Length);
                var file = H5File.Open(_stream, leaveOpen: false);
                Walk(file, file, "", 0);
                return file;
            });
        }
        catch
        {
            _stream.Dispose();
            throw;
        }
    }

    /// <summary>Whether such a file is at a position.</summary>
    public static bool IsAt(ReadOnlySpan<byte> start, int position) => start.Length >= position + 8
        && start.Slice(position, 8) is [0x89, (byte)'H', (byte)'D', (byte)'F', 0x0D, 0x0A, 0x1A, 0x0A];

    private protected override void Dispose(bool disposing)
    {
        _file?.Dispose();
        _stream.Dispose();
    }

    private void Walk(NativeFile file, IH5Group group, string path, int depth)
    {
        if (depth > MaximumDepth) throw Damaged($"groups are nested more than {MaximumDepth} times, or in a circle");
        foreach (var child in group.Children())
        {
            Count();
            // MATLAB's own, reached through what refers to it.
            if (_isMatlab && depth == 0 && child.Name.StartsWith('#')) continue;
            Visit(file, child, path.Length == 0 ? child.Name : $"{path}{(_isMatlab ? '.' : '/')}{child.Name}", depth);
        }
    }

    private void Count()
    {
        if (++_objects > 100_000) throw Damaged("there are more than 100 000 objects, or they are linked in a circle");
    }

    private void Visit(NativeFile file, IH5Object child, string name, int depth)
    {
        switch (child)
        {
            case IH5Group group:
                Walk(file, group, name, depth + 1);
                break;
            case NativeDataset dataset:
                VisitDataset(file, dataset, name, depth);
                break;
            case IH5UnresolvedLink link:
                AddOther(name, $"a link to what isn't there: {link.Reason?.Message}");
                break;
            default:
                AddOther(name, "no array");
                break;
        }
    }

    private void VisitDataset(NativeFile file, NativeDataset dataset, string name, int depth)
    {
        var (sizes, type) = (dataset.Space.Dimensions, dataset.Type);
        if (sizes.Any(s => s > long.MaxValue / 16)) throw Damaged($"'{name}' has {sizes.Max()} elements along an axis");
        // The library makes room for a chunk before it reads one.
        if (ChunksOf(dataset) is { } chunks && chunks.Aggregate((Int128)type.Size, (a, b) => a * b) > MaximumArraySize)
            throw Damaged($"'{name}' has chunks of ({string.Join(", ", chunks)}) elements, which is more than this file can hold");
        var matlabClass = _isMatlab ? ClassOf(dataset, name) : null;
        if (type.Class == H5DataTypeClass.Reference && _isMatlab)
        {
            VisitReferences(file, dataset, sizes, name, depth);
            return;
        }
        if (matlabClass == "char")
        {
            if (sizes is [var length, 1] && length < MaximumTextLength && type.Size == 2)
                AddText(name, new string([.. dataset.Read<ushort[]>().Select(c => (char)c)]));
            else if (sizes is [_, 1] && dataset.AttributeExists("MATLAB_empty") || sizes is [0 or 2]) AddText(name, "");
            else AddOther(name, "a long text, or several");
            return;
        }
        if (type.Class == H5DataTypeClass.String || (type.Class == H5DataTypeClass.VariableLength && type.Size == 16))
        {
            if (sizes.Length == 0 && type.Size <= MaximumTextLength && TextOf(dataset) is { } text) AddText(name, text);
            else AddOther(name, "an array of texts");
            return;
        }
        if (dataset.Space.Type == H5DataspaceType.Null)
        {
            AddOther(name, "empty");
            return;
        }
        if (Numbers(type, matlabClass) is not { } numbers)
        {
            AddOther(name, $"of the HDF5 class {type.Class}");
            return;
        }
        long[] shape = [.. sizes.Select(s => (long)s)];
        IReadOnlyList<long>? emptyShape = null;
        if (_isMatlab)
        {
            if (dataset.AttributeExists("MATLAB_sparse"))
            {
                AddOther(name, "a sparse matrix");
                return;
            }
            Array.Reverse(shape);
            // What is stored are the sizes.
            if (dataset.AttributeExists("MATLAB_empty") && type.Class == H5DataTypeClass.FixedPoint && sizes is [<= 64])
                emptyShape = shape = [.. dataset.Read<ulong[]>().Select(s => checked((long)s))];
            if (emptyShape is not null) numbers.Dtype = EmptyType(matlabClass);
            if (emptyShape is not null && !emptyShape.Contains(0)) throw Damaged($"'{name}' claims to be empty and ({string.Join(", ", shape)})");
        }
        Add(new ArrayInfo(name, numbers.Dtype, shape));
        _stored[name] = new Stored(dataset, sizes, numbers.Kind, numbers.Type, emptyShape);
    }

    private string? ClassOf(NativeDataset dataset, string name)
    {
        const string attributeName = "MATLAB_class";
        if (!dataset.AttributeExists(attributeName)) return null;
        var attribute = dataset.Attribute(attributeName);
        if (attribute.Type.Class != H5DataTypeClass.String || attribute.Type.Size > 256 || attribute.Space.Dimensions.Any(s => s != 1))
            throw Damaged($"'{name}' has no name as its class");
        return attribute.Read<string>().TrimEnd('\0');
    }

    private static ScalarType EmptyType(string? matlabClass) => matlabClass switch
    {
        "single" => ScalarType.Float32,
        "logical" => ScalarType.Bool,
        "int8" => ScalarType.Int8,
        "uint8" => ScalarType.Byte,
        "int16" => ScalarType.Int16,
        "uint16" or "int32" => ScalarType.Int32,
        "uint32" or "int64" or "uint64" => ScalarType.Int64,
        _ => ScalarType.Float64,
    };

    // Cells, and the fields of arrays of structures.
    private void VisitReferences(NativeFile file, NativeDataset dataset, ulong[] sizes, string name, int depth)
    {
        if (sizes.Aggregate((Int128)1, (a, b) => a * b) > 100_000) throw Damaged($"'{name}' has too many cells");
        if (depth > MaximumDepth) throw Damaged($"cells are nested more than {MaximumDepth} times, or in a circle");
        var isField = !dataset.AttributeExists("MATLAB_class");
        var (parent, field) = isField && name.LastIndexOf('.') is > 0 and var dot ? (name[..dot], name[dot..]) : (name, "");
        var references = dataset.Read<NativeObjectReference1[]>();
        for (var i = 0; i < references.Length; i++)
        {
            Count();
            Visit(file, file.Get(references[i]), $"{parent}[{i}]{field}", depth + 1);
        }
    }

    private static string? TextOf(NativeDataset dataset)
    {
        var text = dataset.Read<string>();
        return text.Length < MaximumTextLength ? text : null;
    }

    private static (ScalarType Dtype, Kind Kind, Type Type)? Numbers(IH5DataType type, string? matlabClass)
    {
        var isLogical = matlabClass == "logical";
        switch (type.Class)
        {
            case H5DataTypeClass.FixedPoint when isLogical && type.Size == 1:
                return (ScalarType.Bool, Kind.Boolean, typeof(byte));
            case H5DataTypeClass.FixedPoint:
                return (type.Size, type.FixedPoint.IsSigned) switch
                {
                    (1, true) => (ScalarType.Int8, Kind.Number, typeof(sbyte)),
                    (1, false) => (ScalarType.Byte, Kind.Number, typeof(byte)),
                    (2, true) => (ScalarType.Int16, Kind.Number, typeof(short)),
                    (2, false) => (ScalarType.Int32, Kind.Number, typeof(ushort)),
                    (4, true) => (ScalarType.Int32, Kind.Number, typeof(int)),
                    (4, false) => (ScalarType.Int64, Kind.Number, typeof(uint)),
                    (8, true) => (ScalarType.Int64, Kind.Number, typeof(long)),
                    (8, false) => (ScalarType.Int64, Kind.Number, typeof(ulong)),
                    _ => null,
                };
            case H5DataTypeClass.FloatingPoint:
                return type.Size switch
                {
                    2 => (ScalarType.Float16, Kind.Number, typeof(Half)),
                    4 => (ScalarType.Float32, Kind.Number, typeof(float)),
                    8 => (ScalarType.Float64, Kind.Number, typeof(double)),
                    _ => null,
                };
            // As h5py stores truth values.
            case H5DataTypeClass.Enumerated when type.Size == 1:
                return type.Enumeration.GetMembers<sbyte>().Keys.Order(StringComparer.Ordinal).SequenceEqual(["FALSE", "TRUE"])
                    ? (ScalarType.Bool, Kind.Boolean, typeof(byte)) : null;
            case H5DataTypeClass.Compound when type.Compound?.Members is [var real, var imaginary]
                && real.Name.StartsWith('r') && imaginary.Name.StartsWith('i') && real.Offset == 0
                && real.Type.Class == H5DataTypeClass.FloatingPoint && imaginary.Type.Class == H5DataTypeClass.FloatingPoint
                && real.Type.Size == imaginary.Type.Size && imaginary.Offset == real.Type.Size && type.Size == 2 * real.Type.Size:
                return real.Type.Size switch
                {
                    4 => (ScalarType.ComplexFloat32, Kind.Complex, typeof(Pair<float>)),
                    8 => (ScalarType.ComplexFloat64, Kind.Complex, typeof(Pair<double>)),
                    _ => null,
                };
            default:
                return null;
        }
    }

    private protected override Tensor ReadCore(ArrayInfo array, (long First, long Count)? rows)
    {
        var stored = _stored[array.Name];
        var (first, count) = rows ?? (0, array.Rows);
        if (stored.EmptyShape is { } shape) return empty([.. shape.Select((s, i) => i == 0 ? count : s)], array.Dtype);
        var sizes = Array.ConvertAll(stored.Sizes, s => (long)s);
        var starts = new long[sizes.Length];
        if (sizes.Length > 0)
        {
            var axis = _isMatlab ? sizes.Length - 1 : 0;
            (starts[axis], sizes[axis]) = (first, count);
        }
        var result = empty(sizes, array.Dtype);
        if (result.numel() > 0)
        {
            // Chunks that several pieces share are unpacked once, as long as they fit.
            var access = new H5DatasetAccess { ChunkCache = new SimpleReadingChunkCache(4096, CacheSize) };
            _stream.Allow(new FileInfo(Path).Length + result.numel() * TensorMemory.ElementSize(array.Dtype));
            ReadBox(stored, access, starts, sizes, TensorMemory.Pointer(result), TensorMemory.ElementSize(array.Dtype), array.Name);
        }
        GC.KeepAlive(result);
        if (!_isMatlab || sizes.Length < 2) return result;
        return result.permute([.. Enumerable.Range(0, sizes.Length).Select(i => (long)(sizes.Length - 1 - i))]).contiguous();
    }

    private byte* ReadBox(Stored stored, H5DatasetAccess access, long[] starts, long[] sizes, byte* to, int elementSize, string name)
    {
        var count = sizes.Aggregate(1L, (a, b) => a * b);
        var axis = Array.FindIndex(sizes, s => s > 1);
        var most = IsConverted(stored.Type) ? ConvertedPieceLength : PieceLength;
        if (count <= most || axis < 0)
        {
            ReadPiece(stored, access, starts, sizes, (int)count, to, name);
            return to + count * elementSize;
        }
        // Boxes along the first axis that is longer than one lie one after the other.
        var (start, size) = (starts[axis], sizes[axis]);
        var step = Math.Max(1, Aligned(stored, axis, most / (count / size)));
        for (var i = 0L; i < size; i += step)
        {
            (starts[axis], sizes[axis]) = (start + i, Math.Min(step, size - i));
            to = ReadBox(stored, access, starts, sizes, to, elementSize, name);
        }
        (starts[axis], sizes[axis]) = (start, size);
        return to;
    }

    // Asking for those of another layout fails.
    private static IReadOnlyList<ulong>? ChunksOf(NativeDataset dataset) =>
        dataset.Layout.Class == H5DataLayoutClass.Chunked ? [.. dataset.Layout.Chunks.Select(c => (ulong)c)] : null;

    private static bool IsConverted(Type type) => type == typeof(ushort) || type == typeof(uint) || type == typeof(ulong);

    // Whole chunks, where some fit.
    private static long Aligned(Stored stored, int axis, long step) =>
        ChunksOf(stored.Dataset) is { } chunks && axis < chunks.Count && (long)chunks[axis] is > 0 and var chunk && chunk <= step
            ? step / chunk * chunk : step;

    private void ReadPiece(Stored stored, H5DatasetAccess access, long[] starts, long[] sizes, int count, byte* to, string name)
    {
        Selection selection = sizes.AsSpan().SequenceEqual(Array.ConvertAll(stored.Sizes, s => (long)s)) ? new AllSelection()
            : new HyperslabSelection(sizes.Length, Array.ConvertAll(starts, s => (ulong)s), Array.ConvertAll(sizes, s => (ulong)s));
        void Plain<T>() where T : unmanaged => Read(new Span<T>(to, count));
        void Wide<TFrom>(Action<TFrom[]> widen) where TFrom : unmanaged
        {
            var buffer = new TFrom[count];
            Read(buffer.AsSpan());
            widen(buffer);
        }
        void Read<T>(Span<T> destination) where T : unmanaged
        {
            try { stored.Dataset.Read(access, destination, selection); }
            catch (Exception e) when (e.Message.StartsWith("Byte order", StringComparison.Ordinal))
            {
                throw Damaged($"'{name}' has the most significant bytes first, which the library for HDF5 doesn't read; write it little-endian", e);
            }
        }
        switch (stored.Type)
        {
            case var t when t == typeof(sbyte): Plain<sbyte>(); break;
            case var t when t == typeof(byte): Plain<byte>(); break;
            case var t when t == typeof(short): Plain<short>(); break;
            case var t when t == typeof(int): Plain<int>(); break;
            case var t when t == typeof(long): Plain<long>(); break;
            case var t when t == typeof(Half): Plain<Half>(); break;
            case var t when t == typeof(float): Plain<float>(); break;
            case var t when t == typeof(double): Plain<double>(); break;
            case var t when t == typeof(Pair<float>): Plain<Pair<float>>(); break;
            case var t when t == typeof(Pair<double>): Plain<Pair<double>>(); break;
            case var t when t == typeof(ushort): Wide<ushort>(values => { for (var i = 0; i < count; i++) ((int*)to)[i] = values[i]; }); break;
            case var t when t == typeof(uint): Wide<uint>(values => { for (var i = 0; i < count; i++) ((long*)to)[i] = values[i]; }); break;
            default:
                Wide<ulong>(values =>
                {
                    for (var i = 0; i < count; i++)
                        ((long*)to)[i] = values[i] <= long.MaxValue ? (long)values[i] : throw Damaged($"'{name}' has a number that int64 can't hold");
                });
                break;
        }
        if (stored.Kind == Kind.Boolean)
            for (var i = 0; i < count; i++) to[i] = to[i] == 0 ? (byte)0 : (byte)1;
    }

    // A complex number as it lies in memory.
    private readonly record struct Pair<T>(T Real, T Imaginary);

    /// <summary>A file that ends the work of a library that reads it without end: damaged structures may lead in circles.</summary>
    private sealed class PatientStream(FileStream file) : Stream
    {
        private const long Patience = 64;

        private long _left;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => Seek(value, SeekOrigin.Begin); }

        /// <summary>How many bytes are to be read until the next call, many times over.</summary>
        public void Allow(long length) => _left = (length + (1 << 16)) * Patience;

        public override int Read(Span<byte> buffer)
        {
            // Each call counts, even of nothing.
            if ((_left -= buffer.Length + 8) < 0) throw new InvalidDataException("its structure leads in a circle");
            return file.Read(buffer);
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin)
        {
            var position = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => file.Position + offset, _ => file.Length + offset };
            return position >= 0 && position <= file.Length ? file.Position = position
                : throw new InvalidDataException($"it refers to byte {position} of {file.Length}");
        }

        public override void Flush() { }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
