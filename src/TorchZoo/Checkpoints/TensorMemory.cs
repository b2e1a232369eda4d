using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>The bytes of tensors: straight between files and libtorch's memory, without a copy in between and of any length.</summary>
internal static unsafe partial class TensorMemory
{
    // Long enough that a system call costs little, short enough that a checksum finds the chunk in the second-level cache.
    private const int ChunkSize = 128 << 10;
    private const int WriteSize = 1 << 20;

    /// <summary>Bytes of one element.</summary>
    public static int ElementSize(ScalarType dtype) => dtype switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool or ScalarType.QInt8 or ScalarType.QUInt8 => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 or ScalarType.QInt32 => 4,
        ScalarType.Int64 or ScalarType.Float64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.ComplexFloat64 => 16,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    /// <summary>
    /// The first element of a CPU tensor of any strides; null if it has no elements. Keep the tensor alive while it is used.
    /// </summary>
    public static byte* Pointer(Tensor tensor) => tensor.device_type == DeviceType.CPU ? (byte*)Address(tensor)
        : throw new ArgumentException($"the memory of a tensor on {tensor.device} is out of reach", nameof(tensor));

    /// <summary>The address of the first element of a tensor of any strides on its device; 0 if it has no elements.</summary>
    public static nint Address(Tensor tensor)
    {
        if (tensor.numel() == 0) return 0;
        var address = DataPointer(tensor.Handle);
        GC.KeepAlive(tensor);
        return address;
    }

    /// <summary>Fills memory from a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="position">Where the bytes begin in it.</param>
    /// <param name="destination">Where they go.</param>
    /// <param name="length">How many.</param>
    /// <param name="seen">Is shown each piece after it was read, in order.</param>
    /// <exception cref="EndOfStreamException">The file is shorter.</exception>
    public static void Read(SafeFileHandle file, long position, byte* destination, long length, Action<ReadOnlySpan<byte>>? seen = null)
    {
        while (length > 0)
        {
            var chunk = new Span<byte>(destination, (int)Math.Min(length, ChunkSize));
            ReadExactly(file, chunk, position);
            seen?.Invoke(chunk);
            destination += chunk.Length;
            position += chunk.Length;
            length -= chunk.Length;
        }
    }

    /// <summary>Reads through a part of a file without keeping it.</summary>
    /// <exception cref="EndOfStreamException">The file is shorter.</exception>
    public static void Scan(SafeFileHandle file, long position, long length, Action<ReadOnlySpan<byte>> seen)
    {
        var buffer = new byte[Math.Min(length, ChunkSize)];
        while (length > 0)
        {
            var chunk = buffer.AsSpan(0, (int)Math.Min(length, buffer.Length));
            ReadExactly(file, chunk, position);
            seen(chunk);
            position += chunk.Length;
            length -= chunk.Length;
        }
    }

    /// <summary>Fills a span from a file.</summary>
    /// <exception cref="EndOfStreamException">The file is shorter.</exception>
    public static void ReadExactly(SafeFileHandle file, Span<byte> destination, long position)
    {
        while (destination.Length > 0)
        {
            var count = RandomAccess.Read(file, destination, position);
            if (count == 0) throw new EndOfStreamException($"the file ends at byte {position}");
            destination = destination[count..];
            position += count;
        }
    }

    /// <summary>Writes memory to a stream.</summary>
    public static void Write(Stream stream, byte* source, long length)
    {
        for (; length > 0; source += WriteSize, length -= WriteSize)
            stream.Write(new ReadOnlySpan<byte>(source, (int)Math.Min(length, WriteSize)));
    }

    /// <summary>CRC-32 of memory.</summary>
    public static uint Crc(byte* source, long length)
    {
        var crc = new Crc();
        for (; length > 0; source += WriteSize, length -= WriteSize)
            crc.Append(new ReadOnlySpan<byte>(source, (int)Math.Min(length, WriteSize)));
        return crc.Value;
    }

    /// <summary>
    /// The tensor's values on the CPU, contiguous, without conjugate or negative bit: itself (as a view) where it is that already.
    /// </summary>
    public static Tensor Plain(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        return tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().MoveToOuterDisposeScope();
    }

    // TorchSharp has this only behind Tensor.bytes, which refuses tensors that are strided, longer than 2 GB or on another device.
    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint DataPointer(nint tensor);
}
