using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>libtorch's count of the changes that were made to a tensor in place.</summary>
internal static unsafe class TensorVersion
{
    // int64_t at::_ops::_version::call(const at::Tensor&); a TorchSharp handle is the address of an at::Tensor.
    private static readonly delegate* unmanaged<nint, long> Version =
        (delegate* unmanaged<nint, long>)TorchExports.Find("_ZN2at4_ops8_version4callERKNS_6TensorE");

    /// <summary>Whether this build of libtorch tells.</summary>
    public static bool IsKnown => Version != null;

    /// <summary>The count.</summary>
    public static long Of(Tensor tensor)
    {
        var version = Version(tensor.Handle);
        GC.KeepAlive(tensor);
        return version;
    }
}
