using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.Safetensors;

/// <summary>
/// Reads and verifies a header: when it returns, every tensor lies inside the file and the tensors cover the data exactly. Everything it
/// objects to is an <see cref="InvalidDataException"/> without the file's name, which the caller adds.
/// </summary>
internal static class HeaderReader
{
    // The reference implementation's own limit.
    private const long MaxLength = 100_000_000;
    private const int MaxDimensions = 64;

    public static SafetensorsHeader Read(SafeFileHandle file)
    {
        var size = RandomAccess.GetLength(file);
        if (size < 8) throw new InvalidDataException($"a safetensors file has at least 8 bytes, this one {size}");
        Span<byte> prefix = stackalloc byte[8];
        TensorMemory.ReadExactly(file, prefix, 0);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)(size - 8))
            throw new InvalidDataException($"the header claims {length} bytes; the file has {size - 8} after the length");
        if (length > MaxLength) throw new InvalidDataException($"the header claims {length} bytes; at most {MaxLength} are allowed");
        var text = new byte[length];
        TensorMemory.ReadExactly(file, text, 8);
        if (text.Length == 0 || text[0] != '{') throw new InvalidDataException("the header does not begin with '{'");
        if (!Utf8.IsValid(text)) throw new InvalidDataException("the header is not UTF-8");
        try
        {
            var header = Parse(text.AsSpan().TrimEnd((byte)' '), 8 + (long)length);
            CheckCoverage(header.Tensors, 8 + (long)length, size);
            return header;
        }
        // The reader throws InvalidOperationException for strings that are no Unicode (a lone surrogate in an escape).
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"the header is not valid JSON: {e.Message}", e);
        }
    }

    private static SafetensorsHeader Parse(ReadOnlySpan<byte> text, long dataStart)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = 4 });
        var tensors = new List<SafetensorsEntry>();
        var metadata = new Dictionary<string, string>();
        var names = new HashSet<string>();
        Expect(ref reader, JsonTokenType.StartObject, "the header");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!names.Add(name)) throw new InvalidDataException($"the name '{name}' is there twice");
            if (name == "__metadata__") ParseMetadata(ref reader, metadata);
            else tensors.Add(ParseEntry(ref reader, name, dataStart));
        }
        if (reader.TokenType != JsonTokenType.EndObject) throw new InvalidDataException("the header is not closed");
        if (reader.BytesConsumed != text.Length) throw new InvalidDataException("something follows the header's closing brace");
        return new SafetensorsHeader(tensors, metadata);
    }

    private static void ParseMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        Expect(ref reader, JsonTokenType.StartObject, "__metadata__");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String, $"__metadata__ '{name}'");
            if (!metadata.TryAdd(name, reader.GetString()!)) throw new InvalidDataException($"__metadata__ has the name '{name}' twice");
        }
    }

    private static SafetensorsEntry ParseEntry(ref Utf8JsonReader reader, string name, long dataStart)
    {
        ScalarType? dtype = null;
        List<long>? shape = null, offsets = null;
        Expect(ref reader, JsonTokenType.StartObject, $"'{name}'");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var field = reader.GetString()!;
            switch (field)
            {
                case "dtype" when dtype is null:
                    Expect(ref reader, JsonTokenType.String, $"dtype of '{name}'");
                    var text = reader.GetString()!;
                    dtype = SafetensorsDtypes.Parse(text)
                        ?? throw new InvalidDataException($"'{name}' has the dtype '{text}', which is unknown here");
                    break;
                case "shape" when shape is null:
                    shape = ParseIntegers(ref reader, $"shape of '{name}'", MaxDimensions);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ParseIntegers(ref reader, $"data_offsets of '{name}'", 2);
                    break;
                default:
                    throw new InvalidDataException($"'{name}' has a field '{field}' twice or one that the format does not know");
            }
        }
        if (dtype is null || shape is null || offsets is not [var begin, var end])
            throw new InvalidDataException($"'{name}' needs dtype, shape and two data_offsets");
        if (end < begin || end > long.MaxValue - dataStart) throw new InvalidDataException($"'{name}' has the offsets {begin} to {end}");
        var bytes = ByteCount(shape, TensorMemory.ElementSize(dtype.Value))
            ?? throw new InvalidDataException($"the size of '{name}' [{string.Join(", ", shape)}] overflows");
        if (bytes != end - begin)
            throw new InvalidDataException(
                $"'{name}' [{string.Join(", ", shape)}] of {dtype} takes {bytes} bytes; its offsets span {end - begin}");
        return new SafetensorsEntry(name, dtype.Value, shape, dataStart + begin, bytes);
    }

    private static List<long> ParseIntegers(ref Utf8JsonReader reader, string what, int most)
    {
        var values = new List<long>();
        Expect(ref reader, JsonTokenType.StartArray, what);
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            // Digits only: -0, 1.0 and 1e3 are numbers of JSON but not of this format.
            if (reader.TokenType != JsonTokenType.Number || reader.ValueSpan[0] == '-' || !reader.TryGetInt64(out var value))
                throw new InvalidDataException($"{what} must be a list of non-negative integers");
            if (values.Count == most) throw new InvalidDataException($"{what} has more than {most} numbers");
            values.Add(value);
        }
        return values;
    }

    /// <summary>Product of the sizes and the element's size; null if it overflows, also where a zero hides that.</summary>
    private static long? ByteCount(List<long> shape, int elementSize)
    {
        var bytes = (Int128)elementSize;
        foreach (var size in shape)
        {
            if (size == 0) continue;
            bytes *= size;
            if (bytes > long.MaxValue) return null;
        }
        return shape.Contains(0) ? 0 : (long)bytes;
    }

    // Gaps would hide data and overlaps would let one tensor's bytes pass as another's; the format allows neither.
    private static void CheckCoverage(IReadOnlyList<SafetensorsEntry> tensors, long dataStart, long size)
    {
        var position = dataStart;
        foreach (var entry in tensors.OrderBy(t => t.Position).ThenBy(t => t.Length))
        {
            if (entry.Position != position)
                throw new InvalidDataException(
                    $"'{entry.Name}' begins at byte {entry.Position - dataStart} of the data; {position - dataStart} was expected");
            position += entry.Length;
            if (position > size) throw new InvalidDataException($"'{entry.Name}' ends behind the end of the file");
        }
        if (position != size) throw new InvalidDataException($"{size - position} bytes at the end of the file belong to no tensor");
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader) =>
        reader.Read() ? reader.TokenType : throw new InvalidDataException("the header ends too early");

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (Next(ref reader) != type) throw new InvalidDataException($"{what} must be a {type switch
        {
            JsonTokenType.StartObject => "JSON object",
            JsonTokenType.StartArray => "list",
            _ => "string",
        }}");
    }
}
