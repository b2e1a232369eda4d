using System.Runtime.InteropServices;

namespace TorchZoo.Kernels.Cuda;

/// <summary>What is used of CUDA's driver. All but the first need a context: see <see cref="CudaDevice.Enter"/>.</summary>
internal sealed unsafe class CudaDriver
{
    // CUdevice_attribute and CUfunction_attribute
    public const int Multiprocessors = 16, CapabilityMajor = 75, CapabilityMinor = 76, MaxSharedBytesOptIn = 97;
    public const int MaxDynamicSharedBytes = 8;

    private static readonly Lazy<(CudaDriver? Driver, string? Problem)> Loaded = new(Load);

    private readonly delegate* unmanaged<int, byte**, int> _errorName, _errorString;
    private readonly delegate* unmanaged<int*, int> _deviceCount;
    private readonly delegate* unmanaged<int*, int, int> _device;
    private readonly delegate* unmanaged<byte*, int, int, int> _deviceName;
    private readonly delegate* unmanaged<int*, int, int, int> _deviceAttribute;
    private readonly delegate* unmanaged<nint*, int, int> _retainContext;
    private readonly delegate* unmanaged<nint*, int> _currentContext, _popContext;
    private readonly delegate* unmanaged<nint, int> _pushContext;
    private readonly delegate* unmanaged<nint*, byte*, int> _loadModule;
    private readonly delegate* unmanaged<nint*, nint, byte*, int> _function;
    private readonly delegate* unmanaged<nint, int, int, int> _setFunctionAttribute;
    private readonly delegate* unmanaged<int*, nint, int, nuint, int> _occupancy;
    private readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> _launch;
    private readonly delegate* unmanaged<nint*, nuint, int> _allocate;
    private readonly delegate* unmanaged<nint, int> _free, _synchronizeStream, _synchronizeEvent, _destroyEvent;
    private readonly delegate* unmanaged<nint, void*, nuint, int> _toDevice;
    private readonly delegate* unmanaged<void*, nint, nuint, int> _toHost;
    private readonly delegate* unmanaged<nint*, uint, int> _createEvent;
    private readonly delegate* unmanaged<nint, nint, int> _recordEvent;
    private readonly delegate* unmanaged<float*, nint, nint, int> _elapsed;

    private CudaDriver(nint library)
    {
        nint Get(string name) => NativeLibrary.GetExport(library, name);
        _errorName = (delegate* unmanaged<int, byte**, int>)Get("cuGetErrorName");
        _errorString = (delegate* unmanaged<int, byte**, int>)Get("cuGetErrorString");
        _deviceCount = (delegate* unmanaged<int*, int>)Get("cuDeviceGetCount");
        _device = (delegate* unmanaged<int*, int, int>)Get("cuDeviceGet");
        _deviceName = (delegate* unmanaged<byte*, int, int, int>)Get("cuDeviceGetName");
        _deviceAttribute = (delegate* unmanaged<int*, int, int, int>)Get("cuDeviceGetAttribute");
        _retainContext = (delegate* unmanaged<nint*, int, int>)Get("cuDevicePrimaryCtxRetain");
        _currentContext = (delegate* unmanaged<nint*, int>)Get("cuCtxGetCurrent");
        _pushContext = (delegate* unmanaged<nint, int>)Get("cuCtxPushCurrent_v2");
        _popContext = (delegate* unmanaged<nint*, int>)Get("cuCtxPopCurrent_v2");
        _loadModule = (delegate* unmanaged<nint*, byte*, int>)Get("cuModuleLoadData");
        _function = (delegate* unmanaged<nint*, nint, byte*, int>)Get("cuModuleGetFunction");
        _setFunctionAttribute = (delegate* unmanaged<nint, int, int, int>)Get("cuFuncSetAttribute");
        _occupancy = (delegate* unmanaged<int*, nint, int, nuint, int>)Get("cuOccupancyMaxActiveBlocksPerMultiprocessor");
        _launch = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)Get("cuLaunchKernel");
        _allocate = (delegate* unmanaged<nint*, nuint, int>)Get("cuMemAlloc_v2");
        _free = (delegate* unmanaged<nint, int>)Get("cuMemFree_v2");
        _toDevice = (delegate* unmanaged<nint, void*, nuint, int>)Get("cuMemcpyHtoD_v2");
        _toHost = (delegate* unmanaged<void*, nint, nuint, int>)Get("cuMemcpyDtoH_v2");
        _synchronizeStream = (delegate* unmanaged<nint, int>)Get("cuStreamSynchronize");
        _createEvent = (delegate* unmanaged<nint*, uint, int>)Get("cuEventCreate");
        _recordEvent = (delegate* unmanaged<nint, nint, int>)Get("cuEventRecord");
        _synchronizeEvent = (delegate* unmanaged<nint, int>)Get("cuEventSynchronize");
        _elapsed = (delegate* unmanaged<float*, nint, nint, int>)Get("cuEventElapsedTime");
        _destroyEvent = (delegate* unmanaged<nint, int>)Get("cuEventDestroy_v2");
        Check(((delegate* unmanaged<uint, int>)Get("cuInit"))(0), "starting CUDA's driver");
    }

    /// <summary>Why there is no driver, or none that works; null: there is one.</summary>
    public static string? Problem => Loaded.Value.Problem;

    /// <summary>The one of this process.</summary>
    /// <exception cref="DllNotFoundException">There is none.</exception>
    public static CudaDriver Instance => Loaded.Value.Driver ?? throw new DllNotFoundException(Loaded.Value.Problem);

    private static (CudaDriver? Driver, string? Problem) Load()
    {
        var name = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";
        if (!NativeLibrary.TryLoad(name, out var library)) return (null, $"NVIDIA's driver ({name}) is not installed");
        try { return (new CudaDriver(library), null); }
        catch (EntryPointNotFoundException e) { return (null, $"NVIDIA's driver is too old: {e.Message}"); }
        catch (CudaException e) { return (null, e.Message); }
    }

    public int DeviceCount
    {
        get
        {
            int count;
            Check(_deviceCount(&count), "counting GPUs");
            return count;
        }
    }

    public int Device(int index)
    {
        int device;
        Check(_device(&device, index), $"finding GPU {index}");
        return device;
    }

    public string DeviceName(int device)
    {
        const int Size = 256;
        var name = stackalloc byte[Size];
        Check(_deviceName(name, Size, device), "asking for a GPU's name");
        return Marshal.PtrToStringUTF8((nint)name)!;
    }

    public int DeviceAttribute(int device, int attribute)
    {
        int value;
        Check(_deviceAttribute(&value, attribute, device), $"asking for attribute {attribute} of a GPU");
        return value;
    }

    public nint RetainPrimaryContext(int device)
    {
        nint context;
        Check(_retainContext(&context, device), "opening a GPU's context");
        return context;
    }

    public nint CurrentContext()
    {
        nint context;
        Check(_currentContext(&context), "asking for the current context");
        return context;
    }

    public void PushContext(nint context) => Check(_pushContext(context), "entering a GPU's context");

    public void PopContext()
    {
        nint context;
        Check(_popContext(&context), "leaving a GPU's context");
    }

    /// <summary>Loads machine code or PTX, which ends in a zero.</summary>
    public nint LoadModule(ReadOnlySpan<byte> image, string what)
    {
        nint module;
        fixed (byte* first = image) Check(_loadModule(&module, first), $"loading {what}");
        return module;
    }

    public nint Function(nint module, string name)
    {
        var text = Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            nint function;
            Check(_function(&function, module, (byte*)text), $"finding kernel {name}");
            return function;
        }
        finally { Marshal.FreeCoTaskMem(text); }
    }

    public void SetFunctionAttribute(nint function, int attribute, int value, string what) =>
        Check(_setFunctionAttribute(function, attribute, value), what);

    public int Occupancy(nint function, int threads, int sharedBytes)
    {
        int blocks;
        Check(_occupancy(&blocks, function, threads, (nuint)sharedBytes), "asking for a kernel's occupancy");
        return blocks;
    }

    public void Launch(nint function, Dim3 grid, Dim3 block, int sharedBytes, nint stream, void** arguments, string what) =>
        Check(_launch(function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)block.X, (uint)block.Y, (uint)block.Z, (uint)sharedBytes,
            stream, arguments, null), what);

    public nint Allocate(long bytes)
    {
        nint address;
        Check(_allocate(&address, (nuint)bytes), $"allocating {bytes} bytes on a GPU");
        return address;
    }

    public void Free(nint address) => Check(_free(address), "freeing memory of a GPU");

    public void CopyToDevice(nint destination, void* source, long bytes) =>
        Check(_toDevice(destination, source, (nuint)bytes), $"copying {bytes} bytes to a GPU");

    public void CopyToHost(void* destination, nint source, long bytes) =>
        Check(_toHost(destination, source, (nuint)bytes), $"copying {bytes} bytes from a GPU");

    public void Synchronize(nint stream) => Check(_synchronizeStream(stream), "waiting for a GPU's stream");

    public nint CreateEvent()
    {
        nint created;
        Check(_createEvent(&created, 0), "making an event");
        return created;
    }

    public void RecordEvent(nint toRecord, nint stream) => Check(_recordEvent(toRecord, stream), "recording an event");

    public void SynchronizeEvent(nint toAwait) => Check(_synchronizeEvent(toAwait), "waiting for an event");

    public float Elapsed(nint from, nint to)
    {
        float milliseconds;
        Check(_elapsed(&milliseconds, from, to), "asking for the time between events");
        return milliseconds;
    }

    public void DestroyEvent(nint toDestroy) => Check(_destroyEvent(toDestroy), "freeing an event");

    private void Check(int result, string what)
    {
        if (result == 0) return;
        byte* name = null, text = null;
        _ = _errorName(result, &name);
        _ = _errorString(result, &text);
        throw new CudaException(what, result, Marshal.PtrToStringUTF8((nint)name) ?? "unknown",
            Marshal.PtrToStringUTF8((nint)text) ?? "an error that the driver has no words for");
    }
}
