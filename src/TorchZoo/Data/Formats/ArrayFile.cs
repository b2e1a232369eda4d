using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// A file of named arrays, whatever its format: MATLAB (Level 5 and 7.3), HDF5, NumPy (<c>.npy</c>, <c>.npz</c>), Parquet, text tables (CSV)
/// and safetensors. Opening reads what describes the arrays; their numbers are read whole or in ranges of rows, so that a file may be larger
/// than memory.
/// </summary>
/// <remarks>
/// <para>Names: <c>u</c>; HDF5: <c>group/u</c>; MATLAB: <c>s.field</c> of a structure, <c>c[0]</c> of a cell array, <c>s[1].field</c> of an
/// array of structures, numbered from 0, first axis fastest; Parquet and CSV: the columns' names; <c>.npy</c>: <c>array</c>.</para>
/// <para>Shapes are those that the tool shows in which the file was written. Types that libtorch doesn't compute with become wider: uint16
/// int32, uint32 and uint64 int64.</para>
/// <para>Rows lie together in NumPy's files, HDF5, Parquet and CSV. In MATLAB's they are scattered: a range of a Level 5 file is a pass over
/// the array, of bounded memory. A file is used by one thread at a time.</para>
/// </remarks>
public abstract class ArrayFile : IDisposable
{
    // No format here grows more when unpacked, except by repeating one value; beyond it a small file may still make an array of this size.
    private const long MaximumRatio = 1032, FreeSize = 64 << 20;

    private readonly Dictionary<string, ArrayInfo> _byName = new(StringComparer.Ordinal);
    private readonly List<ArrayInfo> _arrays = [];
    private readonly Dictionary<string, string> _others = new(StringComparer.Ordinal), _texts = new(StringComparer.Ordinal);

    private protected ArrayFile(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its arrays, in the file's order.</summary>
    public IReadOnlyList<ArrayInfo> Arrays => _arrays;

    /// <summary>What else it holds, by name, and why that can't be read as numbers, e.g. <c>a sparse matrix</c>.</summary>
    public IReadOnlyDictionary<string, string> Others => _others;

    /// <summary>Its short texts, by name: MATLAB's rows of characters, HDF5's single strings.</summary>
    public IReadOnlyDictionary<string, string> Texts => _texts;

    /// <summary>Bytes that no array of a file of this length can have.</summary>
    private protected virtual long MaximumArraySize => (long)Int128.Min(long.MaxValue / 4, (Int128)new FileInfo(Path).Length * MaximumRatio + FreeSize);

    /// <summary>Opens a file of any of the formats: its content decides, for text tables and safetensors its name.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is none of these, or damaged.</exception>
    public static ArrayFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        Span<byte> start = stackalloc byte[520];
        int count;
        using (var handle = File.OpenHandle(path)) count = RandomAccess.Read(handle, start, 0);
        start = start[..count];
        if (start is [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..]) return new NpyArrays(path);
        if (start.StartsWith("PAR1"u8)) return new ParquetFile(path);
        if (Hdf5File.IsAt(start, 0)) return new Hdf5File(path, isMatlab: false);
        if (Hdf5File.IsAt(start, Hdf5File.UserBlock)) return new Hdf5File(path, isMatlab: start.StartsWith("MATLAB"u8));
        if (MatFile.IsAt(start)) return new MatFile(path);
        if (start.StartsWith("PK\x03\x04"u8) || start.StartsWith("PK\x05\x06"u8)) return new NpzArrays(path);
        if (SafetensorsFile.IsNamed(path)) return new SafetensorsArrays(path);
        return System.IO.Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".csv" or ".tsv" or ".txt" or ".dat" => CsvFile.Open(path),
            var extension => throw new InvalidDataException(
                $"{path}: expected a file of MATLAB, HDF5, NumPy, Parquet, safetensors or CSV; this is none, "
                + $"it begins with the bytes {Convert.ToHexString(start[..Math.Min(8, count)])} and its name ends in '{extension}'"),
        };
    }

    /// <summary>Whether there is an array of this name.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>An array's type and shape.</summary>
    /// <exception cref="ArgumentException">There is no such array; the message says which there are.</exception>
    public ArrayInfo this[string name]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(name);
            if (_byName.TryGetValue(name, out var info)) return info;
            throw new ArgumentException(_texts.ContainsKey(name) ? $"{Path}: '{name}' is a text, no array of numbers"
                : _others.TryGetValue(name, out var what) ? $"{Path}: '{name}' can't be read as an array of numbers: it is {what}"
                : $"{Path}: there is no array '{name}'. {Describe()}", nameof(name));
        }
    }

    /// <summary>Reads an array.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Contiguous, on the CPU; it belongs to the caller, or to the dispose scope that is open.</returns>
    /// <exception cref="ArgumentException">There is no such array.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or a number doesn't fit its type.</exception>
    public Tensor Read(string name) => Guarded(this[name], null);

    /// <summary>Reads some rows of an array, without reading all of it into memory.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="first">The first row, from 0.</param>
    /// <param name="count">How many.</param>
    /// <returns>(<paramref name="count"/>, …)</returns>
    /// <exception cref="ArgumentException">There is no such array, it has no rows, or not these.</exception>
    /// <inheritdoc cref="Read(string)"/>
    public Tensor Read(string name, long first, long count)
    {
        var info = this[name];
        if (info.Shape.Count == 0) throw new ArgumentException($"{Path}: '{name}' is a single number; it has no rows", nameof(name));
        if (first < 0 || first > info.Rows) throw new ArgumentOutOfRangeException(nameof(first), first, $"'{name}' has {info.Rows} rows");
        if (count < 0 || count > info.Rows - first)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"'{name}' has {info.Rows - first} rows from {first} on");
        return Guarded(info, (first, count));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    private protected abstract void Dispose(bool disposing);

    /// <summary>Reads an array, or rows of it. What is thrown because of damage is made one kind of exception by the caller.</summary>
    private protected abstract Tensor ReadCore(ArrayInfo array, (long First, long Count)? rows);

    private protected void Add(ArrayInfo array)
    {
        Int128 span = TensorMemory.ElementSize(array.Dtype);
        foreach (var size in array.Shape)
        {
            if (size < 0) throw Damaged($"'{array.Name}' has a negative size");
            // Zeros don't count: libtorch multiplies the others for its strides.
            span *= Math.Max(1, size);
            if (span > MaximumArraySize)
                throw Damaged($"'{array.Name}' claims the shape ({string.Join(", ", array.Shape)}), which is more than this file can hold");
        }
        if (array.Shape.Count > 64) throw Damaged($"'{array.Name}' has {array.Shape.Count} axes");
        if (_arrays.Count >= 100_000) throw Damaged("there are more than 100 000 arrays");
        if (!_byName.TryAdd(array.Name, array)) throw Damaged($"two arrays are called '{array.Name}'");
        _arrays.Add(array);
    }

    private protected void AddOther(string name, string what)
    {
        if (_others.Count >= 100_000) throw Damaged("there are more than 100 000 objects");
        _others.TryAdd(name, what);
    }

    private protected void AddText(string name, string text)
    {
        if (_texts.Count >= 100_000) throw Damaged("there are more than 100 000 texts");
        _texts.TryAdd(name, text);
    }

    private protected InvalidDataException Damaged(string reason, Exception? inner = null) => new($"{Path}: {reason}", inner);

    /// <summary>Runs code of a library, or of a reader, on bytes that may be anything.</summary>
    private protected T Guard<T>(string doing, Func<T> action)
    {
        try { return action(); }
        catch (Exception e) when (e is InvalidDataException && e.Message.StartsWith(Path, StringComparison.Ordinal)) { throw; }
        catch (EndOfStreamException e) { throw Damaged($"the file ends early, {doing}", e); }
        catch (Exception e) when (e is not (IOException or UnauthorizedAccessException or ObjectDisposedException or DllNotFoundException))
        {
            throw Damaged($"damaged or not understood, {doing}: {e.Message}", e);
        }
    }

    private Tensor Guarded(ArrayInfo array, (long First, long Count)? rows)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        return Guard($"reading '{array.Name}'", () => ReadCore(array, rows)).MoveToOuterDisposeScope();
    }

    private string Describe() => _arrays.Count == 0 ? "It has none."
        : $"It has {string.Join(", ", _arrays.Take(20).Select(a => $"{a.Name} ({string.Join(", ", a.Shape)})"))}{(_arrays.Count > 20 ? ", …" : "")}.";
}
