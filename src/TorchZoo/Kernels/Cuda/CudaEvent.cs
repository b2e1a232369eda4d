namespace TorchZoo.Kernels.Cuda;

/// <summary>A mark in a stream, to wait for or to measure time from.</summary>
public sealed class CudaEvent : IDisposable
{
    private readonly CudaDevice _device;
    private nint _handle;

    /// <summary>Puts a mark behind the work that is in a stream now.</summary>
    public CudaEvent(CudaStream stream)
    {
        _device = stream.Device;
        using var entered = _device.Enter();
        _handle = CudaDriver.Instance.CreateEvent();
        CudaDriver.Instance.RecordEvent(_handle, stream.Handle);
    }

    /// <summary>Waits until the work before it is done.</summary>
    /// <exception cref="CudaException">Some of it failed.</exception>
    public void Synchronize()
    {
        using var entered = _device.Enter();
        CudaDriver.Instance.SynchronizeEvent(_handle);
    }

    /// <summary>Time from an earlier event to this one, by the GPU's clock. Both have happened.</summary>
    public TimeSpan Since(CudaEvent earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        using var entered = _device.Enter();
        return TimeSpan.FromMilliseconds(CudaDriver.Instance.Elapsed(earlier._handle, _handle));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle == 0) return;
        using var entered = _device.Enter();
        CudaDriver.Instance.DestroyEvent(_handle);
        _handle = 0;
    }
}
