using System.Buffers.Binary;
using System.Text;

namespace TorchZoo.Data.Events;

/// <summary>
/// Recordings of event cameras in the formats AEDAT 2.0, of a DVS128 as in CIFAR10-DVS, and AEDAT 3.1, as libcaer writes them and in
/// DVS128 Gesture. Lines of text come first, the first one naming the version.
/// </summary>
/// <remarks>
/// <para>AEDAT 2.0: pairs of an address and a time in µs, each in four bytes, most significant first. Of a DVS128's address bit 0 is 1
/// where intensity fell, bits 1 to 7 are x, bits 8 to 14 y; addresses with further bits, such as those of synchronisation, are skipped. Times
/// start again from 0 after 2³² µs.</para>
/// <para>AEDAT 3.1: packets of events, least significant byte first, of which those of polarity are read and others skipped. In an event's
/// first four bytes bit 0 says whether it is valid, bit 1 whether intensity rose, bits 2 to 16 are y, bits 17 to 31 x; a time of 31 bits
/// follows, the higher ones are in the packet's header.</para>
/// </remarks>
public static class AedatFile
{
    private const int MaximumLine = 4096, MaximumLines = 10_000;
    private const int PacketHeader = 28, PolarityType = 1, EventSize = 8, PieceSize = 1 << 16;

    /// <summary>Reads a recording.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Columns of the sensor; of AEDAT 2.0 always 128.</param>
    /// <param name="height">Rows of the sensor; of AEDAT 2.0 always 128.</param>
    /// <param name="orientation">How the pixels of AEDAT 2.0 lie.</param>
    /// <returns>In the file's order.</returns>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It is no such file, another version, ends early or is damaged, or has events beside the
    /// sensor.</exception>
    public static EventStream Load(string path, int width = 128, int height = 128,
        AedatOrientation orientation = AedatOrientation.Cifar10Dvs)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        EventStream.CheckSensor(width, height);
        if (!Enum.IsDefined(orientation))
            throw new ArgumentException($"Expected a named orientation, got {orientation}", nameof(orientation));
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, PieceSize, FileOptions.SequentialScan);
        try
        {
            var first = ReadLine(file)
                ?? throw new InvalidDataException("this is no AEDAT file, its first line doesn't begin with #!AER-DAT");
            if (!first.StartsWith("#!AER-DAT", StringComparison.Ordinal))
                throw new InvalidDataException("this is no AEDAT file, its first line doesn't begin with #!AER-DAT");
            var version = first["#!AER-DAT".Length..];
            return version switch
            {
                "2.0" => Version2(file, orientation),
                "3.1" => Version3(file, width, height),
                _ => throw new InvalidDataException($"expected version 2.0 or 3.1 of AEDAT, got '{version}'"),
            };
        }
        catch (InvalidDataException e) { throw new InvalidDataException($"{path}: {e.Message}", e); }
        catch (EndOfStreamException e) { throw new InvalidDataException($"{path}: the file ends early", e); }
    }

    private static EventStream Version2(FileStream file, AedatOrientation orientation)
    {
        const int side = 128;
        // Events begin where a line doesn't begin with '#': no address of a DVS128 does.
        for (var lines = 0; ReadLine(file) is not null; lines++) CheckLines(lines);
        var length = file.Length - file.Position;
        if (length % EventSize != 0)
            throw new InvalidDataException($"events of {EventSize} bytes don't fill {length} bytes: the file ends early");
        var events = Buffer(side, side, length);
        long wraps = 0;
        uint previous = 0;
        ForEach(file, length, bytes =>
        {
            var (address, time) = (BinaryPrimitives.ReadUInt32BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]));
            // Slightly disordered times are none that start again.
            if (time < previous && previous - time > 1u << 31) wraps++;
            previous = time;
            if (address > 0x7FFF) return;
            int x = side - 1 - (int)((address >> 1) & 0x7F), y = side - 1 - (int)((address >> 8) & 0x7F);
            if (orientation == AedatOrientation.Cifar10Dvs) (x, y) = (y, x);
            events.Add((wraps << 32) + time, x, y, (address & 1) == 0);
        });
        return events.Stream();
    }

    private static EventStream Version3(FileStream file, int width, int height)
    {
        for (var lines = 0; ; lines++)
        {
            CheckLines(lines);
            if ((ReadLine(file) ?? throw new InvalidDataException("the header has no line #!END-HEADER")) == "#!END-HEADER") break;
        }
        var events = Buffer(width, height, file.Length - file.Position);
        Span<byte> header = stackalloc byte[PacketHeader];
        while (file.Position < file.Length)
        {
            var start = file.Position;
            file.ReadExactly(header);
            var type = BinaryPrimitives.ReadUInt16LittleEndian(header);
            long size = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
            long overflow = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
            long capacity = BinaryPrimitives.ReadUInt32LittleEndian(header[16..]),
                number = BinaryPrimitives.ReadUInt32LittleEndian(header[20..]);
            if (number > capacity)
                throw new InvalidDataException($"the packet at byte {start} has {number} events and room for {capacity}");
            if ((Int128)size * capacity > file.Length - file.Position)
                throw new InvalidDataException($"the packet at byte {start} has {capacity} events of {size} bytes: the file ends early");
            var next = file.Position + size * capacity;
            if (type == PolarityType)
            {
                if (size != EventSize)
                    throw new InvalidDataException($"the packet at byte {start} has events of {size} bytes, expected {EventSize}");
                if (overflow > int.MaxValue) throw new InvalidDataException($"the packet at byte {start} is of an impossible time");
                ForEach(file, size * number, bytes =>
                {
                    var (data, time) = (BinaryPrimitives.ReadUInt32LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
                    if ((data & 1) == 0) return;
                    if (time < 0) throw new InvalidDataException($"an event of the packet at byte {start} has the negative time {time}");
                    var (x, y) = (data >> 17, (data >> 2) & 0x7FFF);
                    if (!events.Add((overflow << 31) + time, x, y, (data & 2) != 0))
                        throw new InvalidDataException(
                            $"an event of the packet at byte {start} is at column {x}, row {y}, beside the sensor of {width}×{height}");
                });
            }
            file.Position = next;
        }
        return events.Stream();
    }

    // As many as the bytes can be.
    private static EventBuffer Buffer(int width, int height, long bytes) => bytes / EventSize <= Array.MaxLength
        ? new EventBuffer(width, height, (int)(bytes / EventSize))
        : throw new InvalidDataException("there are more events than an array can hold");

    private delegate void Event(ReadOnlySpan<byte> bytes);

    private static void ForEach(FileStream file, long length, Event each)
    {
        var buffer = new byte[Math.Min(PieceSize, length)];
        for (long done = 0; done < length; done += buffer.Length)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done));
            file.ReadExactly(piece);
            for (var at = 0; at < piece.Length; at += EventSize) each(piece.Slice(at, EventSize));
        }
    }

    // A line of the header without its end; null, and nothing is read, where none begins here.
    private static string? ReadLine(FileStream file)
    {
        var start = file.Position;
        if (file.ReadByte() != '#')
        {
            file.Position = start;
            return null;
        }
        var line = new StringBuilder("#");
        for (int c; (c = file.ReadByte()) != '\n'; line.Append((char)c))
        {
            if (c < 0) throw new EndOfStreamException();
            if (line.Length > MaximumLine) throw new InvalidDataException($"a line of the header is longer than {MaximumLine} characters");
        }
        return line.ToString().TrimEnd('\r', ' ');
    }

    private static void CheckLines(int lines)
    {
        if (lines > MaximumLines) throw new InvalidDataException($"the header has more than {MaximumLines} lines");
    }
}
