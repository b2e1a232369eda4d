using System.Runtime.InteropServices;
using TorchZoo.Kernels.Cuda;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>NVIDIA's NCCL between the GPUs of a group: one GPU a rank. Its work joins torch's stream, so nobody waits for it.</summary>
internal sealed unsafe class NcclCommunicator
{
    // Of ncclDataType_t and ncclRedOp_t.
    private const int Int32 = 2, Int64 = 4, Float32 = 7, Float64 = 8, Sum = 0, Product = 1, Max = 2, Min = 3;

    private static readonly nint Library = NativeLibrary.TryLoad("libnccl.so.2", out var library) ? library : 0;

    private readonly nint _communicator;
    private readonly int _device;
    private readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> _allReduce;

    private NcclCommunicator(nint communicator, int device)
    {
        (_communicator, _device) = (communicator, device);
        _allReduce = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)NativeLibrary.GetExport(Library, "ncclAllReduce");
    }

    /// <summary>Connects the GPUs of a group.</summary>
    /// <param name="group">All ranks call it at the same time.</param>
    /// <param name="tensor">A tensor on this rank's GPU.</param>
    /// <returns>Null, on all ranks, if one of them has no NCCL or can't connect (two ranks on one GPU).</returns>
    public static NcclCommunicator? Connect(ProcessGroup group, Tensor tensor)
    {
        if (group.Any(Library == 0)) return null;
        using var entered = CudaDevice.Of(tensor).Enter();
        Name name = default;
        var failed = group.IsFirst
            && ((delegate* unmanaged<Name*, int>)NativeLibrary.GetExport(Library, "ncclGetUniqueId"))(&name) != 0;
        if (group.Any(failed)) return null;
        var names = group.AllGather(new ReadOnlySpan<byte>(&name, sizeof(Name)));
        name = MemoryMarshal.Read<Name>(names[0]);
        nint communicator = 0;
        var connect = (delegate* unmanaged<nint*, int, Name, int, int>)NativeLibrary.GetExport(Library, "ncclCommInitRank");
        return group.Any(connect(&communicator, group.Size, name, group.Rank) != 0) ? null : new(communicator, tensor.device_index);
    }

    /// <summary>Reduces a contiguous tensor in place.</summary>
    /// <param name="tensor">On the GPU with which it connected.</param>
    /// <param name="count">How many numbers.</param>
    /// <param name="type">Their type.</param>
    /// <param name="op">How.</param>
    /// <exception cref="InvalidOperationException">The tensor is on another GPU, or NCCL failed.</exception>
    public void AllReduce(Tensor tensor, long count, ScalarType type, ReduceOp op)
    {
        if (tensor.device_index != _device)
            throw new InvalidOperationException($"rank's GPU is {_device}, the tensor is on {tensor.device_index}");
        using var entered = CudaDevice.Of(tensor).Enter();
        var address = Checkpoints.TensorMemory.Address(tensor);
        var code = _allReduce(address, address, (nuint)count, TypeOf(type), OpOf(op), _communicator, CudaStream.Of(tensor).Handle);
        GC.KeepAlive(tensor);
        if (code != 0) throw new InvalidOperationException($"ncclAllReduce: error {code}");
    }

    private static int TypeOf(ScalarType type) => type switch
    {
        ScalarType.Int32 => Int32,
        ScalarType.Int64 => Int64,
        ScalarType.Float32 => Float32,
        ScalarType.Float64 => Float64,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    private static int OpOf(ReduceOp op) => op switch
    {
        ReduceOp.Sum => Sum,
        ReduceOp.Product => Product,
        ReduceOp.Max => Max,
        _ => Min,
    };

    // ncclUniqueId, which is passed by value.
    private struct Name
    {
        public fixed byte Bytes[128];
    }
}
