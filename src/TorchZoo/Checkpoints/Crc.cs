using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TorchZoo.Checkpoints;

/// <summary>
/// CRC-32 as zip files have it. Where the processor multiplies polynomials 512 bits at a time this is several times faster than
/// <see cref="Crc32"/>, which uses 128 bits and takes longer than it takes to copy the bytes out of the page cache; elsewhere it is that.
/// </summary>
internal sealed class Crc
{
    private const uint Polynomial = 0xEDB88320; // x³² + x²⁶ + …, the highest power in the lowest bit
    private const int Lanes = 4, Block = 64, Stride = Lanes * Block;

    private static readonly uint[] OfByte = [.. Enumerable.Range(0, 256).Select(b => Times((uint)b, 8))];
    private static readonly Vector512<ulong> AcrossStride = Vector512.Create(Across(8 * Stride));
    private static readonly Vector512<ulong> AcrossBlock = Vector512.Create(Across(8 * Block));
    private static readonly Vector512<ulong> ToLastLane =
        Vector512.Create(Vector256.Create(Across(384), Across(256)), Vector256.Create(Across(128), Vector128<ulong>.Zero));

    private readonly Crc32? _library = Pclmulqdq.V512.IsSupported ? null : new Crc32();
    private uint _register = uint.MaxValue;

    /// <summary>The checksum of what was appended so far.</summary>
    public uint Value => _library?.GetCurrentHashAsUInt32() ?? ~_register;

    /// <summary>Appends bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_library is not null) _library.Append(bytes);
        else _register = bytes.Length >= Stride ? Fold(_register, bytes) : ByByte(_register, bytes);
    }

    // Four blocks at a time are moved across the next four: what they are as polynomials modulo the CRC's stays the same. In the end 16
    // bytes are left that have the CRC of all.
    private static uint Fold(uint register, ReadOnlySpan<byte> bytes)
    {
        ref var at = ref MemoryMarshal.GetReference(bytes);
        var a = Vector512.CreateScalar((ulong)register) ^ Load(ref at, 0);
        Vector512<ulong> b = Load(ref at, 1), c = Load(ref at, 2), d = Load(ref at, 3);
        var rest = bytes.Length - Stride;
        for (at = ref Unsafe.Add(ref at, Stride); rest >= Stride; rest -= Stride, at = ref Unsafe.Add(ref at, Stride))
        {
            a = Move(a, AcrossStride) ^ Load(ref at, 0);
            b = Move(b, AcrossStride) ^ Load(ref at, 1);
            c = Move(c, AcrossStride) ^ Load(ref at, 2);
            d = Move(d, AcrossStride) ^ Load(ref at, 3);
        }
        b ^= Move(a, AcrossBlock);
        c ^= Move(b, AcrossBlock);
        d ^= Move(c, AcrossBlock);
        for (; rest >= Block; rest -= Block, at = ref Unsafe.Add(ref at, Block)) d = Move(d, AcrossBlock) ^ Load(ref at, 0);
        var moved = Move(d, ToLastLane);
        var last = moved.GetLower().GetLower() ^ moved.GetLower().GetUpper() ^ moved.GetUpper().GetLower() ^ d.GetUpper().GetUpper();
        Span<byte> left = stackalloc byte[16];
        last.AsByte().CopyTo(left);
        return ByByte(ByByte(0, left), bytes[^rest..]);
    }

    private static Vector512<ulong> Load(ref byte at, nuint block) => Vector512.LoadUnsafe(ref at, block * Block).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Move(Vector512<ulong> block, Vector512<ulong> across) =>
        Pclmulqdq.V512.CarrylessMultiply(block, across, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(block, across, 0x11);

    private static uint ByByte(uint register, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes) register = OfByte[(byte)register ^ b] ^ (register >> 8);
        return register;
    }

    // The factors that move the two halves of 128 bits by a distance, a product of reversed polynomials being one bit short.
    private static Vector128<ulong> Across(int bits) => Vector128.Create((ulong)Times(1u << 31, bits + 32) << 1, (ulong)Times(1u << 31, bits - 32) << 1);

    // A polynomial times a power of x, modulo the CRC's.
    private static uint Times(uint polynomial, int power)
    {
        for (; power > 0; power--) polynomial = (polynomial >> 1) ^ ((polynomial & 1) * Polynomial);
        return polynomial;
    }
}
