using System.Buffers.Binary;
using TorchZoo.Data.Text;

namespace TorchZoo.Data.Formats;

/// <summary>Text files, read as the bytes that they are: models of bytes need no encoding to be right.</summary>
public static class TextFile
{
    /// <summary>The most bytes that a text may have: what one array holds.</summary>
    public static long MaximumLength => Array.MaxLength;

    /// <summary>The bytes of a file, for <see cref="Symbols"/>; of what is in it where it is compressed with gzip.</summary>
    /// <param name="path">Where it is.</param>
    /// <exception cref="InvalidDataException">It is damaged or too long.</exception>
    public static byte[] ReadBytes(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = File.OpenRead(path);
        return ReadBytes(stream, path);
    }

    /// <summary>The same of a stream.</summary>
    /// <param name="stream">Seekable. It stays open.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <inheritdoc cref="ReadBytes(string)"/>
    public static byte[] ReadBytes(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var unzipped = GzipContent.Unzip(stream);
        using var content = new MemoryStream();
        var part = new byte[1 << 16];
        try
        {
            for (int count; (count = (unzipped ?? stream).Read(part)) > 0;)
            {
                if (content.Length + count > MaximumLength)
                    throw new InvalidDataException($"expected at most {MaximumLength} bytes, the text has more");
                content.Write(part, 0, count);
            }
            if (unzipped is not null) CheckLength(stream, content.Length);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }
        return content.ToArray();
    }

    // A stream that was cut off unpacks without a word; but it ends with something else than its length.
    private static void CheckLength(Stream zipped, long length)
    {
        Span<byte> end = stackalloc byte[4];
        zipped.Position = Math.Max(0, zipped.Length - end.Length);
        zipped.ReadExactly(end);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end) != unchecked((uint)length))
            throw new InvalidDataException($"the file is cut off or damaged: {length} bytes came of it");
    }
}
