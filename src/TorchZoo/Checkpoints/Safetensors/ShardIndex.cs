using System.Text.Json;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints.Safetensors;

/// <summary>The index of a sharded file: which tensor is in which file beside it.</summary>
/// <param name="path">The index.</param>
internal sealed class ShardIndex(string path)
{
    /// <summary>How the name of an index ends.</summary>
    public const string Extension = ".safetensors.index.json";

    private const long MaxLength = 100_000_000;

    /// <summary>Name of a file.</summary>
    public static string ShardName(string indexPath, int shard, int count) =>
        $"{Path.GetFileName(indexPath)[..^Extension.Length]}-{shard + 1:d5}-of-{count:d5}.safetensors";

    /// <summary>Path of a file beside the index.</summary>
    public string PathOf(string shard) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, shard);

    /// <summary>The file of each tensor, in order.</summary>
    /// <exception cref="InvalidDataException">The index is damaged, or names a file elsewhere.</exception>
    public Dictionary<string, string> Read()
    {
        if (new FileInfo(path).Length > MaxLength) throw new InvalidDataException($"{path} is longer than {MaxLength} bytes");
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false };
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), options);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("weight_map", out var map)
                || map.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path} is no index: it has no weight_map");
            return map.EnumerateObject().ToDictionary(entry => entry.Name, entry => ShardOf(entry.Value));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path} is no valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Writes the index.</summary>
    public void Write(IReadOnlyList<Dictionary<string, Tensor>> shards, long bytes) => AtomicFile.Write(path, stream =>
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", bytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        for (var i = 0; i < shards.Count; i++)
            foreach (var name in shards[i].Keys)
                json.WriteString(name, ShardName(path, i, shards.Count));
        json.WriteEndObject();
        json.WriteEndObject();
    });

    // A plain name: an index must not lead out of its folder.
    private string ShardOf(JsonElement value)
    {
        var name = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        return name.Length > 0 && name is not ("." or "..") && !name.Any(c => char.IsControl(c) || c is '/' or '\\' or ':')
            ? name
            : throw new InvalidDataException($"{path} names the file '{PyTorch.PyKey.Printable(name)}'");
    }
}
