using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TorchZoo.Checkpoints;

namespace TorchZoo.Kernels.Cuda;

/// <summary>
/// Compiled kernels on the disk, a file each, named after the hash of all that they are made from. Any number of processes may use the
/// folder. It is a help and no more: what can't be read is compiled again, what can't be written isn't.
/// </summary>
/// <param name="folder">The folder; made when needed.</param>
internal sealed class KernelCache(string folder)
{
    // Changes with the layout of the files.
    private static ReadOnlySpan<byte> Magic => "TZKC0001"u8;

    private const string Extension = ".kernel";
    internal const int MostFiles = 2000;

    /// <summary>The user's: in XDG_CACHE_HOME (or ~/.cache), on Windows in the local application data.</summary>
    public static KernelCache Default { get; } = new(Path.Combine(UserFolder(), "torchzoo", "kernels"));

    /// <summary>The folder.</summary>
    public string Folder => folder;

    /// <summary>What a kernel's file is called: the hash of source, headers, options, instance, target and compiler.</summary>
    public static string Key(CudaSource source, string kernel, string target, Version compiler)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add([compiler.ToString(), target, kernel, source.Name, source.Text]);
        Add(source.AllOptions);
        Add(source.Headers.OrderBy(h => h.Key, StringComparer.Ordinal).SelectMany(h => new[] { h.Key, h.Value }));
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        // With counts and lengths, so that no two lists run together to the same bytes.
        void Add(IEnumerable<string> strings)
        {
            byte[][] all = [.. strings.Select(Encoding.UTF8.GetBytes)];
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(number, all.Length);
            hash.AppendData(number);
            foreach (var bytes in all)
            {
                BinaryPrimitives.WriteInt32LittleEndian(number, bytes.Length);
                hash.AppendData(number);
                hash.AppendData(bytes);
            }
        }
    }

    /// <summary>The kernel of this key; made, and kept, if it isn't there or is damaged.</summary>
    public CudaBinary GetOrAdd(string key, Func<CudaBinary> compile)
    {
        var path = Path.Combine(folder, key + Extension);
        if (TryRead(path) is { } found) return found;
        var made = compile();
        TryWrite(path, made);
        return made;
    }

    private static CudaBinary? TryRead(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var head = Magic.Length + SHA256.HashSizeInBytes;
            if (bytes.Length < head || !bytes.AsSpan().StartsWith(Magic)) return null;
            if (!bytes.AsSpan(Magic.Length, SHA256.HashSizeInBytes).SequenceEqual(SHA256.HashData(bytes.AsSpan(head)))) return null;
            using var reader = new BinaryReader(new MemoryStream(bytes, head, bytes.Length - head));
            var (entry, target) = (reader.ReadString(), reader.ReadString());
            var sizes = new int[reader.ReadInt32()];
            for (var i = 0; i < sizes.Length; i++) sizes[i] = reader.ReadInt32();
            return new CudaBinary(entry, target, reader.ReadBytes(reader.ReadInt32()), sizes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    private void TryWrite(string path, CudaBinary binary)
    {
        using var body = new MemoryStream();
        using (var writer = new BinaryWriter(body, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(binary.EntryPoint);
            writer.Write(binary.Target);
            writer.Write(binary.ParameterSizes.Count);
            foreach (var size in binary.ParameterSizes) writer.Write(size);
            writer.Write(binary.Image.Length);
            writer.Write(binary.Image);
        }
        var bytes = body.ToArray();
        try
        {
            Directory.CreateDirectory(folder);
            AtomicFile.Write(path, stream =>
            {
                stream.Write(Magic);
                stream.Write(SHA256.HashData(bytes));
                stream.Write(bytes);
            });
            DeleteOldest();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    // Half of them, so that it is seldom done. What others have open or have deleted meanwhile is none of our business.
    private void DeleteOldest()
    {
        var files = new DirectoryInfo(folder).GetFiles("*" + Extension);
        if (files.Length <= MostFiles) return;
        foreach (var file in files.OrderBy(f => f.LastWriteTimeUtc).Take(MostFiles / 2)) file.Delete();
    }

    private static string UserFolder()
    {
        if (OperatingSystem.IsWindows()) return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        return Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { } cache && Path.IsPathRooted(cache) ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
    }
}
