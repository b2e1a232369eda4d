using System.Text.Json;
using System.Text.Json.Serialization;

namespace TorchZoo.Models.Operators;

/// <summary>An option of both nets. In JSON one value for both, or an object with <c>branch</c> and <c>trunk</c>.</summary>
/// <typeparam name="T">Type of the option.</typeparam>
/// <param name="Branch">For the branch net.</param>
/// <param name="Trunk">For the trunk net.</param>
[JsonConverter(typeof(BranchTrunkConverter))]
public sealed record BranchTrunk<T>(T Branch, T Trunk)
{
    /// <summary>The same for both nets.</summary>
    public static implicit operator BranchTrunk<T>(T both) => new(both, both);
}

/// <summary>Reads and writes <see cref="BranchTrunk{T}"/>.</summary>
internal sealed class BranchTrunkConverter : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(BranchTrunk<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(typeToConvert.GenericTypeArguments))!;

    private sealed class Of<T> : JsonConverter<BranchTrunk<T>>
    {
        public override BranchTrunk<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartObject) return Value(JsonSerializer.Deserialize<T>(ref reader, options));
            var both = JsonSerializer.Deserialize<Dictionary<string, T>>(ref reader, options)!;
            return both.Count == 2 && both.TryGetValue("branch", out var branch) && both.TryGetValue("trunk", out var trunk)
                ? new BranchTrunk<T>(branch, trunk)
                : throw new JsonException($"expected one value, or one for branch and one for trunk; got {string.Join(", ", both.Keys)}");
        }

        public override void Write(Utf8JsonWriter writer, BranchTrunk<T> value, JsonSerializerOptions options)
        {
            if (EqualityComparer<T>.Default.Equals(value.Branch, value.Trunk)) JsonSerializer.Serialize(writer, value.Branch, options);
            else JsonSerializer.Serialize(writer, new Dictionary<string, T> { ["branch"] = value.Branch, ["trunk"] = value.Trunk }, options);
        }

        private static T Value(T? value) => value ?? throw new JsonException("expected a value for branch and trunk, got null");
    }
}
