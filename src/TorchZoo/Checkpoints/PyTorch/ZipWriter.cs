using System.Buffers.Binary;
using System.Text;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>
/// Writes a zip of stored entries whose data begin at multiples of 64, so that they can be mapped into memory. Checksums are known
/// before an entry is written: the stream is never sought back.
/// </summary>
internal sealed unsafe class ZipWriter(Stream stream)
{
    private const int Alignment = 64;
    private const int LocalLength = 30, Zip64Field = 20, PaddingField = 4;
    private const ushort Utf8Flag = 1 << 11, Version = 20, Version64 = 45, Date = 0x21; // the first day of the format, 1980-01-01

    private readonly MemoryStream _directory = new();
    private long _position;
    private long _count;

    /// <summary>Adds an entry.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="contents">Its contents.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="crc">Their CRC-32.</param>
    public void Add(string name, byte* contents, long length, uint crc)
    {
        var nameBytes = Encoding.UTF8.GetBytes(name);
        var header = _position;
        var isLarge = length >= uint.MaxValue;
        var dataStart = _position + LocalLength + nameBytes.Length + (isLarge ? Zip64Field : 0) + PaddingField;
        var padding = (int)((Alignment - dataStart % Alignment) % Alignment);
        var local = new MemoryStream();
        U32(local, 0x04034b50);
        Common(local, crc, length, isLarge, nameBytes.Length, (isLarge ? Zip64Field : 0) + PaddingField + padding);
        local.Write(nameBytes);
        if (isLarge) Zip64(local, length, length);
        local.Write("FB"u8);
        U16(local, (ushort)padding);
        for (var i = 0; i < padding; i++) local.WriteByte((byte)'Z');
        Emit(local);
        TensorMemory.Write(stream, contents, length);
        _position += length;

        var isFar = header >= uint.MaxValue;
        U32(_directory, 0x02014b50);
        U16(_directory, isLarge || isFar ? Version64 : Version);
        var extra = (isLarge, isFar) switch { (true, true) => 28, (true, false) => 20, (false, true) => 12, _ => 0 };
        Common(_directory, crc, length, isLarge, nameBytes.Length, extra);
        U16(_directory, 0); // comment
        U16(_directory, 0); // disk
        U16(_directory, 0); // attributes
        U32(_directory, 0);
        U32(_directory, isFar ? uint.MaxValue : (uint)header);
        _directory.Write(nameBytes);
        if (isLarge && isFar) Zip64(_directory, length, length, header);
        else if (isLarge) Zip64(_directory, length, length);
        else if (isFar) Zip64(_directory, header);
        _count++;
    }

    /// <summary>Writes the directory.</summary>
    public void Finish()
    {
        var start = _position;
        var size = _directory.Length;
        Emit(_directory);
        var tail = new MemoryStream();
        if (start >= uint.MaxValue || size >= uint.MaxValue || _count >= ushort.MaxValue)
        {
            U32(tail, 0x06064b50);
            U64(tail, 44);
            U16(tail, Version64);
            U16(tail, Version64);
            U32(tail, 0);
            U32(tail, 0);
            U64(tail, _count);
            U64(tail, _count);
            U64(tail, size);
            U64(tail, start);
            U32(tail, 0x07064b50);
            U32(tail, 0);
            U64(tail, start + size);
            U32(tail, 1);
        }
        U32(tail, 0x06054b50);
        U16(tail, 0);
        U16(tail, 0);
        U16(tail, (ushort)Math.Min(_count, ushort.MaxValue));
        U16(tail, (ushort)Math.Min(_count, ushort.MaxValue));
        U32(tail, (uint)Math.Min(size, uint.MaxValue));
        U32(tail, (uint)Math.Min(start, uint.MaxValue));
        U16(tail, 0);
        Emit(tail);
    }

    // What local headers and the directory have in common: version needed to lengths of name and extra field.
    private static void Common(MemoryStream to, uint crc, long length, bool isLarge, int nameLength, int extraLength)
    {
        var size = isLarge ? uint.MaxValue : (uint)length;
        U16(to, isLarge ? Version64 : Version);
        U16(to, Utf8Flag);
        U16(to, 0); // stored
        U16(to, 0); // time
        U16(to, Date);
        U32(to, crc);
        U32(to, size);
        U32(to, size);
        U16(to, (ushort)nameLength);
        U16(to, (ushort)extraLength);
    }

    private static void Zip64(MemoryStream to, params ReadOnlySpan<long> values)
    {
        U16(to, 1);
        U16(to, (ushort)(8 * values.Length));
        foreach (var value in values) U64(to, value);
    }

    private void Emit(MemoryStream bytes)
    {
        stream.Write(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
        _position += bytes.Length;
    }

    private static void U16(MemoryStream to, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        to.Write(bytes);
    }

    private static void U32(MemoryStream to, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        to.Write(bytes);
    }

    private static void U64(MemoryStream to, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        to.Write(bytes);
    }
}
