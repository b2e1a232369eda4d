using System.Text.Json;
using System.Text.Json.Serialization;

namespace TorchZoo.Benchmarks;

/// <summary>A measurement as a line of JSON.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">Ours.</param>
/// <param name="Unit">Unit of value, baseline and bound.</param>
/// <param name="Baseline">What it is compared with; null: nothing.</param>
/// <param name="Ratio">Of the two, one way or the other; null without baseline.</param>
/// <param name="Bound">What the hardware would allow; null: not known.</param>
internal sealed record Result(string Name, double Value, string Unit, double? Baseline, double? Ratio, double? Bound)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>Whether more is better. The ratio says it of speed-ups and shares; without one, the unit.</summary>
    [JsonIgnore]
    public bool MoreIsBetter => Ratio is { } ratio && Baseline is { } baseline
        ? Math.Abs(Math.Log(ratio * Value / baseline)) < Math.Abs(Math.Log(ratio * baseline / Value))
        : Unit.EndsWith("/s", StringComparison.Ordinal);

    /// <summary>What is compared over time: the ratio, for a busy machine slows both of its sides; without one, the value.</summary>
    [JsonIgnore]
    public double Figure => Ratio ?? Value;

    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>Reads lines of JSON.</summary>
    /// <exception cref="InvalidDataException">A line is something else; the message has its number.</exception>
    public static IReadOnlyDictionary<string, Result> Read(string path)
    {
        var results = new Dictionary<string, Result>();
        foreach (var (i, line) in File.ReadLines(path).Index())
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            try
            {
                var result = JsonSerializer.Deserialize<Result>(line, Options);
                results[result?.Name ?? throw new JsonException("it has no name")] = result;
            }
            catch (JsonException e) { throw new InvalidDataException($"{path}, line {i + 1} is no result of a benchmark: {e.Message}", e); }
        }
        return results;
    }
}
