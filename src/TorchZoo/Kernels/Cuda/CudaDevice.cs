using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cuda;

/// <summary>A GPU and the kernels that were compiled for it. It shares its context, and so its memory, with libtorch.</summary>
public sealed class CudaDevice
{
    private static readonly Lazy<CudaDevice[]> Devices = new(() =>
        [.. Enumerable.Range(0, CudaDriver.Instance.DeviceCount).Select(index => new CudaDevice(index))]);

    private readonly ConcurrentDictionary<(CudaSource, string), Lazy<CudaKernel>> _kernels = [];
    private readonly Lazy<nint> _context;

    private CudaDevice(int index)
    {
        var driver = CudaDriver.Instance;
        var device = driver.Device(index);
        Index = index;
        Name = driver.DeviceName(device);
        ComputeCapability = 10 * driver.DeviceAttribute(device, CudaDriver.CapabilityMajor)
            + driver.DeviceAttribute(device, CudaDriver.CapabilityMinor);
        Multiprocessors = driver.DeviceAttribute(device, CudaDriver.Multiprocessors);
        MaxSharedBytes = driver.DeviceAttribute(device, CudaDriver.MaxSharedBytesOptIn);
        // Kept until the process ends, like libtorch's.
        _context = new(() => driver.RetainPrimaryContext(device));
    }

    /// <summary>Why there is no GPU to be used, in words; null: there is one.</summary>
    public static string? Problem => CudaDriver.Problem ?? (Devices.Value.Length == 0 ? "NVIDIA's driver finds no GPU" : null);

    /// <summary>How many GPUs there are; 0 without a driver.</summary>
    public static int Count => CudaDriver.Problem is null ? Devices.Value.Length : 0;

    /// <summary>libtorch's number of it.</summary>
    public int Index { get; }

    /// <summary>The maker's name for it.</summary>
    public string Name { get; }

    /// <summary>Ten times the major plus the minor number: 80 for 8.0.</summary>
    public int ComputeCapability { get; }

    /// <summary>How many multiprocessors it has.</summary>
    public int Multiprocessors { get; }

    /// <summary>The most shared memory that a block can have.</summary>
    public int MaxSharedBytes { get; }

    /// <summary>The GPU of this number.</summary>
    /// <exception cref="DllNotFoundException">There is no driver.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such GPU.</exception>
    public static CudaDevice Get(int index)
    {
        var devices = Devices.Value;
        return index >= 0 && index < devices.Length ? devices[index]
            : throw new ArgumentOutOfRangeException(nameof(index), index, $"Expected one of {devices.Length} GPUs");
    }

    /// <summary>The GPU that a tensor is on.</summary>
    /// <exception cref="ArgumentException">It isn't on one.</exception>
    public static CudaDevice Of(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.device_type == DeviceType.CUDA ? Get(tensor.device_index)
            : throw new ArgumentException($"Expected a tensor on a GPU, got one on {tensor.device}", nameof(tensor));
    }

    /// <summary>A kernel, compiled at the first call and kept for this source object.</summary>
    /// <param name="source">The source; keep it in a static field.</param>
    /// <param name="name">The kernel's name as in C++, e.g. <c>forward&lt;float&gt;</c>.</param>
    /// <exception cref="CudaCompilationException">The source has an error, or no such kernel.</exception>
    /// <exception cref="DllNotFoundException">There is no compiler; the message says where was looked.</exception>
    /// <exception cref="NotSupportedException">The compiler doesn't make code for a GPU as old as this.</exception>
    public CudaKernel Kernel(CudaSource source, string name)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(name);
        var kernel = _kernels.GetOrAdd((source, name), static (key, device) => new(() => device.Load(key.Item1, key.Item2)), this);
        try { return kernel.Value; }
        catch
        {
            // Full memory, say, need not stay so.
            _kernels.TryRemove(new((source, name), kernel));
            throw;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"GPU {Index} ({Name})";

    /// <summary>Makes its context the current one of this thread, until the result is disposed of. libtorch's current device, which is the
    /// current context, is afterwards what it was.</summary>
    internal Entered Enter() => new(_context.Value);

    private CudaKernel Load(CudaSource source, string name)
    {
        var target = CudaCompiler.TargetFor(ComputeCapability, CudaCompiler.Architectures);
        var binary = CudaCompiler.Compile(source, name, target);
        using var entered = Enter();
        var module = CudaDriver.Instance.LoadModule(binary.Image, $"{source}, {name}, compiled for {target}, on {this}");
        return new CudaKernel(this, $"{source}, {name}", CudaDriver.Instance.Function(module, binary.EntryPoint), binary.ParameterSizes);
    }

    internal readonly ref struct Entered
    {
        private readonly bool _pushed;

        public Entered(nint context)
        {
            _pushed = CudaDriver.Instance.CurrentContext() != context;
            if (_pushed) CudaDriver.Instance.PushContext(context);
        }

        public void Dispose()
        {
            if (_pushed) CudaDriver.Instance.PopContext();
        }
    }
}
