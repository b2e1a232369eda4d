using System.IO.Compression;

namespace TorchZoo.Data.Formats;

/// <summary>What is in files that may be compressed with gzip, whatever they are called.</summary>
internal static class GzipContent
{
    // No deflate stream grows more when it is unpacked: 258 bytes out of two bits.
    private const long MaximumRatio = 1032;

    /// <summary>Unpacks a stream; null where it isn't compressed and can be read as it is.</summary>
    /// <param name="stream">Seekable; what is looked at starts where it stands. It stays open.</param>
    public static GZipStream? Unzip(Stream stream)
    {
        var start = stream.Position;
        Span<byte> magic = stackalloc byte[2];
        var count = stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        stream.Position = start;
        return count == magic.Length && magic is [0x1F, 0x8B] ? new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true) : null;
    }

    /// <summary>The most bytes that a gzip file of this length can hold.</summary>
    public static Int128 MaximumLength(long zipped) => (Int128)zipped * MaximumRatio;
}
