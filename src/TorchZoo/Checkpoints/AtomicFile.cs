using System.Runtime.InteropServices;

namespace TorchZoo.Checkpoints;

/// <summary>Writes files that are there as a whole or not at all.</summary>
public static partial class AtomicFile
{
    private const int BufferSize = 64 * 1024;

    /// <summary>
    /// Writes a temporary file in the folder of <paramref name="path"/>, flushes it to the disk and renames it to <paramref name="path"/>.
    /// A full disk, an exception or the end of the process at any moment leaves what <paramref name="path"/> was before. A process that is
    /// killed in between leaves its temporary file, <c>.NAME.RANDOM.tmp</c>, behind; see <see cref="DeleteLeftovers"/>.
    /// </summary>
    /// <param name="path">The file; its folder exists. A file of this name is replaced.</param>
    /// <param name="write">Writes the contents. What it throws comes out of this method unchanged.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> names no file.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(write);
        Replace(path, temporary =>
        {
            using var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BufferSize);
            write(stream);
            stream.Flush(flushToDisk: true);
        });
    }

    /// <summary>
    /// Gives what a file holds now a second name, which keeps it when <see cref="Write"/> replaces the file: a hard link where the file
    /// system has them, a copy elsewhere.
    /// </summary>
    /// <param name="path">The file; from now on it must only be replaced, not changed.</param>
    /// <param name="kept">The second name; a file of this name is replaced, atomically.</param>
    /// <exception cref="ArgumentException"><paramref name="kept"/> names no file.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Keep(string path, string kept)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(kept);
        Replace(kept, temporary =>
        {
            if (!OperatingSystem.IsWindows() && Link(path, temporary) == 0) return;
            File.Copy(path, temporary);
            using var copy = new FileStream(temporary, FileMode.Open, FileAccess.ReadWrite);
            copy.Flush(flushToDisk: true);
        });
    }

    private static void Replace(string path, Action<string> make)
    {
        var target = Path.GetFullPath(path);
        if (Path.GetFileName(target) is not { Length: > 0 } name)
            throw new ArgumentException($"A file's path was expected; '{path}' ends in a folder.", nameof(path));
        var folder = Path.GetDirectoryName(target)!;
        var temporary = Path.Combine(folder, $".{name}.{Guid.NewGuid():N}.tmp");
        try
        {
            make(temporary);
            File.Move(temporary, target, overwrite: true);
            // POSIX renames nothing where both names are one file already, and both stay.
            TryDelete(temporary);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
        FlushFolder(folder);
    }

    /// <summary>Deletes the temporary files that killed processes left of earlier writes to <paramref name="path"/>.</summary>
    /// <remarks>Call it only where no other process is writing to the same path.</remarks>
    public static void DeleteLeftovers(string path)
    {
        var target = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(target);
        if (folder is null || !Directory.Exists(folder)) return;
        var name = Path.GetFileName(target);
        DeleteTemporaries(folder, leftover => leftover == name);
    }

    /// <summary>Deletes the temporary files that killed processes left of earlier writes to any file of a folder.</summary>
    /// <remarks>Call it only where no other process is writing to the folder.</remarks>
    public static void DeleteLeftoversIn(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        if (Directory.Exists(folder)) DeleteTemporaries(folder, _ => true);
    }

    // A temporary file's name is a dot, the name of the file that it was to become, a dot, 32 hexadecimal digits and .tmp.
    private static void DeleteTemporaries(string folder, Predicate<string> isMeant)
    {
        const int Random = 32, Around = 1 + 1 + Random + 4;
        foreach (var file in Directory.EnumerateFiles(folder, ".*.tmp", new EnumerationOptions { AttributesToSkip = 0 }))
        {
            var name = Path.GetFileName(file);
            if (name.Length > Around && name[^(Random + 5)] == '.' && Guid.TryParseExact(name.AsSpan(name.Length - Random - 4, Random), "N", out _)
                && isMeant(name[1..^(Random + 5)]))
                TryDelete(file);
        }
    }

    private static void TryDelete(string path)
    {
        try { File.Delete(path); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    // A rename is durable once the folder is on the disk. Windows and some file systems cannot flush folders; there the rename is atomic
    // all the same, so a failure here loses nothing but the promise that the new file survives a power cut in the next seconds.
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(folder, 0);
        if (descriptor < 0) return;
        _ = Fsync(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string path, string link);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
