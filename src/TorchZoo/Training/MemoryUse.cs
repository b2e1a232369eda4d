using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>How much memory is in use.</summary>
internal static unsafe class MemoryUse
{
    // The driver's own library: its name and functions are the same for all versions of CUDA.
    private static readonly Lazy<nint> Query = new(() =>
        NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out var driver)
        && NativeLibrary.TryGetExport(driver, "cuMemGetInfo_v2", out var function) ? function : 0);

    /// <summary>Resident memory of this process in bytes.</summary>
    public static long OfProcess => Environment.WorkingSet;

    /// <summary>Memory of a GPU that is taken, by this process and others, in bytes; null where it can't be known. It is asked of the device
    /// that the calling thread uses.</summary>
    public static long? Of(Device device)
    {
        if (device.type != DeviceType.CUDA || Query.Value == 0) return null;
        nuint free, total;
        return ((delegate* unmanaged<nuint*, nuint*, int>)Query.Value)(&free, &total) == 0 ? (long)(total - free) : null;
    }
}
