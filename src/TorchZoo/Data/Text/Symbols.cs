using static TorchSharp.torch;

namespace TorchZoo.Data.Text;

/// <summary>
/// The bytes that a text is made of, numbered from 0: what a model of bytes has for tokens. Text of any language and any file can be written
/// in bytes, so that nothing has to be learned or shipped to take it apart.
/// </summary>
public sealed class Symbols
{
    private const int Bytes = 256;
    private readonly byte[] _bytes;
    private readonly short[] _numbers = new short[Bytes];

    private Symbols(byte[] bytes)
    {
        _bytes = bytes;
        Array.Fill(_numbers, (short)-1);
        for (var i = 0; i < bytes.Length; i++) _numbers[bytes[i]] = (short)i;
    }

    /// <summary>All 256 bytes, each with its own value for a number.</summary>
    public static Symbols All { get; } = new([.. Enumerable.Range(0, Bytes).Select(i => (byte)i)]);

    /// <summary>How many there are: a model's vocabulary.</summary>
    public int Count => _bytes.Length;

    /// <summary>The bytes by their numbers, in increasing order: what <see cref="Of"/> makes the same symbols of again.</summary>
    public ReadOnlySpan<byte> Values => _bytes;

    /// <summary>The bytes that occur in a text.</summary>
    /// <exception cref="ArgumentException">The text is empty.</exception>
    public static Symbols Of(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) throw new ArgumentException("Expected at least one byte, got none", nameof(text));
        Span<bool> occurs = stackalloc bool[Bytes];
        foreach (var value in text) occurs[value] = true;
        var bytes = new List<byte>();
        for (var value = 0; value < Bytes; value++)
            if (occurs[value]) bytes.Add((byte)value);
        return new([.. bytes]);
    }

    /// <summary>The symbols' numbers.</summary>
    /// <param name="text">The text.</param>
    /// <returns>uint8 (length): few bytes for long texts. <see cref="TokenWindows"/> makes int64 of what it takes.</returns>
    /// <exception cref="ArgumentException">The text has a byte that isn't among the symbols.</exception>
    public Tensor Encode(ReadOnlySpan<byte> text)
    {
        var numbers = new byte[text.Length];
        for (var i = 0; i < text.Length; i++)
        {
            var number = _numbers[text[i]];
            if (number < 0)
                throw new ArgumentException($"Expected the {Count} bytes that the symbols were made of, got 0x{text[i]:X2} at {i}", nameof(text));
            numbers[i] = (byte)number;
        }
        return tensor(numbers);
    }

    /// <summary>The bytes of symbols.</summary>
    /// <param name="numbers">Integers (length).</param>
    /// <exception cref="ArgumentException">Another shape, or a number that is no symbol's.</exception>
    public byte[] Decode(Tensor numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (numbers.dim() != 1 || !numbers.is_integral())
            throw new ArgumentException($"Expected integers (length), got {numbers.dtype} ({string.Join(", ", numbers.shape)})", nameof(numbers));
        using var scope = NewDisposeScope();
        var values = numbers.to(ScalarType.Int64).cpu().contiguous();
        var bytes = new byte[values.numel()];
        var i = 0;
        foreach (var number in values.data<long>())
        {
            if (number < 0 || number >= Count)
                throw new ArgumentException($"Expected numbers from 0 to {Count - 1}, got {number} at {i}", nameof(numbers));
            bytes[i++] = _bytes[number];
        }
        return bytes;
    }
}
