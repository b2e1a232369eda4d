using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cuda;

/// <summary>A queue of work on a GPU.</summary>
/// <param name="Device">The GPU.</param>
/// <param name="Handle">CUDA's handle (CUstream); 0: the default stream.</param>
public readonly unsafe record struct CudaStream(CudaDevice Device, nint Handle)
{
    // c10::cuda::CUDAStream c10::cuda::getCurrentCUDAStream(DeviceIndex), cudaStream_t c10::cuda::CUDAStream::stream() const. Which
    // registers a C++ object comes back in is known for System V's calling convention; on Windows, libtorch's default stream is taken.
    private static readonly delegate* unmanaged<sbyte, TorchStream> CurrentOfTorch = (delegate* unmanaged<sbyte, TorchStream>)
        TorchExports.Find("_ZN3c104cuda20getCurrentCUDAStreamEa", library: "c10_cuda");
    private static readonly delegate* unmanaged<TorchStream*, nint> HandleOfTorch = (delegate* unmanaged<TorchStream*, nint>)
        TorchExports.Find("_ZNK3c104cuda10CUDAStream6streamEv", library: "c10_cuda");

    /// <summary>The stream that libtorch's operations go to on this thread; the default stream where that can't be told.</summary>
    public static CudaStream Current(CudaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (CurrentOfTorch == null || HandleOfTorch == null) return new(device, 0);
        var stream = CurrentOfTorch((sbyte)device.Index);
        return new(device, HandleOfTorch(&stream));
    }

    /// <summary>The same for the GPU that a tensor is on.</summary>
    /// <exception cref="ArgumentException">It isn't on one.</exception>
    public static CudaStream Of(Tensor tensor) => Current(CudaDevice.Of(tensor));

    /// <summary>Waits until all work in it is done.</summary>
    /// <exception cref="CudaException">Some of it failed.</exception>
    public void Synchronize()
    {
        using var entered = Device.Enter();
        CudaDriver.Instance.Synchronize(Handle);
    }

    // c10::Stream: device type and index (a byte each), stream number. An object of trivial type, 16 bytes long.
    private readonly struct TorchStream
    {
#pragma warning disable CS0169, IDE0051 // read by libtorch
        private readonly long _device, _id;
#pragma warning restore CS0169, IDE0051
    }
}
