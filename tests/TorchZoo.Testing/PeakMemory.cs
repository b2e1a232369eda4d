using System.Globalization;

namespace TorchZoo.Testing;

/// <summary>How much memory a piece of work needs at its worst moment, beyond what the process has before it. Linux only.</summary>
public static class PeakMemory
{
    /// <summary>Whether the system tells it, and lets the high-water mark be set back.</summary>
    public static bool IsMeasurable => OperatingSystem.IsLinux() && TryReset();

    /// <summary>Bytes of resident memory at the worst moment of an action minus those before it.</summary>
    public static long Of(Action action)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (!TryReset()) throw new PlatformNotSupportedException("the high-water mark of resident memory cannot be set back");
        var before = Read("VmRSS:");
        action();
        return Read("VmHWM:") - before;
    }

    private static bool TryReset()
    {
        const string HighWaterMark = "5";
        try { File.WriteAllText("/proc/self/clear_refs", HighWaterMark); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return false; }
        return true;
    }

    private static long Read(string field)
    {
        var line = File.ReadLines("/proc/self/status").Single(l => l.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Trim(), CultureInfo.InvariantCulture) << 10;
    }
}
