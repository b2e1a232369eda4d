using System.IO.Compression;
using Microsoft.Win32.SafeHandles;
using TorchZoo.Checkpoints;
using TorchZoo.Checkpoints.PyTorch;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// NumPy's archives of named arrays (<c>.npz</c>), stored or deflated. Their headers are verified when they are opened, lengths and
/// checksums when an array is read.
/// </summary>
public sealed unsafe class NpzFile : IDisposable
{
    private const string Extension = ".npy";

    // No deflate stream grows more when it is unpacked: 258 bytes out of two bits. Event frames, mostly zeros, come close.
    private const double MaximumRatio = 1032;

    private const int StartLength = 16;

    private static readonly DateTimeOffset FirstDay = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly ZipArchiveReader _archive;

    private NpzFile(string path)
    {
        _path = path;
        _file = File.OpenHandle(path);
        try
        {
            _archive = new ZipArchiveReader(_file, PyTorchLoadLimits.Default with { MaxExpansionRatio = MaximumRatio });
            Names = [.. _archive.Entries.Where(e => e.Name.EndsWith(Extension, StringComparison.Ordinal))
                .Select(e => e.Name[..^Extension.Length])];
        }
        catch (Exception e)
        {
            _file.Dispose();
            if (e is InvalidDataException or EndOfStreamException) throw new InvalidDataException($"{path}: {e.Message}", e);
            throw;
        }
    }

    /// <summary>The arrays' names, in the file's order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Opens an archive. Only its headers are read.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is no such file, or damaged.</exception>
    public static NpzFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return new NpzFile(path);
    }

    /// <summary>Reads all arrays.</summary>
    /// <returns>By name, on the CPU; types as <see cref="NpyFile"/> says.</returns>
    /// <exception cref="InvalidDataException">It is no such file, or damaged, or an array has records of named columns.</exception>
    /// <inheritdoc cref="Open"/>
    public static Dictionary<string, Tensor> Load(string path)
    {
        using var file = Open(path);
        using var scope = NewDisposeScope();
        var arrays = file.Names.ToDictionary(n => n, file.Read);
        foreach (var array in arrays.Values) array.MoveToOuterDisposeScope();
        return arrays;
    }

    /// <summary>Writes arrays, all or nothing.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="arrays">By name, on any device and of any strides.</param>
    /// <param name="compress">Whether to deflate them.</param>
    /// <exception cref="ArgumentException">A name can't be a file's, or NumPy has no such type.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> arrays, bool compress = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(arrays);
        foreach (var name in arrays.Keys)
            if (name.Length is 0 or > 1000 || name[0] == '/' || name.Any(c => char.IsControl(c) || c is '\\' or ':')
                || name.Split('/').Contains(".."))
                throw new ArgumentException($"Expected names that can be a file's, got '{name}'", nameof(arrays));
        AtomicFile.Write(path, stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            foreach (var (name, array) in arrays)
            {
                var entry = archive.CreateEntry(name + Extension, compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
                // The same arrays make the same file.
                entry.LastWriteTime = FirstDay;
                using var content = entry.Open();
                NpyWriter.Write(content, array, nameof(arrays));
            }
        });
    }

    /// <summary>Reads an array of numbers.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>See <see cref="NpyFile.Load"/>.</returns>
    /// <exception cref="ArgumentException">There is no such array.</exception>
    /// <exception cref="InvalidDataException">It is damaged, holds what no tensor can, or has columns.</exception>
    public Tensor Read(string name) => With(name, content => content.Array(null));

    /// <summary>Reads some rows of an array of numbers. What is compressed is unpacked from its begin, but not kept; the checksum, which is
    /// of all, isn't verified.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="firstRow">The first, along the first axis.</param>
    /// <param name="count">How many.</param>
    /// <returns>(<paramref name="count"/>, …)</returns>
    /// <exception cref="ArgumentException">There is no such array, or not these rows.</exception>
    /// <inheritdoc cref="Read(string)"/>
    public Tensor Read(string name, long firstRow, long count) => Forwards(name, content => content.Array((firstRow, count)));

    /// <summary>What is said of an array before its numbers.</summary>
    internal NpyHeader Header(string name) => Forwards(name, content => content.Header);

    /// <summary>Reads an array of records.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Its columns by name.</returns>
    /// <exception cref="ArgumentException">There is no such array.</exception>
    /// <exception cref="InvalidDataException">It is damaged, holds what no tensor can, or has no columns.</exception>
    public Dictionary<string, Tensor> ReadColumns(string name) => With(name, content => content.Columns(null));

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private T Forwards<T>(string name, Func<NpyContent, T> use) => Guarded(name, (entry, title) =>
    {
        if (!entry.IsDeflated) return use(ContentOf(entry, title));
        using var inflater = new DeflateStream(new FileSpanStream(_file, entry.Position, entry.CompressedSize), CompressionMode.Decompress);
        // A header is read in two steps that overlap.
        var start = new byte[Math.Min(entry.Size, StartLength)];
        inflater.ReadExactly(start);
        var position = (long)start.Length;
        var skipped = new byte[1 << 16];
        return use(new NpyContent((destination, from) =>
        {
            if (from < start.Length)
            {
                var known = start.AsSpan((int)from);
                known = known[..Math.Min(known.Length, destination.Length)];
                known.CopyTo(destination);
                destination = destination[known.Length..];
                from += known.Length;
            }
            if (destination.IsEmpty) return;
            for (; position < from; position += Math.Min(skipped.Length, from - position))
                inflater.ReadExactly(skipped, 0, (int)Math.Min(skipped.Length, from - position));
            inflater.ReadExactly(destination);
            position += destination.Length;
        }, entry.Size, title));
    });

    private NpyContent ContentOf(ZipEntry entry, string title) => new((destination, position) =>
        TensorMemory.ReadExactly(_file, destination, entry.Position + position), entry.Size, title);

    private T With<T>(string name, Func<NpyContent, T> use) => Guarded(name, (entry, title) =>
    {
        if (!entry.IsDeflated)
        {
            _archive.Read(entry, null);
            return use(ContentOf(entry, title));
        }
        using var bytes = empty([entry.Size], ScalarType.Byte).DetachFromDisposeScope();
        var pointer = TensorMemory.Pointer(bytes);
        _archive.Read(entry, pointer);
        return use(new NpyContent((destination, position) =>
            new ReadOnlySpan<byte>(pointer + position, destination.Length).CopyTo(destination), entry.Size, title));
    });

    private T Guarded<T>(string name, Func<ZipEntry, string, T> use)
    {
        ArgumentNullException.ThrowIfNull(name);
        var entry = _archive.Find(name + Extension)
            ?? throw new ArgumentException($"{_path}: there is no array '{name}', only {string.Join(", ", Names)}", nameof(name));
        var title = $"{_path}, {name}";
        if (entry.Size > (entry.CompressedSize + 1) * MaximumRatio)
            throw new InvalidDataException($"{title}: {entry.CompressedSize} bytes can't be {entry.Size} when decompressed");
        try
        {
            return use(entry, title);
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException
            && !e.Message.StartsWith(_path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{title}: {e.Message}", e);
        }
    }
}
