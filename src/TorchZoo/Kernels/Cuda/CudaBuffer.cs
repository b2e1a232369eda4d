using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cuda;

/// <summary>Numbers in a GPU's memory, for kernels that work without tensors. Copies wait for the default stream.</summary>
/// <typeparam name="T">Type of the numbers.</typeparam>
public sealed unsafe class CudaBuffer<T> : IDisposable where T : unmanaged
{
    /// <summary>Memory with anything in it.</summary>
    /// <param name="device">The GPU.</param>
    /// <param name="length">How many numbers; may be 0.</param>
    /// <exception cref="CudaException">There isn't that much memory.</exception>
    public CudaBuffer(CudaDevice device, long length)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        (Device, Length) = (device, length);
        using var entered = device.Enter();
        if (length > 0) Address = CudaDriver.Instance.Allocate(length * Unsafe.SizeOf<T>());
    }

    /// <summary>A copy of numbers.</summary>
    public CudaBuffer(CudaDevice device, ReadOnlySpan<T> values) : this(device, values.Length) => CopyFrom(values);

    /// <summary>Without <see cref="Dispose"/>, the collector frees it some time.</summary>
    ~CudaBuffer()
    {
        // After a kernel's crash nothing can be freed any more, and nobody is here to be told.
        try { Free(); }
        catch (CudaException) { }
    }

    /// <summary>The GPU.</summary>
    public CudaDevice Device { get; }

    /// <summary>How many numbers.</summary>
    public long Length { get; }

    /// <summary>Address of the first on the GPU; 0 if there are none.</summary>
    public nint Address { get; private set; }

    /// <summary>Its address as a kernel's argument.</summary>
    public static implicit operator CudaArgument(CudaBuffer<T> buffer) => CudaArgument.Pointer(buffer.Address, buffer);

    /// <summary>Fills it.</summary>
    /// <exception cref="ArgumentException">There are more or fewer values.</exception>
    public void CopyFrom(ReadOnlySpan<T> values)
    {
        CheckLength(values.Length, nameof(values));
        using var entered = Device.Enter();
        fixed (T* source = values)
            if (Length > 0) CudaDriver.Instance.CopyToDevice(Address, source, Length * sizeof(T));
        GC.KeepAlive(this);
    }

    /// <summary>Reads it.</summary>
    /// <exception cref="ArgumentException">There is room for more or fewer values.</exception>
    public void CopyTo(Span<T> values)
    {
        CheckLength(values.Length, nameof(values));
        using var entered = Device.Enter();
        fixed (T* destination = values)
            if (Length > 0) CudaDriver.Instance.CopyToHost(destination, Address, Length * sizeof(T));
        GC.KeepAlive(this);
    }

    /// <summary>A copy of what is in it.</summary>
    public T[] ToArray()
    {
        var values = new T[Length];
        CopyTo(values);
        return values;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (Address == 0) return;
        using var entered = Device.Enter();
        CudaDriver.Instance.Free(Address);
        Address = 0;
    }

    private void CheckLength(int length, string name)
    {
        if (length != Length) throw new ArgumentException($"Expected {Length} values, got {length}", name);
    }
}
