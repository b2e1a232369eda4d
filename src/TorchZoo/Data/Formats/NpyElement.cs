using System.Globalization;
using System.Runtime.InteropServices;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>How a NumPy file keeps a number, and as what it is read.</summary>
/// <param name="Kind"><c>b</c> truth value, <c>i</c>, <c>u</c> integer, <c>f</c> real, <c>c</c> complex.</param>
/// <param name="Size">Bytes in the file.</param>
/// <param name="IsBigEndian">Most significant byte first.</param>
internal readonly record struct NpyElement(char Kind, int Size, bool IsBigEndian)
{
    /// <summary>The type that it is read as: libtorch computes with no unsigned integers but bytes, so that larger ones get the next
    /// larger signed type.</summary>
    public ScalarType Dtype => (Kind, Size) switch
    {
        ('b', _) => ScalarType.Bool,
        ('u', 1) => ScalarType.Byte,
        ('i', 1) => ScalarType.Int8,
        ('i', 2) => ScalarType.Int16,
        ('i', 4) or ('u', 2) => ScalarType.Int32,
        ('i', 8) or ('u', 4) or ('u', 8) => ScalarType.Int64,
        ('f', 2) => ScalarType.Float16,
        ('f', 4) => ScalarType.Float32,
        ('f', 8) => ScalarType.Float64,
        ('c', 8) => ScalarType.ComplexFloat32,
        _ => ScalarType.ComplexFloat64,
    };

    /// <summary>Whether the file's bytes, once in the machine's order, are a tensor's.</summary>
    private bool IsPlain => Kind is not ('u' or 'b') || Size == 1 && Kind == 'u';

    /// <summary>Reads a type's description, e.g. <c>&lt;f4</c>.</summary>
    /// <exception cref="NotSupportedException">There is no tensor of this type.</exception>
    public static NpyElement Parse(string text)
    {
        if (text.Contains('O')) throw new NotSupportedException("objects (pickles) are refused");
        if (text == "?") return new NpyElement('b', 1, false);
        var order = text.Length > 0 && text[0] is '<' or '>' or '|' or '=' ? text[0] : '=';
        var rest = text.AsSpan(order == '=' && !text.StartsWith('=') ? 0 : 1);
        if (rest.Length > 1 && int.TryParse(rest[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && (rest[0], size) is ('b', 1) or ('i' or 'u', 1 or 2 or 4 or 8) or ('f', 2 or 4 or 8) or ('c', 8 or 16))
            return new NpyElement(rest[0], size, order == '>' || order == '=' && !BitConverter.IsLittleEndian);
        throw new NotSupportedException($"there is no tensor of the type '{text}'");
    }

    /// <summary>How a tensor's type is written; little endian.</summary>
    /// <exception cref="ArgumentException">NumPy has no such type.</exception>
    public static string Describe(ScalarType dtype, string parameter) => dtype switch
    {
        ScalarType.Bool => "|b1",
        ScalarType.Byte => "|u1",
        ScalarType.Int8 => "|i1",
        ScalarType.Int16 => "<i2",
        ScalarType.Int32 => "<i4",
        ScalarType.Int64 => "<i8",
        ScalarType.Float16 => "<f2",
        ScalarType.Float32 => "<f4",
        ScalarType.Float64 => "<f8",
        ScalarType.ComplexFloat32 => "<c8",
        ScalarType.ComplexFloat64 => "<c16",
        _ => throw new ArgumentException($"Expected a type that NumPy has, got {dtype}", parameter),
    };

    /// <summary>Turns a file's bytes into a tensor's.</summary>
    /// <param name="raw">Elements as the file has them; changed on the way.</param>
    /// <param name="destination">Room for as many elements of <see cref="Dtype"/>; may be where <paramref name="raw"/> is if the sizes are
    /// the same.</param>
    /// <exception cref="FormatException">A number doesn't fit.</exception>
    public void Decode(Span<byte> raw, Span<byte> destination)
    {
        if (IsBigEndian == BitConverter.IsLittleEndian) ByteOrder.Reverse(raw, Kind == 'c' ? Size / 2 : Size);
        if (IsPlain)
        {
            raw.CopyTo(destination);
            return;
        }
        switch (Kind, Size)
        {
            case ('b', _):
                for (var i = 0; i < raw.Length; i++) destination[i] = raw[i] == 0 ? (byte)0 : (byte)1;
                break;
            case ('u', 2): Widen<ushort, int>(raw, destination); break;
            case ('u', 4): Widen<uint, long>(raw, destination); break;
            default:
                try { Widen<ulong, long>(raw, destination); }
                catch (OverflowException) { throw new FormatException("a whole number without sign is beyond 2⁶³ − 1"); }
                break;
        }
    }

    /// <summary>Bytes of an element of <see cref="Dtype"/>.</summary>
    public int TensorSize => TensorMemory.ElementSize(Dtype);

    private static void Widen<TFrom, TTo>(Span<byte> raw, Span<byte> destination)
        where TFrom : unmanaged, System.Numerics.IBinaryInteger<TFrom>
        where TTo : unmanaged, System.Numerics.IBinaryInteger<TTo>
    {
        var from = MemoryMarshal.Cast<byte, TFrom>(raw);
        var to = MemoryMarshal.Cast<byte, TTo>(destination);
        for (var i = 0; i < from.Length; i++) to[i] = TTo.CreateChecked(from[i]);
    }
}
