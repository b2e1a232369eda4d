using System.Text.Json;
using System.Text.Json.Serialization;

namespace TorchZoo.Models.Operators;

/// <summary>
/// By what factors Fourier layers change the resolution: the same for all, one a layer, or one a layer and axis. In JSON: a number, a
/// list, or a list of lists.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class ResolutionScaling
{
    private readonly double[][] _factors; // one row: all layers; rows of one: all axes

    /// <summary>One factor for all layers and axes.</summary>
    public ResolutionScaling(double factor) => _factors = [[factor]];

    /// <summary>One factor a layer.</summary>
    public ResolutionScaling(IEnumerable<double> layers) => _factors = [.. layers.Select(f => new[] { f })];

    /// <summary>One factor a layer and axis.</summary>
    public ResolutionScaling(IEnumerable<IEnumerable<double>> layers) => _factors = [.. layers.Select(l => l.ToArray())];

    /// <summary>One factor for all layers and axes.</summary>
    public static implicit operator ResolutionScaling(double factor) => new(factor);

    /// <summary>One factor a layer.</summary>
    public static implicit operator ResolutionScaling(double[] layers) => new(layers);

    /// <summary>The factors of one layer, one an axis.</summary>
    internal double[] Of(int layer, int axes)
    {
        var row = _factors[_factors.Length == 1 ? 0 : layer];
        return row.Length == 1 ? [.. Enumerable.Repeat(row[0], axes)] : row;
    }

    internal void Validate(int layers, int axes, string parameter)
    {
        if (_factors.Length != 1 && _factors.Length < layers)
            throw new ArgumentException($"Expected one factor, or one for each of {layers} layers, not {_factors.Length}", parameter);
        foreach (var row in _factors)
        {
            if (row.Length != 1 && row.Length != axes)
                throw new ArgumentException($"Expected one factor a layer, or one for each of {axes} axes, not {row.Length}", parameter);
            if (row.FirstOrDefault(f => !(f > 0 && double.IsFinite(f)), 1) is var bad && bad != 1)
                throw new ArgumentException($"Factors must be positive and finite, not {bad}", parameter);
        }
    }

    private sealed class Converter : JsonConverter<ResolutionScaling>
    {
        public override ResolutionScaling Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var element = JsonElement.ParseValue(ref reader);
            return element.ValueKind == JsonValueKind.Number ? new(element.GetDouble())
                : element.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Number) ? new(element.Deserialize<double[]>()!)
                : new(element.Deserialize<double[][]>()!);
        }

        public override void Write(Utf8JsonWriter writer, ResolutionScaling value, JsonSerializerOptions options)
        {
            if (value._factors is [[var factor]]) writer.WriteNumberValue(factor);
            else if (value._factors.All(row => row.Length == 1)) JsonSerializer.Serialize(writer, value._factors.Select(row => row[0]));
            else JsonSerializer.Serialize(writer, value._factors);
        }
    }
}
