using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Terminal;

/// <summary>A file with tensors, of any format that the program reads: what its name says, PyTorch's where that says nothing.</summary>
internal sealed class CheckpointFile : IDisposable
{
    private const string ShardIndex = ".safetensors.index.json";

    private CheckpointFile(string path, object? tree, IReadOnlyDictionary<string, string> metadata) =>
        (Path, Tree, Metadata) = (path, tree, metadata);

    public string Path { get; }

    /// <summary>What the file holds. Of a safetensors file of which only the header was read, tensors are <see cref="SafetensorsEntry"/>.
    /// </summary>
    public object? Tree { get; }

    /// <summary>The strings of a safetensors file that was looked into; empty where its tensors were read.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Reads and verifies a file's tensors.</summary>
    public static CheckpointFile Read(string path)
    {
        Require(path);
        var tree = SafetensorsFile.IsNamed(path) ? PyDict.FromTensors(SafetensorsFile.Load(path)) : PyTorchFile.Load(path);
        return new(path, tree, new Dictionary<string, string>());
    }

    /// <summary>Reads what the file says of its tensors, but not their data where the format spares that.</summary>
    public static CheckpointFile Peek(string path)
    {
        Require(path);
        if (!SafetensorsFile.IsNamed(path))
            return new(path, PyTorchFile.Load(path, new PyTorchLoadOptions { MemoryMap = true }), new Dictionary<string, string>());
        if (IsShardIndex(path)) return new(path, PyDict.FromTensors(SafetensorsFile.Load(path, memoryMap: true)), new Dictionary<string, string>());
        var header = SafetensorsFile.ReadHeader(path);
        var dict = new PyDict();
        foreach (var entry in header.Tensors) dict.Add(entry.Name, entry);
        return new(path, dict, header.Metadata);
    }

    /// <summary>The weights if there are any, else all tensors under the paths at which they are.</summary>
    public IReadOnlyDictionary<string, Tensor> WeightsOrAll()
    {
        try { return PyTorchFile.FindStateDict(Tree).ToTensors(); }
        catch (InvalidDataException) { return All(); }
    }

    private Dictionary<string, Tensor> All()
    {
        var found = new Dictionary<string, Tensor>();
        var open = new Stack<(string Path, object? Value)>([("", Tree)]);
        while (open.TryPop(out var item))
        {
            if (item.Value is Tensor tensor)
            {
                // The keys 1 and "1" look alike.
                var name = item.Path.Length == 0 ? "(the tensor)" : item.Path;
                while (!found.TryAdd(name, tensor)) name += "'";
            }
            foreach (var (key, value) in CheckpointTree.Children(item.Value).Reverse())
                open.Push((item.Path.Length == 0 ? $"{key}" : $"{item.Path}/{key}", value));
        }
        return found;
    }

    public void Dispose() => PyTree.DisposeTensors(Tree);

    private static bool IsShardIndex(string path) => path.EndsWith(ShardIndex, StringComparison.OrdinalIgnoreCase);

    private static void Require(string path)
    {
        if (!File.Exists(path)) throw new ArgumentException($"There is no file '{path}'.");
        TorchRuntime.EnsureLoaded();
    }
}
