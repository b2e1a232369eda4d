using System.Runtime.InteropServices;
using TorchSharp;
using TorchZoo.Kernels;

namespace TorchZoo;

/// <summary>Loads libtorch, says in plain words what is wrong when that fails, and sets it up for training.</summary>
public static class TorchRuntime
{
    private static readonly Lazy<string?> Settings = new(SetUp);

    /// <summary>What is out of the ordinary with libtorch on this machine, in a sentence; null if nothing is. Known after
    /// <see cref="EnsureLoaded"/>.</summary>
    public static string? Notice => Settings.IsValueCreated ? Settings.Value : null;

    /// <summary>
    /// Loads the native libraries of TorchSharp, or explains why they cannot be loaded. Call it once before the first tensor: TorchSharp's
    /// own attempt ends in a trace that hides the loader's reason. It also lets the process keep freed memory (<see cref="NativeHeap"/>) and
    /// switches off oneDNN where that computes wrong gradients (<see cref="Notice"/>).
    /// </summary>
    /// <exception cref="DllNotFoundException">The libraries are missing, or the system's loader refuses them; the message says which
    /// library, the reason given by the loader, and what to do about it.</exception>
    public static void EnsureLoaded()
    {
        if (OperatingSystem.IsLinux())
        {
            // With the full path the loader's message names the true cause, and TorchSharp then finds the library loaded.
            if (LibTorchSharp() is { } path)
            {
                try { NativeLibrary.Load(path); }
                catch (DllNotFoundException e) { throw new DllNotFoundException(Explain(path, LastLine(e.Message)), e); }
            }
            // TorchSharp would now copy half a gigabyte out of the package cache, and still not load it.
            else if (IsProgramOfItsOwn && !NativeLibrary.TryLoad("LibTorchSharp", typeof(torch).Assembly, null, out _))
                throw new DllNotFoundException(Explain(null, "there is no libLibTorchSharp.so"));
        }
        try { torch.InitializeDeviceType(DeviceType.CPU); }
        catch (Exception e) when (e is NotSupportedException or TypeInitializationException or DllNotFoundException)
        {
            throw new DllNotFoundException(Explain(null, (e.InnerException ?? e).Message), e);
        }
        _ = Settings.Value;
    }

    private static string? SetUp()
    {
        NativeHeap.KeepFreedMemory();
        return OneDnn.SwitchOffIfWrong();
    }

    // Not a notebook, whose assemblies lie in the package cache.
    private static bool IsProgramOfItsOwn =>
        Path.GetDirectoryName(typeof(torch).Assembly.Location) == Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);

    // .NET puts general advice before what the system's loader says.
    private static string LastLine(string message) => message.Trim().Split('\n')[^1];

    // Where the build puts it: beside the program (published for one platform) or in its runtimes folder.
    private static string? LibTorchSharp() =>
        new[] { "", Path.Combine("runtimes", "linux-x64", "native") }
            .Select(folder => Path.Combine(AppContext.BaseDirectory, folder, "libLibTorchSharp.so"))
            .FirstOrDefault(File.Exists);

    private static string Explain(string? path, string reason)
    {
        var advice = reason switch
        {
            _ when RuntimeInformation.OSArchitecture != Architecture.X64 && OperatingSystem.IsLinux() =>
                $"libtorch for Linux exists for x64 only; this machine is {RuntimeInformation.OSArchitecture}.",
            _ when reason.Contains("GLIBCXX_", StringComparison.Ordinal) =>
                "The C++ library of this system is older than the one TorchSharp was built with. TorchZoo's build replaces that file by "
                + "one that loads: rebuild with `dotnet build` (and without TorchZooLoadableLibTorchSharp=false). A copy made by other "
                + "means needs libstdc++ 13.2 or newer.",
            _ when reason.Contains("GLIBC_", StringComparison.Ordinal) =>
                "libtorch needs glibc 2.28 or newer (Debian 10, Ubuntu 18.10, RHEL 8).",
            _ when reason.Contains("libcuda", StringComparison.Ordinal) || reason.Contains("libcu", StringComparison.Ordinal) =>
                "This is a CUDA build and a CUDA library is missing: install the NVIDIA driver, or build with -p:TorchBackend=cpu.",
            _ when reason.Contains("libtorch", StringComparison.Ordinal) || path is null =>
                "libtorch is not beside the program: reference the package TorchSharp-cpu (or TorchSharp-cuda-linux) in the project "
                + "that is run, and build again.",
            _ => "Delete the folders bin and obj and build again; if that does not help, check free disk space.",
        };
        return $"libtorch cannot be loaded{(path is null ? $" from {AppContext.BaseDirectory}" : $" from {path}")}.{Environment.NewLine}"
             + $"  Reason: {reason.Trim()}{Environment.NewLine}  What to do: {advice}";
    }
}
