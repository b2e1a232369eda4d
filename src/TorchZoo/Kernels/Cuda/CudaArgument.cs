using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Kernels.Cuda;

/// <summary>
/// An argument of a kernel, by value: a number, a structure of numbers, or an address on the GPU, given as such, as a tensor or as a
/// <see cref="CudaBuffer{T}"/>. Numbers convert without a cast: int and long are the kernel's 4- and 8-byte integers.
/// </summary>
public readonly struct CudaArgument
{
    private readonly UInt128 _value;
    private readonly byte[]? _large;

    private CudaArgument(int size, UInt128 value, byte[]? large, object? owner) =>
        (Size, _value, _large, Owner) = (size, value, large, owner);

    /// <summary>Bytes.</summary>
    public int Size { get; }

    /// <summary>What keeps the memory that it points to: a tensor or a buffer.</summary>
    internal object? Owner { get; }

    /// <summary>A number or structure. Its layout must be that of the kernel's parameter.</summary>
    public static CudaArgument Of<T>(T value) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value));
        if (bytes.Length > Unsafe.SizeOf<UInt128>()) return new(bytes.Length, 0, bytes.ToArray(), null);
        UInt128 small = 0;
        bytes.CopyTo(MemoryMarshal.AsBytes(new Span<UInt128>(ref small)));
        return new(bytes.Length, small, null, null);
    }

    /// <summary>The address of a contiguous tensor's first element; null: 0, as for a tensor without elements.</summary>
    /// <exception cref="ArgumentException">The tensor is strided.</exception>
    public static implicit operator CudaArgument(Tensor? tensor)
    {
        if (tensor is null) return Pointer(0, null);
        if (!tensor.is_contiguous())
            throw new ArgumentException($"Expected a contiguous tensor, got ({string.Join(", ", tensor.shape)}) in steps of "
                + $"({string.Join(", ", tensor.stride())})", nameof(tensor));
        return Pointer(TensorMemory.Address(tensor), tensor);
    }

    /// <summary>An address on the GPU, or an 8-byte integer.</summary>
    public static implicit operator CudaArgument(nint value) => Of((long)value);

    /// <summary>A 4-byte integer.</summary>
    public static implicit operator CudaArgument(int value) => Of(value);

    /// <summary>An 8-byte integer.</summary>
    public static implicit operator CudaArgument(long value) => Of(value);

    /// <summary>An unsigned 4-byte integer.</summary>
    public static implicit operator CudaArgument(uint value) => Of(value);

    /// <summary>An unsigned 8-byte integer.</summary>
    public static implicit operator CudaArgument(ulong value) => Of(value);

    /// <summary>A float.</summary>
    public static implicit operator CudaArgument(float value) => Of(value);

    /// <summary>A double.</summary>
    public static implicit operator CudaArgument(double value) => Of(value);

    /// <summary>A bool.</summary>
    public static implicit operator CudaArgument(bool value) => Of(value);

    internal static CudaArgument Pointer(nint address, object? owner) => new(sizeof(long), (UInt128)(ulong)address, null, owner);

    internal void CopyTo(Span<byte> destination)
    {
        if (_large is not null) _large.CopyTo(destination);
        else MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in _value))[..Size].CopyTo(destination);
    }
}
