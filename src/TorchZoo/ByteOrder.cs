using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace TorchZoo;

/// <summary>Numbers of files whose bytes are in the other order than the machine's.</summary>
internal static class ByteOrder
{
    /// <summary>Turns the bytes of each number around, in place.</summary>
    /// <param name="bytes">Whole numbers of one size.</param>
    /// <param name="size">Bytes of a number: 1, which stays as it is, 2, 4 or 8. Complex numbers are two.</param>
    public static void Reverse(Span<byte> bytes, int size)
    {
        switch (size)
        {
            case 1: break;
            case 2: Reverse(MemoryMarshal.Cast<byte, short>(bytes)); break;
            case 4: Reverse(MemoryMarshal.Cast<byte, int>(bytes)); break;
            case 8: Reverse(MemoryMarshal.Cast<byte, long>(bytes)); break;
            default: throw new ArgumentOutOfRangeException(nameof(size), size, "expected 1, 2, 4 or 8 bytes");
        }
    }

    private static void Reverse(Span<short> values) => BinaryPrimitives.ReverseEndianness(values, values);

    private static void Reverse(Span<int> values) => BinaryPrimitives.ReverseEndianness(values, values);

    private static void Reverse(Span<long> values) => BinaryPrimitives.ReverseEndianness(values, values);
}
