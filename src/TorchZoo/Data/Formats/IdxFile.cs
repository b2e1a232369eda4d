using System.Buffers.Binary;
using System.IO.Compression;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>
/// IDX files, the format of MNIST: one array of numbers of any rank. Two zero bytes, a byte for the type of the elements, one for the
/// number of dimensions, each dimension in four bytes, then the elements, all with the most significant byte first.
/// </summary>
public static class IdxFile
{
    // What libtorch's iterators over strided tensors allow.
    private const int MaximumRank = 64;
    private const int PieceSize = 1 << 18;

    /// <summary>Reads a file, compressed with gzip or not: its content decides, not its name.</summary>
    /// <param name="path">The file.</param>
    /// <returns>On the CPU; uint8, int8, int16, int32, float32 or float64, as the file says.</returns>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is no such file, or its length isn't what its header says. Memory is only asked for where
    /// a file of this length can fill it.</exception>
    public static Tensor Load(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var stream = File.OpenRead(path);
        return Load(stream, path);
    }

    /// <inheritdoc cref="Load(string)"/>
    /// <param name="stream">The file's bytes, from here to the end; it can seek, and stays open.</param>
    /// <param name="name">What messages call it.</param>
    public static Tensor Load(Stream stream, string name = "the IDX file")
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanSeek) throw new ArgumentException("Expected a stream that can seek", nameof(stream));
        var length = stream.Length - stream.Position;
        try
        {
            using var unzipped = GzipContent.Unzip(stream);
            return Read(unzipped ?? stream, unzipped is null ? length : GzipContent.MaximumLength(length), name);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException($"{name}: the file ends early", e);
        }
        catch (InvalidDataException e) when (!e.Message.StartsWith(name, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{name}: damaged gzip data. {e.Message}", e);
        }
    }

    /// <summary>Writes a file, whole or not at all.</summary>
    /// <param name="path">The file; it is compressed where its name ends in <c>.gz</c>.</param>
    /// <param name="tensor">Of one of the format's types, see <see cref="Load(string)"/>, on any device and of any strides.</param>
    /// <exception cref="ArgumentException">Another type, or a shape that the header can't hold.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(string path, Tensor tensor)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(tensor);
        var type = tensor.dtype switch
        {
            ScalarType.Byte => 0x08,
            ScalarType.Int8 => 0x09,
            ScalarType.Int16 => 0x0B,
            ScalarType.Int32 => 0x0C,
            ScalarType.Float32 => 0x0D,
            ScalarType.Float64 => 0x0E,
            _ => throw new ArgumentException($"Expected uint8, int8, int16, int32, float32 or float64, got {tensor.dtype}", nameof(tensor)),
        };
        var shape = tensor.shape;
        if (shape.Length > MaximumRank || shape.Any(d => d > uint.MaxValue))
            throw new ArgumentException(
                $"Expected at most {MaximumRank} dimensions below 2³², got ({string.Join(", ", shape)})", nameof(tensor));
        var header = new byte[4 + 4 * shape.Length];
        (header[2], header[3]) = ((byte)type, (byte)shape.Length);
        for (var i = 0; i < shape.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4 + 4 * i), (uint)shape[i]);

        using var plain = TensorMemory.Plain(tensor);
        AtomicFile.Write(path, file =>
        {
            using var zipped = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)
                ? new GZipStream(file, CompressionLevel.Optimal, leaveOpen: true) : null;
            var stream = zipped ?? file;
            stream.Write(header);
            WriteElements(stream, plain);
        });
    }

    private static Tensor Read(Stream content, Int128 available, string name)
    {
        Span<byte> start = stackalloc byte[4];
        content.ReadExactly(start);
        if (start[0] != 0 || start[1] != 0)
            throw new InvalidDataException($"{name}: this is no IDX file, it begins with the bytes {Convert.ToHexString(start)}");
        var (dtype, rank) = (TypeOf(start[2], name), start[3]);
        if (rank > MaximumRank)
            throw new InvalidDataException($"{name}: expected at most {MaximumRank} dimensions, the header says {rank}");
        Span<byte> sizes = stackalloc byte[4 * rank];
        content.ReadExactly(sizes);
        var shape = new long[rank];
        // Zeros don't count: libtorch multiplies the others for its strides.
        Int128 span = TensorMemory.ElementSize(dtype);
        for (var i = 0; i < rank; i++)
        {
            shape[i] = BinaryPrimitives.ReadUInt32BigEndian(sizes[(4 * i)..]);
            span *= Math.Max(1, shape[i]);
            if (span > long.MaxValue)
                throw new InvalidDataException($"{name}: too large, the header says ({string.Join(", ", shape)}, …)");
        }
        var length = shape.Contains(0) ? 0 : (long)span;
        if (start.Length + sizes.Length + length > available)
            throw new InvalidDataException(
                $"{name}: the file ends early; its header says ({string.Join(", ", shape)}), which are {length} bytes");

        using var scope = NewDisposeScope();
        var result = empty(shape, dtype);
        ReadElements(content, result);
        if (content.ReadByte() >= 0)
            throw new InvalidDataException($"{name}: there are bytes after the ({string.Join(", ", shape)}) elements");
        return result.MoveToOuterDisposeScope();
    }

    private static ScalarType TypeOf(byte code, string name) => code switch
    {
        0x08 => ScalarType.Byte,
        0x09 => ScalarType.Int8,
        0x0B => ScalarType.Int16,
        0x0C => ScalarType.Int32,
        0x0D => ScalarType.Float32,
        0x0E => ScalarType.Float64,
        _ => throw new InvalidDataException($"{name}: unknown type of elements 0x{code:X2}"),
    };

    private static unsafe void ReadElements(Stream content, Tensor tensor)
    {
        var size = TensorMemory.ElementSize(tensor.dtype);
        var pointer = TensorMemory.Pointer(tensor);
        var length = tensor.numel() * size;
        for (long done = 0; done < length; done += PieceSize)
        {
            var piece = new Span<byte>(pointer + done, (int)Math.Min(PieceSize, length - done));
            content.ReadExactly(piece);
            if (BitConverter.IsLittleEndian) ByteOrder.Reverse(piece, size);
        }
        GC.KeepAlive(tensor);
    }

    private static unsafe void WriteElements(Stream stream, Tensor tensor)
    {
        var size = TensorMemory.ElementSize(tensor.dtype);
        var pointer = TensorMemory.Pointer(tensor);
        var length = tensor.numel() * size;
        var buffer = new byte[Math.Min(PieceSize, length)];
        for (long done = 0; done < length; done += PieceSize)
        {
            var piece = new ReadOnlySpan<byte>(pointer + done, (int)Math.Min(PieceSize, length - done));
            var swapped = buffer.AsSpan(0, piece.Length);
            piece.CopyTo(swapped);
            if (BitConverter.IsLittleEndian) ByteOrder.Reverse(swapped, size);
            stream.Write(swapped);
        }
        GC.KeepAlive(tensor);
    }
}
