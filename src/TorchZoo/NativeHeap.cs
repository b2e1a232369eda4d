using System.Runtime.InteropServices;

namespace TorchZoo;

/// <summary>
/// Settings of the C library's allocator, from which libtorch takes its CPU memory. Left alone, glibc hands large blocks back to the system
/// as soon as they are freed, and every operation's result then costs a page fault for each 4 KB when it is written: more than
/// the operation itself, and ten times more in a virtual machine.
/// </summary>
public static partial class NativeHeap
{
    private const int TrimThreshold = -1; // M_TRIM_THRESHOLD
    private const int MmapThreshold = -3; // M_MMAP_THRESHOLD
    private const int LargestMmapThreshold = 32 << 20; // glibc refuses more
    private static readonly Lazy<bool> s_kept = new(Keep);

    /// <summary>
    /// Lets the process keep up to half a gigabyte of freed memory for its next tensors. It acts once a process, on Linux with glibc,
    /// unless the user has set <c>MALLOC_TRIM_THRESHOLD_</c>, <c>MALLOC_MMAP_THRESHOLD_</c> or <c>GLIBC_TUNABLES</c>.
    /// </summary>
    /// <returns>Whether the settings are in force.</returns>
    public static bool KeepFreedMemory() => s_kept.Value;

    private static bool Keep()
    {
        string[] byUser = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"];
        if (!OperatingSystem.IsLinux() || byUser.Any(name => Environment.GetEnvironmentVariable(name) is not null)) return false;
        try
        {
            return mallopt(MmapThreshold, LargestMmapThreshold) == 1 && mallopt(TrimThreshold, 512 << 20) == 1;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return false; // another C library (musl)
        }
    }

    [LibraryImport("libc.so.6")]
    private static partial int mallopt(int parameter, int value);
}
