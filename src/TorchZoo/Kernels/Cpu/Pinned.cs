using TorchSharp;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// The memory of a contiguous tensor on the CPU, there until this is disposed. Everything is checked before the address is taken.
/// </summary>
/// <typeparam name="T">Type of the elements: float, double, int, long or byte.</typeparam>
/// <example><code>using var x = Pinned&lt;float&gt;.Of(input, nameof(input));</code></example>
public readonly unsafe struct Pinned<T> : IDisposable
    where T : unmanaged
{
    private readonly Tensor _tensor;

    private Pinned(Tensor tensor)
    {
        _tensor = tensor;
        Length = tensor.numel();
        Pointer = (T*)TensorMemory.Pointer(tensor);
    }

    /// <summary>The first element; null if there is none.</summary>
    public T* Pointer { get; }

    /// <summary>How many elements.</summary>
    public long Length { get; }

    private static ScalarType ElementType =>
        typeof(T) == typeof(float) ? ScalarType.Float32
        : typeof(T) == typeof(double) ? ScalarType.Float64
        : typeof(T) == typeof(int) ? ScalarType.Int32
        : typeof(T) == typeof(long) ? ScalarType.Int64
        : typeof(T) == typeof(byte) ? ScalarType.Byte
        : throw new NotSupportedException($"no tensor of {typeof(T)} can be pinned");

    /// <summary>A tensor's memory.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="parameter">The caller's name of it, for messages.</param>
    /// <exception cref="ArgumentException">It isn't a contiguous CPU tensor of <typeparamref name="T"/>.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public static Pinned<T> Of(Tensor tensor, string parameter)
    {
        ArgumentNullException.ThrowIfNull(tensor, parameter);
        ObjectDisposedException.ThrowIf(tensor.IsInvalid, tensor);
        if (tensor.device_type != DeviceType.CPU) throw new ArgumentException($"expected a tensor on the CPU, got one on {tensor.device}", parameter);
        if (tensor.dtype != ElementType) throw new ArgumentException($"expected {ElementType}, got {tensor.dtype}", parameter);
        // Laid out in any other way, or as the conjugate or negative of what lies there: contiguous() makes it plain.
        if (!tensor.is_contiguous()) throw new ArgumentException($"expected a contiguous tensor, got strides ({string.Join(", ", tensor.stride())})", parameter);
        if (tensor.is_neg()) throw new ArgumentException("expected a tensor without a pending negation", parameter);
        return new(tensor);
    }

    /// <summary>Lets the tensor go.</summary>
    public void Dispose() => GC.KeepAlive(_tensor);
}
