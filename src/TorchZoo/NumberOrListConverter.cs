using System.Text.Json;
using System.Text.Json.Serialization;

namespace TorchZoo;

/// <summary>An option that is one number for all or a list with one for each: 0.1 reads as [0.1], and [0.1] is written as 0.1.</summary>
public sealed class NumberOrListConverter : JsonConverter<IReadOnlyList<double>>
{
    /// <inheritdoc/>
    public override IReadOnlyList<double> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? [reader.GetDouble()] : JsonSerializer.Deserialize<double[]>(ref reader, options)!;

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IReadOnlyList<double> value, JsonSerializerOptions options)
    {
        if (value is [var single])
        {
            writer.WriteNumberValue(single);
            return;
        }
        writer.WriteStartArray();
        foreach (var number in value) writer.WriteNumberValue(number);
        writer.WriteEndArray();
    }
}
