using System.Runtime.InteropServices;

namespace TorchZoo.Kernels.Cuda;

/// <summary>Where the library of CUDA's run-time compiler may be. Its name changes with the version; what it can do, hardly.</summary>
internal static class NvrtcLibrary
{
    // Newest first. The number is that of the interface: all of CUDA 11.2 to 11.8 is 11.2.
    private static readonly string[] SystemNames = OperatingSystem.IsWindows()
        ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"]
        : ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"];

    /// <summary>What is tried, in order: files beside libtorch (CUDA builds bring the compiler), in the folders of CUDA's toolkit, and the
    /// names that the system's loader may know.</summary>
    public static IReadOnlyList<string> Candidates() =>
        [.. TorchFolders().Concat(ToolkitFolders()).SelectMany(FilesIn).Concat(SystemNames)];

    /// <summary>The first that loads.</summary>
    /// <param name="candidates">Paths or names.</param>
    /// <exception cref="DllNotFoundException">None does; the message says what was tried.</exception>
    public static (nint Handle, string Path) Load(IReadOnlyList<string> candidates)
    {
        foreach (var candidate in candidates)
            if (NativeLibrary.TryLoad(candidate, out var handle)) return (handle, candidate);
        throw new DllNotFoundException("CUDA's run-time compiler (NVRTC) was not found, so CUDA kernels can't be compiled. A CUDA build of "
            + "libtorch brings it (package TorchSharp-cuda-linux or -windows); else install the CUDA toolkit, or Debian's package "
            + $"libnvrtc11.2. Looked beside libtorch, in the folders of CUDA_HOME and CUDA_PATH, and tried: "
            + $"{string.Join(", ", candidates)}");
    }

    /// <summary>The files in a folder that are the compiler, by their names; none if there is no such folder.</summary>
    public static IEnumerable<string> FilesIn(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        var pattern = OperatingSystem.IsWindows() ? "nvrtc64_*.dll" : "libnvrtc*.so*";
        // Beside it lie its built-in functions, and a build with another way to find those.
        return Directory.EnumerateFiles(folder, pattern)
            .Where(file => !Path.GetFileName(file).Contains("builtins", StringComparison.Ordinal)
                && !Path.GetFileName(file).Contains("alt", StringComparison.Ordinal))
            .OrderDescending(StringComparer.Ordinal);
    }

    // Where .NET looks for native libraries: the program's folder, its runtimes folder or the package cache.
    private static IEnumerable<string> TorchFolders() =>
        (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append(AppContext.BaseDirectory)
            .Append(Path.Combine(AppContext.BaseDirectory, "runtimes", OperatingSystem.IsWindows() ? "win-x64" : "linux-x64", "native"))
            .Distinct();

    private static IEnumerable<string> ToolkitFolders()
    {
        string?[] roots =
            [Environment.GetEnvironmentVariable("CUDA_HOME"), Environment.GetEnvironmentVariable("CUDA_PATH"), "/usr/local/cuda"];
        foreach (var root in roots)
            foreach (var folder in new[] { "lib64", "lib", "targets/x86_64-linux/lib", "bin", "bin/x64" })
                if (!string.IsNullOrEmpty(root)) yield return Path.Combine(root, folder);
    }
}
