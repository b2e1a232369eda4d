using System.Runtime.InteropServices;

namespace TorchZoo.Testing;

/// <summary>Native memory that is in use, as the C library's allocator counts it: tensors on the CPU among it, freed memory that the allocator
/// keeps not. Linux with glibc only.</summary>
public static partial class LiveMemory
{
    /// <summary>Whether the allocator tells it.</summary>
    public static bool IsMeasurable { get; } = OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var library)
        && NativeLibrary.TryGetExport(library, "mallinfo2", out _);

    /// <summary>Bytes in use.</summary>
    public static long InUse
    {
        get
        {
            var counts = Query();
            return (long)(counts.InUse + counts.Mapped);
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallinfo2")]
    private static partial Counts Query();

    [StructLayout(LayoutKind.Sequential)]
    private struct Counts
    {
        public nuint Arena, FreeChunks, FastChunks, MappedChunks, Mapped, Unused, FastFree, InUse, Free, Trimmable;
    }
}
