using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cuda;

/// <summary>A kernel that is loaded on a GPU.</summary>
public sealed unsafe class CudaKernel
{
    private const int ThreadsOfABlock = 256;
    // From here on CUDA wants to be asked.
    private const int SharedBytesAtOnce = 48 << 10;

    private readonly string _name;
    private readonly nint _function;
    private readonly IReadOnlyList<int> _parameterSizes;
    private readonly Lock _growing = new();
    private int _sharedBytes = SharedBytesAtOnce;

    internal CudaKernel(CudaDevice device, string name, nint function, IReadOnlyList<int> parameterSizes) =>
        (Device, _name, _function, _parameterSizes) = (device, name, function, parameterSizes);

    /// <summary>The GPU.</summary>
    public CudaDevice Device { get; }

    /// <summary>Puts a run of the kernel into a stream and doesn't wait for it. Where the grid has no blocks, nothing happens.</summary>
    /// <remarks>
    /// Tensors are kept until the run is queued. They may be freed right then: libtorch gives their memory only to work that is queued
    /// after it in the stream on which they were made, which is <see cref="CudaStream.Current"/> unless you changed that in between.
    /// </remarks>
    /// <param name="grid">Blocks.</param>
    /// <param name="block">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block.</param>
    /// <param name="stream">The stream, usually <see cref="CudaStream.Current"/>.</param>
    /// <param name="arguments">The kernel's arguments in their order.</param>
    /// <exception cref="ArgumentException">Number or sizes of the arguments aren't the kernel's, a tensor or the stream is on another
    /// device, or a size is out of range.</exception>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public void Launch(Dim3 grid, Dim3 block, int sharedBytes, CudaStream stream, params ReadOnlySpan<CudaArgument> arguments)
    {
        if (stream.Device != Device)
            throw new ArgumentException($"Expected a stream of {Device}, got one of {stream.Device}", nameof(stream));
        if (grid.X < 0 || grid.Y < 0 || grid.Z < 0) throw new ArgumentException($"Expected sizes from 0, got {grid}", nameof(grid));
        if (block.X < 1 || block.Y < 1 || block.Z < 1 || block.Count > 1024)
            throw new ArgumentException($"Expected 1 to 1024 threads, got {block}", nameof(block));
        if (sharedBytes < 0 || sharedBytes > Device.MaxSharedBytes)
            throw new ArgumentException($"Expected at most {Device.MaxSharedBytes} bytes on {Device}, got {sharedBytes}",
                nameof(sharedBytes));
        CheckSizes(_name, _parameterSizes, arguments);
        for (var i = 0; i < arguments.Length; i++) CheckDevice(i, arguments[i].Owner);
        if (grid.Count == 0) return;

        var room = 0;
        foreach (var argument in arguments) room += Aligned(argument.Size);
        var bytes = stackalloc byte[room];
        var pointers = stackalloc void*[arguments.Length];
        for (int i = 0, at = 0; i < arguments.Length; at += Aligned(arguments[i].Size), i++)
        {
            pointers[i] = bytes + at;
            arguments[i].CopyTo(new Span<byte>(bytes + at, arguments[i].Size));
        }
        using (Device.Enter())
        {
            AllowShared(sharedBytes);
            CudaDriver.Instance.Launch(_function, grid, block, sharedBytes, stream.Handle, pointers, $"starting {_name} {grid} × {block}");
        }
        foreach (var argument in arguments) GC.KeepAlive(argument.Owner);

        static int Aligned(int size) => (size + 15) & ~15;
    }

    /// <summary>Launches a kernel that goes over its items in a grid-stride loop (<c>grid_range</c>): as many blocks of 256 threads as the
    /// items need, and no more than keep the GPU busy.</summary>
    /// <param name="items">How many items; with none nothing happens.</param>
    /// <param name="stream">The stream, usually <see cref="CudaStream.Current"/>.</param>
    /// <param name="arguments">The kernel's arguments in their order.</param>
    /// <inheritdoc cref="Launch"/>
    public void LaunchFor(long items, CudaStream stream, params ReadOnlySpan<CudaArgument> arguments)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(items);
        const int BlocksOfAMultiprocessor = 32;
        var blocks = Math.Min((items + ThreadsOfABlock - 1) / ThreadsOfABlock, (long)Device.Multiprocessors * BlocksOfAMultiprocessor);
        Launch((int)blocks, ThreadsOfABlock, 0, stream, arguments);
    }

    /// <summary>Launches a kernel that goes over numbers in packs of 16 bytes (<c>packs</c>).</summary>
    /// <param name="numbers">How many numbers; with none nothing happens.</param>
    /// <param name="type">Their type.</param>
    /// <param name="stream">The stream, usually <see cref="CudaStream.Current"/>.</param>
    /// <param name="arguments">The kernel's arguments in their order.</param>
    /// <inheritdoc cref="Launch"/>
    public void LaunchForPacks(long numbers, ScalarType type, CudaStream stream, params ReadOnlySpan<CudaArgument> arguments)
    {
        var pack = 16 / Checkpoints.TensorMemory.ElementSize(type);
        LaunchFor((numbers + pack - 1) / pack, stream, arguments);
    }

    /// <summary>How many blocks a multiprocessor holds at a time.</summary>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block.</param>
    public int BlocksPerMultiprocessor(int threads, int sharedBytes = 0)
    {
        using var entered = Device.Enter();
        AllowShared(sharedBytes);
        return CudaDriver.Instance.Occupancy(_function, threads, sharedBytes);
    }

    /// <inheritdoc/>
    public override string ToString() => _name;

    internal static void CheckSizes(string kernel, IReadOnlyList<int> expected, ReadOnlySpan<CudaArgument> arguments)
    {
        if (arguments.Length != expected.Count)
            throw new ArgumentException($"Expected {expected.Count} arguments for {kernel}, got {arguments.Length}", nameof(arguments));
        for (var i = 0; i < arguments.Length; i++)
            if (arguments[i].Size != expected[i])
                throw new ArgumentException($"Expected {expected[i]} bytes for argument {i} of {kernel}, got {arguments[i].Size}",
                    nameof(arguments));
    }

    private void CheckDevice(int i, object? owner)
    {
        if (owner is Tensor tensor && (tensor.device_type != DeviceType.CUDA || tensor.device_index != Device.Index))
            throw new ArgumentException($"Expected a tensor on {Device} as argument {i} of {_name}, got one on {tensor.device}",
                "arguments");
    }

    private void AllowShared(int bytes)
    {
        lock (_growing)
        {
            if (bytes <= _sharedBytes) return;
            CudaDriver.Instance.SetFunctionAttribute(_function, CudaDriver.MaxDynamicSharedBytes, bytes,
                $"giving {_name} {bytes} bytes of shared memory");
            _sharedBytes = bytes;
        }
    }
}
