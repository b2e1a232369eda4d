using System.Runtime.InteropServices;

namespace TorchZoo.Kernels;

/// <summary>Functions of libtorch that TorchSharp doesn't bind, by their C++ names: such as take and return numbers alone.</summary>
internal static class TorchExports
{
    /// <summary>A function's address; 0 if this build of libtorch doesn't export it.</summary>
    /// <param name="name">The name as GCC and Clang write it.</param>
    /// <param name="windowsName">The name as Microsoft's compiler writes it; null: it isn't looked for on Windows.</param>
    /// <param name="library">The library's name, without what a system puts around it.</param>
    public static nint Find(string name, string? windowsName = null, string library = "torch_cpu")
    {
        var sought = OperatingSystem.IsWindows() ? windowsName : name;
        return sought is not null && NativeLibrary.TryLoad(library, typeof(TorchSharp.torch).Assembly, null, out var handle)
            && NativeLibrary.TryGetExport(handle, sought, out var address) ? address : 0;
    }
}
