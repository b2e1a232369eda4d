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

    /// <summary>Reads a file's tensors into new memory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the tensors go; null: the CPU.</param>
    /// <returns>The tensors in the order of the header. They belong to the caller, or to the dispose scope that is open.</returns>
    /// <exception cref="InvalidDataException">The file is damaged or hostile.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Dictionary<string, Tensor> Load(string path, Device? device = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var scope = NewDisposeScope();
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var header = ReadHeader(file, path);
        var tensors = new Dictionary<string, Tensor>(header.Tensors.Count);
        // In the order of the data, so that the disk is read from front to back.
        foreach (var entry in header.Tensors.OrderBy(t => t.Position))
            tensors.Add(entry.Name, Load(file, path, entry, device));
        foreach (var tensor in tensors.Values) tensor.MoveToOuterDisposeScope();
        return header.Tensors.ToDictionary(t => t.Name, t => tensors[t.Name]);
    }

    /// <summary>Writes tensors to a file, atomically.</summary>
    /// <param name="path">The file; one of this name is replaced.</param>
    /// <param name="tensors">The tensors, of any device and strides. Each is written as its own contiguous copy: views don't stay shared.</param>
    /// <param name="metadata">Strings to store with them.</param>
    /// <exception cref="ArgumentException">A tensor's dtype is none of the format (complex128; store it as <c>view_as_real</c>), or a tensor is
    /// named <c>__metadata__</c>.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(tensors);
        foreach (var (name, tensor) in tensors)
        {
            if (name == "__metadata__") throw new ArgumentException("A tensor cannot be named __metadata__; the format uses that name.", nameof(tensors));
            if (SafetensorsDtypes.NameOf(tensor.dtype) is null)
                throw new ArgumentException($"'{name}' is {tensor.dtype}, which safetensors files cannot hold.", nameof(tensors));
        }
        // Wide elements first: then each tensor begins at a multiple of its element's size and can be mapped into memory.
        var order = tensors.OrderByDescending(t => TensorMemory.ElementSize(t.Value.dtype)).ToArray();
        var header = Header(tensors, order, metadata);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (var (_, tensor) in order) Write(stream, tensor);
        });
    }

    private static byte[] Header(
        IReadOnlyDictionary<string, Tensor> tensors, KeyValuePair<string, Tensor>[] order, IReadOnlyDictionary<string, string>? metadata)
    {
        var begins = new Dictionary<string, long>();
        var end = 0L;
        foreach (var (name, tensor) in order)
        {
            begins.Add(name, end);
            end += tensor.numel() * TensorMemory.ElementSize(tensor.dtype);
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
                json.WriteNumberValue(begins[name] + tensor.numel() * TensorMemory.ElementSize(tensor.dtype));
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
        TensorMemory.Write(stream, TensorMemory.Pointer(plain), plain.numel() * TensorMemory.ElementSize(plain.dtype));
    }

    private static unsafe Tensor Load(SafeFileHandle file, string path, SafetensorsEntry entry, Device? device)
    {
        var tensor = empty([.. entry.Shape], entry.Dtype, CPU);
        try { TensorMemory.Read(file, entry.Position, TensorMemory.Pointer(tensor), entry.Length); }
        catch (EndOfStreamException e) { throw new InvalidDataException($"{path}: {e.Message}", e); }
        return device is null || device.type == DeviceType.CPU ? tensor : tensor.to(device, disposeAfter: true);
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
