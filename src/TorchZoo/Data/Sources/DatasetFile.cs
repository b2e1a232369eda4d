using System.Buffers;
using System.Security.Cryptography;
using TorchZoo.Data.Formats;

namespace TorchZoo.Data.Sources;

/// <summary>A published file. Length and hash are those of its content without gzip: whoever packs it again changes neither.</summary>
/// <param name="Name">As its publisher calls it, e.g. <c>train-images-idx3-ubyte.gz</c>.</param>
/// <param name="Length">Bytes, unpacked.</param>
/// <param name="Sha256">SHA-256 of these bytes, in hexadecimal digits.</param>
public sealed record DatasetFile(string Name, long Length, string Sha256)
{
    /// <summary>Bytes that no packed or plain form of the file exceeds: more is refused before it is downloaded.</summary>
    internal long MaximumLength => Length + Length / 100 + (64 << 10);

    /// <summary>Names to look for: unpacked, a file has lost its <c>.gz</c>.</summary>
    internal IEnumerable<string> Names => Name.EndsWith(".gz", StringComparison.Ordinal) ? [Name, Name[..^3]] : [Name];

    /// <summary>Verifies a file, compressed or not, without keeping it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">It holds something else or is damaged. No more than <see cref="Length"/> bytes were unpacked
    /// to find out.</exception>
    public void Verify(string path, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var stream = File.OpenRead(path);
        Verify(stream, path, cancellation);
    }

    internal void Verify(Stream stream, string name, CancellationToken cancellation)
    {
        using var unzipped = GzipContent.Unzip(stream);
        var content = unzipped ?? stream;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
        try
        {
            long length = 0;
            while (content.Read(buffer) is > 0 and var count)
            {
                cancellation.ThrowIfCancellationRequested();
                if ((length += count) > Length)
                    throw new InvalidDataException($"{name}: expected {Length} bytes of content, there are more");
                hash.AppendData(buffer.AsSpan(0, count));
            }
            if (length < Length)
                throw new InvalidDataException($"{name}: the file ends early, after {length} of {Length} bytes of content");
        }
        catch (InvalidDataException e) when (unzipped is not null && !e.Message.StartsWith(name, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{name}: damaged gzip data. {e.Message}", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        var found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (!found.Equals(Sha256, StringComparison.OrdinalIgnoreCase))
            throw new InvalidDataException($"{name}: wrong checksum, expected the SHA-256 {Sha256}, got {found}");
    }
}
