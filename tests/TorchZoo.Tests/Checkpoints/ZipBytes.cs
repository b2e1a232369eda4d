using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace TorchZoo.Tests.Checkpoints;

/// <summary>Assembles zips of stored entries by hand, well-formed or not.</summary>
internal sealed class ZipBytes
{
    private readonly MemoryStream _bytes = new();
    private readonly List<byte[]> _directory = [];

    /// <summary>What makes an entry's headers wrong.</summary>
    public sealed record Twist
    {
        public uint? Crc { get; init; }

        public uint? DirectorySize { get; init; }

        public uint? LocalSize { get; init; }

        public string? LocalName { get; init; }

        public ushort Flags { get; init; }

        public ushort Method { get; init; }

        public uint? Position { get; init; }
    }

    /// <summary>A checkpoint: a pickle and storages 0, 1, ….</summary>
    public static byte[] Checkpoint(byte[] pickle, params byte[][] storages)
    {
        var zip = new ZipBytes().Add("archive/data.pkl", pickle);
        for (var i = 0; i < storages.Length; i++) zip.Add($"archive/data/{i}", storages[i]);
        return zip.Add("archive/version", "3\n"u8.ToArray()).Finish();
    }

    public ZipBytes Add(string name, byte[] contents, Twist? twist = null)
    {
        twist ??= new Twist();
        var position = twist.Position ?? (uint)_bytes.Position;
        var crc = twist.Crc ?? Crc32.HashToUInt32(contents);
        var size = twist.DirectorySize ?? (uint)contents.Length;
        var localName = Encoding.UTF8.GetBytes(twist.LocalName ?? name);
        _bytes.Write(Header(0x04034b50, twist, crc, twist.LocalSize ?? size, localName, 30, 6));
        _bytes.Write(localName);
        _bytes.Write(contents);
        var header = Header(0x02014b50, twist, crc, size, Encoding.UTF8.GetBytes(name), 46, 8);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(42), position);
        _directory.Add([.. header, .. Encoding.UTF8.GetBytes(name)]);
        return this;
    }

    /// <summary>A second directory line for the last entry.</summary>
    public ZipBytes Again(string? name = null)
    {
        var line = _directory[^1].ToArray();
        if (name is not null) Encoding.UTF8.GetBytes(name).CopyTo(line, 46);
        _directory.Add(line);
        return this;
    }

    /// <summary>A directory line for an entry whose local header and contents lie within those of the last entry, at its front.</summary>
    public ZipBytes Within(string name, byte[] contents)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        var header = Header(0x02014b50, new Twist(), Crc32.HashToUInt32(contents), (uint)contents.Length, bytes, 46, 8);
        var outer = _directory[^1].AsSpan();
        var position = BinaryPrimitives.ReadUInt32LittleEndian(outer[42..]) + 30 + BinaryPrimitives.ReadUInt16LittleEndian(outer[28..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(42), position);
        _directory.Add([.. header, .. bytes]);
        return this;
    }

    /// <summary>A local header and contents.</summary>
    public static byte[] Local(string name, byte[] contents)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        return [.. Header(0x04034b50, new Twist(), Crc32.HashToUInt32(contents), (uint)contents.Length, bytes, 30, 6), .. bytes,
            .. contents];
    }

    public byte[] Finish(int? count = null, string comment = "", int startShift = 0)
    {
        var start = _bytes.Position;
        foreach (var line in _directory) _bytes.Write(line);
        var end = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(8), (ushort)(count ?? _directory.Count));
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(10), (ushort)(count ?? _directory.Count));
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(12), (uint)(_bytes.Position - start));
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), (uint)(start + startShift));
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(20), (ushort)comment.Length);
        _bytes.Write(end);
        _bytes.Write(Encoding.Latin1.GetBytes(comment));
        return _bytes.ToArray();
    }

    private static byte[] Header(uint signature, Twist twist, uint crc, uint size, byte[] name, int length, int at)
    {
        var header = new byte[length];
        BinaryPrimitives.WriteUInt32LittleEndian(header, signature);
        var fields = header.AsSpan(at);
        BinaryPrimitives.WriteUInt16LittleEndian(fields, twist.Flags);
        BinaryPrimitives.WriteUInt16LittleEndian(fields[2..], twist.Method);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[8..], crc);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[12..], size);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[16..], size);
        BinaryPrimitives.WriteUInt16LittleEndian(fields[20..], (ushort)name.Length);
        return header;
    }
}
