using System.Text.Json;
using System.Text.Json.Serialization;

namespace TorchZoo;

/// <summary>
/// How configurations are written: snake_case names (the parameter names of the reference implementations), nothing left out, unknown
/// names refused so that a misspelt option is an error and not a default.
/// </summary>
public static class ConfigJson
{
    /// <summary>The serializer's settings.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>The text of a configuration.</summary>
    public static string Write(object config) => JsonSerializer.Serialize(config, config.GetType(), Options);

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="ArgumentException">The text is no valid configuration of that type; the message says where.</exception>
    public static object Read(string json, Type type)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type, Options) ?? throw new ArgumentException($"null is no {type.Name}", nameof(json));
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"Not a valid {type.Name}: {e.Message}", nameof(json), e);
        }
    }
}
