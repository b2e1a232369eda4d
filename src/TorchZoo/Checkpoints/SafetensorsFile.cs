using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using TorchZoo.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>Files of the safetensors format: named tensors and strings, nothing else.</summary>
public static class SafetensorsFile
{
    // The format pads its header to 8 bytes with spaces; 64 lets every tensor be mapped into memory with the alignment of libtorch's own.
    private const int Alignment = 64;

    /// <summary>Reads a file's header, and verifies that the tensors it describes cover the data of the file exactly.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">The file is damaged or hostile.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SafetensorsHeader ReadHeader(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var file = File.OpenHandle(path);
        return ReadHeader(file, path);
    }

    /// <summary>Reads the tensors of a file, or of the files that an index lists.</summary>
    /// <param name="path">The file, or the index of a sharded one (<c>….index.json</c>).</param>
    /// <param name="device">Where the tensors go; null: the CPU.</param>
    /// <param name="memoryMap">On the CPU: maps the data into memory instead of reading them, so that pages are read when they are used.
    /// What is written to the tensors stays in memory; the file must not change or shrink while one of them is in use.</param>
    /// <returns>The tensors, in the order of the header or the index. They belong to the caller, or to the dispose scope that is
    /// open.</returns>
    /// <exception cref="InvalidDataException">A file is damaged or hostile, or doesn't hold what the index says.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static Dictionary<string, Tensor> Load(string path, Device? device = null, bool memoryMap = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var scope = NewDisposeScope();
        var tensors = IsIndex(path)
            ? LoadShards(path, device, memoryMap)
            : LoadOne(path, device, memoryMap);
        foreach (var tensor in tensors.Values) tensor.MoveToOuterDisposeScope();
        return tensors;
    }

    /// <summary>Writes tensors to a file, atomically.</summary>
    /// <param name="path">The file; one of this name is replaced.</param>
    /// <param name="tensors">The tensors, of any device and strides. Each is written as its own contiguous copy: views don't stay
    /// shared.</param>
    /// <param name="metadata">Strings to store with them.</param>
    /// <exception cref="ArgumentException">A tensor's dtype is none of the format (complex128; store it as <c>view_as_real</c>), or a
    /// tensor is named <c>__metadata__</c>.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(tensors);
        Check(tensors);
        // Wide elements first: then each tensor begins at a multiple of its element's size and can be mapped into memory.
        var order = tensors.OrderByDescending(t => TensorMemory.ElementSize(t.Value.dtype)).ToArray();
        var header = Header(tensors, order, metadata);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (var (_, tensor) in order) Write(stream, tensor);
        });
    }

    /// <summary>Writes tensors to several files of limited size, and an index of them.</summary>
    /// <param name="indexPath">The index, <c>NAME.safetensors.index.json</c>; the others go beside it as
    /// <c>NAME-00001-of-00003.safetensors</c> and so on. It is written last; an interruption before leaves an older index as it was, but
    /// perhaps newer files beside it.</param>
    /// <param name="tensors">See <see cref="Save"/>.</param>
    /// <param name="maxShardBytes">Bytes of tensors in a file; a larger tensor has a file of its own.</param>
    /// <param name="metadata">Strings to store in each file.</param>
    /// <exception cref="ArgumentException">The path does not end in <c>.safetensors.index.json</c>; and see <see cref="Save"/>.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static void SaveSharded(
        string indexPath, IReadOnlyDictionary<string, Tensor> tensors, long maxShardBytes,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(indexPath);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxShardBytes);
        var file = Path.GetFileName(indexPath);
        if (!file.EndsWith(ShardIndex.Extension, StringComparison.Ordinal) || file.Length == ShardIndex.Extension.Length)
            throw new ArgumentException($"An index is named NAME{ShardIndex.Extension}, not '{file}'.", nameof(indexPath));
        Check(tensors);
        var shards = new List<Dictionary<string, Tensor>>();
        var room = 0L;
        foreach (var (name, tensor) in tensors)
        {
            var bytes = BytesOf(tensor);
            if (shards.Count == 0 || bytes > room && shards[^1].Count > 0)
            {
                shards.Add([]);
                room = maxShardBytes;
            }
            shards[^1].Add(name, tensor);
            room -= bytes;
        }
        var index = new ShardIndex(indexPath);
        for (var i = 0; i < shards.Count; i++) Save(index.PathOf(ShardIndex.ShardName(indexPath, i, shards.Count)), shards[i], metadata);
        index.Write(shards, tensors.Values.Sum(BytesOf));
    }

    /// <summary>Whether a path names a file of this format, or an index of such files.</summary>
    public static bool IsNamed(string path) => path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || IsIndex(path);

    /// <summary>The strings of a file, or of the first of those that an index lists.</summary>
    internal static IReadOnlyDictionary<string, string> MetadataOf(string path)
    {
        if (!IsIndex(path)) return ReadHeader(path).Metadata;
        var index = new ShardIndex(path);
        return index.Read().Values.FirstOrDefault() is { } shard ? ReadHeader(index.PathOf(shard)).Metadata : new Dictionary<string, string>();
    }

    private static bool IsIndex(string path) => path.EndsWith(ShardIndex.Extension, StringComparison.OrdinalIgnoreCase);

    private static Dictionary<string, Tensor> LoadShards(string path, Device? device, bool memoryMap)
    {
        var index = new ShardIndex(path);
        var map = index.Read();
        var tensors = new Dictionary<string, Tensor>();
        foreach (var shard in map.GroupBy(entry => entry.Value, entry => entry.Key))
        {
            var loaded = LoadOne(index.PathOf(shard.Key), device, memoryMap);
            var different = loaded.Keys.Except(shard).Concat(shard.Except(loaded.Keys)).Take(10).ToList();
            if (different.Count > 0)
                throw new InvalidDataException($"{shard.Key} holds other tensors than {path} says: {string.Join(", ", different)}");
            foreach (var (name, tensor) in loaded) tensors.Add(name, tensor);
        }
        return map.Keys.ToDictionary(name => name, name => tensors[name]);
    }

    private static Dictionary<string, Tensor> LoadOne(string path, Device? device, bool memoryMap)
    {
        using var file = File.OpenHandle(path);
        var header = ReadHeader(file, path);
        var onCpu = device is null || device.type == DeviceType.CPU;
        var mapped = new MappedFile(path, RandomAccess.GetLength(file));
        var tensors = new Dictionary<string, Tensor>(header.Tensors.Count);
        var unread = new List<(Tensor Tensor, SafetensorsEntry Entry)>();
        foreach (var entry in header.Tensors)
        {
            long[] shape = [.. entry.Shape];
            if (memoryMap && onCpu && entry.Length > 0 && mapped.At(entry.Position, entry.Dtype) is { } mapping)
            {
                var first = entry.Position / TensorMemory.ElementSize(entry.Dtype);
                tensors.Add(entry.Name, mapping.narrow(0, first, entry.Length / TensorMemory.ElementSize(entry.Dtype)).view(shape));
                continue;
            }
            tensors.Add(entry.Name, empty(shape, entry.Dtype, CPU));
            unread.Add((tensors[entry.Name], entry));
        }
        // From front to back, as disks like it.
        try { ParallelWork.ForEach([.. unread.OrderBy(t => t.Entry.Position)], unread.Sum(t => t.Entry.Length), Read); }
        catch (EndOfStreamException e) { throw new InvalidDataException($"{path}: {e.Message}", e); }
        return onCpu ? tensors : tensors.ToDictionary(t => t.Key, t => t.Value.to(device!, disposeAfter: true));

        unsafe void Read((Tensor Tensor, SafetensorsEntry Entry) item) =>
            TensorMemory.Read(file, item.Entry.Position, TensorMemory.Pointer(item.Tensor), item.Entry.Length);
    }

    private static void Check(IReadOnlyDictionary<string, Tensor> tensors)
    {
        foreach (var (name, tensor) in tensors)
        {
            if (name == "__metadata__")
                throw new ArgumentException("A tensor cannot be named __metadata__; the format uses that name.", nameof(tensors));
            if (SafetensorsDtypes.NameOf(tensor.dtype) is null)
                throw new ArgumentException($"'{name}' is {tensor.dtype}, which safetensors files cannot hold.", nameof(tensors));
        }
    }

    private static long BytesOf(Tensor tensor) => tensor.numel() * TensorMemory.ElementSize(tensor.dtype);

    private static byte[] Header(
        IReadOnlyDictionary<string, Tensor> tensors, KeyValuePair<string, Tensor>[] order, IReadOnlyDictionary<string, string>? metadata)
    {
        var begins = new Dictionary<string, long>();
        var end = 0L;
        foreach (var (name, tensor) in order)
        {
            begins.Add(name, end);
            end += BytesOf(tensor);
        }
        var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[8]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject("__metadata__");
                foreach (var (name, value) in metadata) json.WriteString(name, value);
                json.WriteEndObject();
            }
            foreach (var (name, tensor) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", SafetensorsDtypes.NameOf(tensor.dtype));
                json.WriteStartArray("shape");
                foreach (var size in tensor.shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(begins[name]);
                json.WriteNumberValue(begins[name] + BytesOf(tensor));
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % Alignment != 0) buffer.WriteByte((byte)' ');
        var bytes = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, bytes.Length - 8);
        return bytes;
    }

    private static unsafe void Write(Stream stream, Tensor tensor)
    {
        using var plain = TensorMemory.Plain(tensor);
        TensorMemory.Write(stream, TensorMemory.Pointer(plain), BytesOf(plain));
    }

    private static SafetensorsHeader ReadHeader(SafeFileHandle file, string path)
    {
        try { return HeaderReader.Read(file); }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new InvalidDataException($"{path} is no valid safetensors file: {e.Message}", e);
        }
    }
}
