using TorchSharp;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Distributed;

/// <summary>A tensor's elements in memory that MPI can reach, one after the other: the tensor's own where possible, else a copy (of a GPU's
/// tensors: in pinned memory), which is written back.</summary>
internal sealed class HostMemory : IDisposable
{
    private readonly Tensor _tensor, _host;

    private HostMemory(Tensor tensor, Tensor host) => (_tensor, _host) = (tensor, host);

    /// <summary>The first element.</summary>
    public nint Address => TensorMemory.Address(_host);

    /// <summary>How many there are.</summary>
    public long Elements => _host.numel();

    /// <summary>How many bytes they are.</summary>
    public long Bytes => Elements * TensorMemory.ElementSize(_host.dtype);

    /// <summary>Memory of a tensor.</summary>
    public static HostMemory Of(Tensor tensor)
    {
        using var off = no_grad();
        // Aliases: they live as long as the operation, whatever becomes of the caller's objects.
        var own = tensor.detach().DetachFromDisposeScope();
        if (tensor.device_type == DeviceType.CPU && tensor.is_contiguous()) return new HostMemory(own, own);
        using var scope = NewDisposeScope();
        var host = empty(tensor.shape, tensor.dtype);
        if (tensor.device_type == DeviceType.CUDA) host = host.pin_memory();
        host.copy_(own);
        return new HostMemory(own, host.DetachFromDisposeScope());
    }

    /// <summary>Memory of another tensor whose values are written back to the first one, in its type.</summary>
    /// <param name="host">Contiguous; it now belongs to this object.</param>
    /// <param name="tensor">Where they go.</param>
    public static HostMemory Of(Tensor host, Tensor tensor)
    {
        var own = tensor.detach().DetachFromDisposeScope();
        if (host.device_type == DeviceType.CPU && host.is_contiguous()) return new HostMemory(own, host);
        using (host)
        using (NewDisposeScope())
        {
            var copy = empty(host.shape, host.dtype);
            copy.copy_(host);
            return new HostMemory(own, copy.DetachFromDisposeScope());
        }
    }

    /// <summary>Puts the elements where they came from.</summary>
    public void WriteBack()
    {
        if (ReferenceEquals(_tensor, _host)) return;
        using var off = no_grad();
        _tensor.copy_(_host);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tensor.Dispose();
        _host.Dispose();
    }
}
