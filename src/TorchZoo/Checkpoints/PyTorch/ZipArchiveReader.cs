using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace TorchZoo.Checkpoints.PyTorch;

/// <summary>
/// A zip archive as checkpoints need it, and stricter than <c>System.IO.Compression.ZipArchive</c>: one disk, entries stored or deflated,
/// nothing encrypted, no name twice, local headers that say what the directory says, no entry that overlaps another. All of this is
/// verified by the constructor, from the headers alone; checksums are verified when the contents are read.
/// </summary>
internal sealed class ZipArchiveReader
{
    private const uint LocalSignature = 0x04034b50, DirectorySignature = 0x02014b50, EndSignature = 0x06054b50;
    private const uint Zip64EndSignature = 0x06064b50, Zip64LocatorSignature = 0x07064b50;
    private const int LocalLength = 30, DirectoryLength = 46, EndLength = 22, Zip64EndLength = 56, Zip64LocatorLength = 20;
    private const int FlagDescriptor = 1 << 3;
    private const int FlagsRefused = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 13; // encrypted, patched, strongly encrypted, masked directory
    private const int MaxName = 4096;

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, ZipEntry> _entries;

    /// <summary>Reads and verifies the directory and all local headers.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged or hostile.</exception>
    public ZipArchiveReader(SafeFileHandle file, PyTorchLoadLimits limits)
    {
        _file = file;
        var length = RandomAccess.GetLength(file);
        var (start, size, count) = FindDirectory(length);
        if (size > limits.MaxPickle)
            throw new InvalidDataException($"the zip's directory has {size} bytes; at most {limits.MaxPickle} are allowed");
        if (count > size / DirectoryLength) throw new InvalidDataException($"the zip's directory of {size} bytes claims {count} entries");
        var directory = new byte[size];
        TensorMemory.ReadExactly(file, directory, start);
        _entries = new Dictionary<string, ZipEntry>((int)count, StringComparer.Ordinal);
        var spans = new List<(long Start, long End, string Name)>((int)count);
        ReadOnlySpan<byte> rest = directory;
        for (var i = 0L; i < count; i++)
        {
            var (entry, header) = ReadEntry(ref rest, start);
            if (!_entries.TryAdd(entry.Name, entry)) throw new InvalidDataException($"the zip has two entries named '{entry.Name}'");
            spans.Add((header, entry.Position + entry.CompressedSize, entry.Name));
        }
        if (rest.Length > 0) throw new InvalidDataException("the zip's directory is longer than its entries");
        CheckOverlaps(spans);
        var expanded = _entries.Values.Where(e => e.IsDeflated).Sum(e => (double)e.Size);
        if (expanded > limits.FreeDecompression + limits.MaxExpansionRatio * length)
            throw new InvalidDataException($"a file of {length} bytes claims to hold {expanded} bytes when decompressed");
    }

    /// <summary>All entries, in the directory's order.</summary>
    public IReadOnlyCollection<ZipEntry> Entries => _entries.Values;

    /// <summary>The entry of a name, or null.</summary>
    public ZipEntry? Find(string name) => _entries.GetValueOrDefault(name);

    /// <summary>The contents of an entry, with verified checksum.</summary>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="limit"/>, or damaged.</exception>
    public unsafe byte[] Read(ZipEntry entry, long limit)
    {
        if (entry.Size > Math.Min(limit, Array.MaxLength))
            throw new InvalidDataException($"'{entry.Name}' has {entry.Size} bytes; at most {limit} are allowed");
        var bytes = new byte[entry.Size];
        fixed (byte* pointer = bytes) Read(entry, pointer);
        return bytes;
    }

    /// <summary>Reads the contents of an entry and verifies its checksum.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="destination">Memory of <see cref="ZipEntry.Size"/> bytes; null: verify only.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public unsafe void Read(ZipEntry entry, byte* destination)
    {
        var crc = new Crc();
        Action<ReadOnlySpan<byte>>? seen = entry.Crc == 0 ? null : crc.Append;
        if (entry.IsDeflated) Inflate(entry, destination, crc);
        else if (destination is not null) TensorMemory.Read(_file, entry.Position, destination, entry.Size, seen);
        else if (seen is not null) TensorMemory.Scan(_file, entry.Position, entry.Size, seen);
        if (entry.Crc != 0 && entry.Crc != crc.Value)
            throw new InvalidDataException(
                $"'{entry.Name}' is damaged: its CRC is {crc.Value:x8}, {entry.Crc:x8} was expected");
    }

    private unsafe void Inflate(ZipEntry entry, byte* destination, Crc crc)
    {
        using var inflater = new DeflateStream(new FileSpanStream(_file, entry.Position, entry.CompressedSize), CompressionMode.Decompress);
        var buffer = destination is null ? new byte[Math.Min(entry.Size, 1 << 16)] : [];
        var left = entry.Size;
        while (left > 0)
        {
            var count = (int)Math.Min(left, 1 << 20);
            var chunk = destination is null ? buffer.AsSpan(0, Math.Min(count, buffer.Length)) : new Span<byte>(destination, count);
            if (inflater.Read(chunk) is var read && read == 0)
                throw new InvalidDataException($"'{entry.Name}' is shorter than its header says");
            crc.Append(chunk[..read]);
            if (destination is not null) destination += read;
            left -= read;
        }
        if (inflater.ReadByte() >= 0) throw new InvalidDataException($"'{entry.Name}' is longer than its header says");
    }

    private (long Start, long Size, long Count) FindDirectory(long length)
    {
        if (length < EndLength) throw new InvalidDataException("the zip is cut off");
        var tail = new byte[Math.Min(length, EndLength + ushort.MaxValue)];
        TensorMemory.ReadExactly(_file, tail, length - tail.Length);
        var at = -1;
        for (var i = tail.Length - EndLength; i >= 0; i--)
        {
            if (U32(tail, i) != EndSignature || U16(tail, i + 20) != tail.Length - i - EndLength) continue;
            // A comment that looks like an end record: readers would disagree about which directory is the archive's.
            if (at >= 0) throw new InvalidDataException("the zip has two end records");
            at = i;
        }
        if (at < 0) throw new InvalidDataException("the zip's directory is missing; the file is cut off or something follows it");
        var end = tail.AsSpan(at, EndLength);
        var endPosition = length - tail.Length + at;
        if (U16(end, 4) != 0 || U16(end, 6) != 0 || U16(end, 8) != U16(end, 10))
            throw new InvalidDataException("the zip is spread over several disks");
        (long start, long size, long count) = (U32(end, 16), U32(end, 12), U16(end, 10));
        if (endPosition >= Zip64LocatorLength)
        {
            Span<byte> locator = stackalloc byte[Zip64LocatorLength];
            TensorMemory.ReadExactly(_file, locator, endPosition - Zip64LocatorLength);
            if (U32(locator, 0) == Zip64LocatorSignature)
            {
                endPosition -= Zip64LocatorLength;
                var zip64 = ReadZip64End(locator, endPosition);
                if (!Agrees(start, zip64.Start, uint.MaxValue) || !Agrees(size, zip64.Size, uint.MaxValue)
                    || !Agrees(count, zip64.Count, ushort.MaxValue))
                    throw new InvalidDataException("the zip's two end records contradict each other");
                (start, size, count) = zip64;
                endPosition -= Zip64EndLength;
            }
        }
        if (start < 0 || size < 0 || count < 0 || size > endPosition || start != endPosition - size)
            throw new InvalidDataException(
                $"the zip's directory is said to be at {start}, {size} bytes long; it would have to end at {endPosition}");
        return (start, size, count);
    }

    private (long Start, long Size, long Count) ReadZip64End(ReadOnlySpan<byte> locator, long locatorPosition)
    {
        var position = (long)U64(locator, 8);
        if (U32(locator, 4) != 0 || U32(locator, 16) > 1 || position < 0 || position != locatorPosition - Zip64EndLength)
            throw new InvalidDataException("the zip64 locator points elsewhere than before itself");
        Span<byte> end = stackalloc byte[Zip64EndLength];
        TensorMemory.ReadExactly(_file, end, position);
        if (U32(end, 0) != Zip64EndSignature || U64(end, 4) != Zip64EndLength - 12)
            throw new InvalidDataException("the zip64 end record is damaged");
        if (U32(end, 16) != 0 || U32(end, 20) != 0 || U64(end, 24) != U64(end, 32))
            throw new InvalidDataException("the zip is spread over several disks");
        return ((long)U64(end, 48), (long)U64(end, 40), (long)U64(end, 32));
    }

    private static bool Agrees(long small, long large, long all) => small == all || small == large;

    private (ZipEntry Entry, long Header) ReadEntry(ref ReadOnlySpan<byte> directory, long directoryStart)
    {
        if (directory.Length < DirectoryLength || U32(directory, 0) != DirectorySignature)
            throw new InvalidDataException("the zip's directory is damaged");
        var header = directory[..DirectoryLength];
        int nameLength = U16(header, 28), extraLength = U16(header, 30), commentLength = U16(header, 32);
        if (directory.Length < DirectoryLength + nameLength + extraLength + commentLength)
            throw new InvalidDataException("the zip's directory is cut off");
        var nameBytes = directory.Slice(DirectoryLength, nameLength);
        var extra = directory.Slice(DirectoryLength + nameLength, extraLength);
        directory = directory[(DirectoryLength + nameLength + extraLength + commentLength)..];

        var name = ReadName(nameBytes);
        int flags = U16(header, 8), method = U16(header, 10);
        if ((flags & FlagsRefused) != 0) throw new InvalidDataException($"'{name}' is encrypted or patched");
        if (method is not (0 or 8))
            throw new InvalidDataException($"'{name}' is compressed by method {method}; only stored and deflated entries are read");
        long compressed = U32(header, 20), size = U32(header, 24), position = U32(header, 42);
        ReadZip64Extra(name, extra, ref size, ref compressed, ref position, hasPosition: true);
        if (U16(header, 34) is not (0 or ushort.MaxValue)) throw new InvalidDataException($"'{name}' is on another disk");
        if (position < 0 || compressed < 0 || size < 0 || position > directoryStart - LocalLength)
            throw new InvalidDataException($"'{name}' lies outside the file");
        if (method == 0 && compressed != size)
            throw new InvalidDataException($"'{name}' is stored but has two sizes, {compressed} and {size}");

        Span<byte> local = stackalloc byte[LocalLength];
        TensorMemory.ReadExactly(_file, local, position);
        if (U32(local, 0) != LocalSignature) throw new InvalidDataException($"'{name}' has no local header at {position}");
        int localName = U16(local, 26), localExtra = U16(local, 28);
        var data = position + LocalLength + localName + localExtra;
        if (data > directoryStart || compressed > directoryStart - data)
            throw new InvalidDataException($"'{name}' runs into the zip's directory");
        if (localName != nameLength || U16(local, 8) != method || ((U16(local, 6) ^ flags) & (FlagDescriptor | FlagsRefused)) != 0)
            throw new InvalidDataException($"'{name}' has a local header that contradicts the directory");
        var variable = new byte[localName + localExtra];
        TensorMemory.ReadExactly(_file, variable, position + LocalLength);
        if (!variable.AsSpan(0, localName).SequenceEqual(nameBytes))
            throw new InvalidDataException($"'{name}' has another name in its local header");
        long localCompressed = U32(local, 18), localSize = U32(local, 22), none = 0;
        ReadZip64Extra(name, variable.AsSpan(localName), ref localSize, ref localCompressed, ref none, hasPosition: false);
        // With a data descriptor the writer did not know the sizes yet and left zeros.
        var open = (flags & FlagDescriptor) != 0 && localSize == 0 && localCompressed == 0;
        if (!open && (localSize != size || localCompressed != compressed))
            throw new InvalidDataException($"'{name}' has another size in its local header");
        var crc = U32(header, 16);
        if ((flags & FlagDescriptor) == 0 && U32(local, 14) != crc)
            throw new InvalidDataException($"'{name}' has another CRC in its local header");
        return (new ZipEntry(name, method == 8, crc, data, compressed, size), position);
    }

    private static string ReadName(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is 0 or > MaxName || !Utf8.IsValid(bytes))
            throw new InvalidDataException("the zip has an entry without a valid name");
        var name = Encoding.UTF8.GetString(bytes);
        if (name[0] == '/' || name.Any(c => char.IsControl(c) || c is '\\' or ':') || name.Split('/').Any(part => part is ".." or "."))
            throw new InvalidDataException($"the zip has an entry named '{PyKey.Printable(name)}'");
        return name;
    }

    // Sizes that don't fit into 32 bits are in the extra field 1, in this order, each only if its 32-bit field is full.
    private static void ReadZip64Extra(
        string name, ReadOnlySpan<byte> extra, ref long size, ref long compressed, ref long position, bool hasPosition)
    {
        var needed = size == uint.MaxValue || compressed == uint.MaxValue || hasPosition && position == uint.MaxValue;
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), length = U16(extra, 2);
            if (length > extra.Length - 4) break;
            var field = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != 1) continue;
            if (!needed) return;
            if (!Take(ref field, ref size) || !Take(ref field, ref compressed) || hasPosition && !Take(ref field, ref position)) break;
            return;
        }
        if (needed) throw new InvalidDataException($"'{name}' lacks its zip64 sizes");

        static bool Take(ref ReadOnlySpan<byte> field, ref long value)
        {
            if (value != uint.MaxValue) return true;
            if (field.Length < 8) return false;
            value = (long)U64(field, 0);
            field = field[8..];
            return value >= 0;
        }
    }

    private static void CheckOverlaps(List<(long Start, long End, string Name)> spans)
    {
        spans.Sort((a, b) => a.Start.CompareTo(b.Start));
        for (var i = 1; i < spans.Count; i++)
            if (spans[i].Start < spans[i - 1].End)
                throw new InvalidDataException($"the entries '{spans[i - 1].Name}' and '{spans[i].Name}' of the zip overlap");
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
