using Microsoft.Win32.SafeHandles;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// NumPy's files of one array (<c>.npy</c>, versions 1.0 to 3.0): truth values, integers, reals and complex numbers, and records of named
/// columns, of either byte order and order of axes. Objects (pickles), texts and dates are refused.
/// </summary>
/// <remarks>
/// Types become their tensor's; libtorch computes with no unsigned integers but bytes, so that uint16 becomes int32 and uint32 and uint64
/// become int64.
/// </remarks>
public sealed class NpyFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly NpyContent _content;

    private NpyFile(string path)
    {
        _file = File.OpenHandle(path);
        try
        {
            _content = new NpyContent((destination, position) => TensorMemory.ReadExactly(_file, destination, position),
                RandomAccess.GetLength(_file), path);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Sizes along the axes.</summary>
    public IReadOnlyList<long> Shape => _content.Header.Shape;

    /// <summary>The type that its numbers are read as; null: there are columns, each of its own.</summary>
    public ScalarType? Dtype => _content.Header.HasColumns ? null : _content.Header.Fields[0].Element.Dtype;

    /// <summary>The names of the columns of an array of records; none: it is one of numbers.</summary>
    public IReadOnlyList<string> Columns => _content.Header.HasColumns ? [.. _content.Header.Fields.Select(f => f.Name)] : [];

    /// <summary>The columns of an array of records: names, types, and their axes within a record.</summary>
    internal IEnumerable<(string Name, ScalarType Dtype, long[] Shape)> ColumnTypes =>
        _content.Header.HasColumns ? _content.Header.Fields.Select(f => (f.Name, f.Element.Dtype, f.Shape)) : [];

    /// <summary>Opens a file to read parts of it. Only its header is read.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is no such file, is damaged, or holds what no tensor can.</exception>
    public static NpyFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return new NpyFile(path);
    }

    /// <summary>Reads an array of numbers.</summary>
    /// <returns>On the CPU; what is in Fortran's order in the file has its strides.</returns>
    /// <inheritdoc cref="Open"/>
    public static Tensor Load(string path)
    {
        using var file = Open(path);
        return file.Read();
    }

    /// <summary>Reads an array of records.</summary>
    /// <returns>Its columns by name; a column that is an array in each record has its axes behind those of the file.</returns>
    /// <inheritdoc cref="Open"/>
    public static Dictionary<string, Tensor> LoadColumns(string path)
    {
        using var file = Open(path);
        return file.ReadColumns();
    }

    /// <summary>Writes an array, whole or not at all; with Fortran's strides it is written in that order, as NumPy does.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="tensor">On any device and of any strides.</param>
    /// <exception cref="ArgumentException">NumPy has no such type (bfloat16).</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(string path, Tensor tensor)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(tensor);
        AtomicFile.Write(path, stream => NpyWriter.Write(stream, tensor, nameof(tensor)));
    }

    /// <summary>Writes an array of records, whole or not at all.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="columns">One-dimensional, of the same length.</param>
    /// <exception cref="ArgumentException">There are none, they have other shapes, or NumPy has no such type.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void SaveColumns(string path, IReadOnlyDictionary<string, Tensor> columns)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(columns);
        AtomicFile.Write(path, stream => NpyWriter.WriteColumns(stream, columns, nameof(columns)));
    }

    /// <summary>Reads all numbers.</summary>
    /// <exception cref="InvalidDataException">There are columns, or a number that doesn't fit; the file was changed.</exception>
    public Tensor Read() => _content.Array(null);

    /// <summary>Reads some rows, and nothing else, of an array of numbers.</summary>
    /// <param name="firstRow">The first, along the first axis.</param>
    /// <param name="count">How many.</param>
    /// <returns>(<paramref name="count"/>, …)</returns>
    /// <exception cref="ArgumentException">There are no such rows.</exception>
    /// <inheritdoc cref="Read()"/>
    public Tensor Read(long firstRow, long count) => _content.Array((firstRow, count));

    /// <summary>Reads all columns, by name.</summary>
    /// <exception cref="InvalidDataException">There are no columns, or a number that doesn't fit; the file was changed.</exception>
    public Dictionary<string, Tensor> ReadColumns() => _content.Columns(null);

    /// <summary>Reads some rows of all columns, by name.</summary>
    /// <param name="firstRow">The first, along the first axis.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentException">There are no such rows.</exception>
    /// <inheritdoc cref="ReadColumns()"/>
    public Dictionary<string, Tensor> ReadColumns(long firstRow, long count) => _content.Columns((firstRow, count));

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();
}
