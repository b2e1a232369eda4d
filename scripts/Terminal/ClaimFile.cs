using System.Text.Json;
using TorchZoo.Checkpoints;

namespace TorchZoo.Scripts.Terminal;

/// <summary>A finished run's claim and circumstances, for programs to read: <c>claim.json</c> in the run's folder.</summary>
internal sealed record ClaimFile
{
    public const string Name = "claim.json";

    public required Claim Claim { get; init; }

    public required string Verdict { get; init; }

    public required RunSize Size { get; init; }

    public required string Device { get; init; }

    public required ulong Seed { get; init; }

    public required double Seconds { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    public void Write(string directory) =>
        AtomicFile.Write(Path.Combine(directory, Name), stream => JsonSerializer.Serialize(stream, this, Settings));

    public static ClaimFile? TryRead(string directory)
    {
        var path = Path.Combine(directory, Name);
        if (!File.Exists(path)) return null;
        try { return JsonSerializer.Deserialize<ClaimFile>(File.ReadAllBytes(path), Settings); }
        catch (JsonException) { return null; }
    }

    private static readonly JsonSerializerOptions Settings = new(ConfigJson.Options)
    { WriteIndented = true, IgnoreReadOnlyProperties = true };
}
